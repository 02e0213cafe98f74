namespace Broker.Store;

/// <summary>What a write has outlived when it is acknowledged.</summary>
/// <remarks>
/// There is one log in one order, whatever the levels: what survives is always all writes up to some point. So a write of
/// a stronger level makes everything before it just as safe, and the number of keys is right after any crash.
/// </remarks>
public enum Durability : byte
{
    /// <summary>It can be read. The end of the process may take it: its log waits in the process, at most about 1 MiB of it.</summary>
    Memory = 0,

    /// <summary>The end of the process: the operating system has the log.</summary>
    Os = 1,

    /// <summary>The end of the machine: the disk has the log. Writers at the same time share one fsync.</summary>
    Fsync = 2,
}
