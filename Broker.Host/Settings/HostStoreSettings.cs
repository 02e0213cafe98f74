using Broker.Store;

namespace Broker.Host.Settings;

/// <summary>The keyed store, if this process has one.</summary>
public sealed record HostStoreSettings
{
    /// <summary>The store's folder; empty for no store.</summary>
    public string Path { get; init; } = "";

    /// <summary>What a client may do with it that has not shown who it is.</summary>
    public StoreAccess Anonymous { get; init; } = StoreAccess.Write;

    /// <summary>Whether anonymous clients from other machines may do that, too.</summary>
    public bool AllowAnonymousAnywhere { get; init; }

    /// <summary>The longest result of a call.</summary>
    public int ResultBytesMax { get; init; } = 64 * 1024 * 1024;

    /// <summary>Bytes that the results of reads may hold until they have left, of all clients.</summary>
    public long ReadBytesMax { get; init; } = 256L * 1024 * 1024;

    /// <summary>Such bytes of one client.</summary>
    public long ClientReadBytesMax { get; init; } = 128L * 1024 * 1024;

    /// <summary>Streams of values and scans that may be under way at once, of all clients.</summary>
    public int StreamsMax { get; init; } = 64;

    /// <summary>How long one of them may go without an item.</summary>
    public TimeSpan StreamIdleLimit { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The bounds of the store itself.</summary>
    public StoreSettings Bounds { get; init; } = new();
}

/// <summary>What a client may do with the store; each includes those before.</summary>
public enum StoreAccess
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>Read.</summary>
    Read,

    /// <summary>Read, write and delete.</summary>
    Write,
}
