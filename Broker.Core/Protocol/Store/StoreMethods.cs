using Broker.Core.Protocol.Messages;

namespace Broker.Core.Protocol.Store;

/// <summary>The methods of the keyed store. docs/PROTOCOL.md describes their arguments and results.</summary>
public static class StoreMethods
{
    /// <summary>The value of one key.</summary>
    public const string Read = "read";

    /// <summary>The values of many keys, in the order of the keys.</summary>
    public const string BatchRead = "batch_read";

    /// <summary>Sets one key.</summary>
    public const string Write = "write";

    /// <summary>Sets and deletes many keys, all or none.</summary>
    public const string BatchWrite = "batch_write";

    /// <summary>Deletes one key.</summary>
    public const string Delete = "delete";

    /// <summary>Whether a key is there.</summary>
    public const string Exists = "exists";

    /// <summary>How many keys there are.</summary>
    public const string Length = "len";

    /// <summary>Whether there is no key.</summary>
    public const string IsEmpty = "is_empty";

    /// <summary>Bytes on disk.</summary>
    public const string FileSize = "file_size";

    /// <summary>Keys with a prefix, and their values, in the order of their bytes.</summary>
    public const string Scan = "scan";

    /// <summary>The value of one key, of any length, as items.</summary>
    public const string ReadStream = "read_stream";

    /// <summary>Sets one key to a value of any length, which comes as items.</summary>
    public const string WriteStream = "write_stream";

    /// <summary>Keys with a prefix, and their values, as items and at one moment.</summary>
    public const string ScanStream = "scan_stream";

    /// <summary>Those with one answer.</summary>
    public static IReadOnlyList<string> Plain { get; } =
        [Read, BatchRead, Write, BatchWrite, Delete, Exists, Length, IsEmpty, FileSize, Scan];

    /// <summary>Those with items.</summary>
    public static IReadOnlyList<string> Streamed { get; } = [ReadStream, WriteStream, ScanStream];

    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> All { get; } = [.. Plain, .. Streamed];

    /// <summary>The id of one of them.</summary>
    public static MethodId IdOf(string method) => MethodId.Of(method);
}
