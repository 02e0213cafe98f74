namespace Broker.Store;

/// <summary>One key of a batch: what it is set to, or that it goes.</summary>
public readonly record struct StoreChange
{
    private StoreChange(ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> value, bool isDelete)
    {
        Key = key;
        Value = value;
        IsDelete = isDelete;
    }

    /// <summary>The key.</summary>
    public ReadOnlyMemory<byte> Key { get; }

    /// <summary>The new value; empty for a delete.</summary>
    public ReadOnlyMemory<byte> Value { get; }

    /// <summary>Whether the key goes.</summary>
    public bool IsDelete { get; }

    /// <summary>Sets a key. The bytes are the store's until the write is acknowledged.</summary>
    public static StoreChange Put(ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> value) => new(key, value, isDelete: false);

    /// <summary>Deletes a key. One that is missing stays missing.</summary>
    public static StoreChange Delete(ReadOnlyMemory<byte> key) => new(key, default, isDelete: true);
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
