namespace Broker.Store;

/// <summary>Why the store refuses or fails.</summary>
public enum StoreFault
{
    /// <summary>The disk, the files or the library failed; the message says how. Nothing is known to be written.</summary>
    Failed,

    /// <summary>A key of no bytes, or of more than a key may have. Nothing is written.</summary>
    BadKey,

    /// <summary>A value longer than a value may be. Nothing is written.</summary>
    ValueTooBig,

    /// <summary>A batch of more bytes or changes than a batch may have. Nothing is written.</summary>
    BatchTooBig,

    /// <summary>A result of more bytes than its caller takes at once.</summary>
    ResultTooBig,

    /// <summary>As many bytes wait to be written as may. Nothing is written; worth another try later.</summary>
    Overloaded,

    /// <summary>The store is closed. Nothing is written.</summary>
    Closed,
}

/// <summary>The store refused or failed.</summary>
public sealed class StoreException : Exception
{
    /// <summary>Of a cause that the caller can tell apart.</summary>
    public StoreException(StoreFault fault, string message, Exception? cause = null)
        : base(message, cause) => Fault = fault;

    /// <summary>Why.</summary>
    public StoreFault Fault { get; }

    /// <summary>Whether files of the store are damaged: another try will fail alike.</summary>
    public bool IsDamage { get; init; }

    /// <summary>Whether the library says of a failure that a file is damaged or missing, not that the disk refuses.</summary>
    internal static bool MeansDamage(Exception failure) =>
        failure.Message.StartsWith("Corruption", StringComparison.Ordinal)
            || (failure.Message.Contains("No such file", StringComparison.Ordinal)
            && failure.Message.Contains(".sst", StringComparison.Ordinal));
}

/// <summary>What clients are notified of a failure: the kind of it, and nothing of the server's files.</summary>
internal static class StoreFaultText
{
    public static string OfWrite(Exception failure) =>
        failure.Message.Contains("No space left", StringComparison.OrdinalIgnoreCase)
            || failure.Message.Contains("NoSpace", StringComparison.OrdinalIgnoreCase)
            ? "The store cannot write: its disk is full. Nothing was changed."
            : "The store cannot write: its disk failed. Nothing was changed.";

    public const string Read = "The store cannot read: its files or its disk failed.";
}
