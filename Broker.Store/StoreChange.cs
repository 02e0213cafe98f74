namespace Broker.Store;

/// <summary>One key of a batch: what it is set to, or that it goes.</summary>
public readonly record struct StoreChange
{
    private StoreChange(ChangeKind kind, ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> value)
    {
        Kind = kind;
        Key = key;
        Value = value;
    }

    /// <summary>The key.</summary>
    public ReadOnlyMemory<byte> Key { get; }

    /// <summary>The new value; empty for a delete.</summary>
    public ReadOnlyMemory<byte> Value { get; }

    /// <summary>Whether the key goes.</summary>
    public bool IsDelete => Kind == ChangeKind.Delete;

    internal ChangeKind Kind { get; }

    /// <summary>Of a part, its value; of a publication, the value that is whole.</summary>
    internal LongValue Long { get; private init; }

    /// <summary>Sets a key. The bytes are the store's until the write is acknowledged.</summary>
    public static StoreChange Put(ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> value) => new(ChangeKind.Put, key, value);

    /// <summary>Deletes a key. One that is missing stays missing.</summary>
    public static StoreChange Delete(ReadOnlyMemory<byte> key) => new(ChangeKind.Delete, key, default);

    /// <summary>Keeps one more part of a value, which no one sees yet; its length is that before the part.</summary>
    internal static StoreChange Part(LongValue before, ReadOnlyMemory<byte> part) => new(ChangeKind.Part, default, part) { Long = before };

    /// <summary>Sets a key to a value whose parts are all there.</summary>
    internal static StoreChange Publish(ReadOnlyMemory<byte> key, LongValue value) =>
        new(ChangeKind.Publish, key, default) { Long = value };

    /// <summary>Drops the parts of a value that nothing has seen.</summary>
    internal static StoreChange Drop(LongValue value) => new(ChangeKind.Drop, default, default) { Long = value };
}

/// <summary>What a change does.</summary>
internal enum ChangeKind : byte
{
    /// <summary>Sets a key.</summary>
    Put,

    /// <summary>Deletes a key.</summary>
    Delete,

    /// <summary>Keeps a part of a value that is being written.</summary>
    Part,

    /// <summary>Sets a key to such a value.</summary>
    Publish,

    /// <summary>Drops such a value.</summary>
    Drop,
}

/// <summary>The answer to a write.</summary>
/// <param name="Sequence">The place of the write in the store's log; grows with each write that changes something.</param>
/// <param name="Created">Keys that were missing before and are there now.</param>
/// <param name="Deleted">Keys that were there before and are missing now.</param>
public readonly record struct WriteReceipt(long Sequence, int Created, int Deleted);

/// <summary>One key and its value, in arrays of their own.</summary>
public readonly record struct StoreEntry(ReadOnlyMemory<byte> Key, ReadOnlyMemory<byte> Value);

/// <summary>A part of a scan.</summary>
/// <param name="Entries">In the order of their keys, byte by byte.</param>
/// <param name="HasMore">Whether there are further keys; ask again after the last one here.</param>
public sealed record StorePage(IReadOnlyList<StoreEntry> Entries, bool HasMore);
