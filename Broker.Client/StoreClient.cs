using System.Runtime.CompilerServices;
using Broker.Core.Protocol.Messages;
using Broker.Core.Protocol.Store;

namespace Broker.Client;

/// <summary>One key of a batch: what it is set to, or, with no value, that it goes.</summary>
public readonly record struct KeyChange(ReadOnlyMemory<byte> Key, ReadOnlyMemory<byte>? Value);

/// <summary>One key and its value.</summary>
public readonly record struct KeyValue(ReadOnlyMemory<byte> Key, ReadOnlyMemory<byte> Value);

/// <summary>The hub's keyed store, over the calls of a client.</summary>
/// <remarks>Everything fails as a call does: where the store rejects a request, a <see cref="CallFailedException"/> is thrown.</remarks>
/// <param name="client">The client; the store needs nothing else.</param>
public sealed class StoreClient(BrokerClient client)
{
    private const int PageEntries = 1000;

    /// <summary>Values of any length, and scans at one moment.</summary>
    public StoreStreamClient Streams { get; } = new(client);

    // A bare null would become an empty value, by way of a null array.
    private static ReadOnlyMemory<byte>? Missing => default(ReadOnlyMemory<byte>?);

    /// <summary>The value of a key, or null where there is none.</summary>
    public async Task<ReadOnlyMemory<byte>?> ReadAsync(
        ReadOnlyMemory<byte> key, CallSettings settings = default, CancellationToken cancellationToken = default)
    {
        ReadOnlyMemory<byte> result = await client.CallAsync(StoreMethods.Read, key, settings, cancellationToken).ConfigureAwait(false);
        return Parse<ValueResult>(result).IsFound ? result[1..] : Missing;
    }

    /// <summary>The values of keys at one moment, in the order of the keys; null where there is none.</summary>
    public async Task<IReadOnlyList<ReadOnlyMemory<byte>?>> ReadAsync(
        IReadOnlyList<ReadOnlyMemory<byte>> keys, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(keys);
        ReadOnlyMemory<byte> result =
            await client.CallAsync(StoreMethods.BatchRead, EncodeKeys(keys), cancellationToken: cancellationToken).ConfigureAwait(false);
        var values = new List<ReadOnlyMemory<byte>?>(keys.Count);
        foreach (FoundValue value in Parse<ValueBatch>(result))
            values.Add(value.IsFound ? new ReadOnlyMemory<byte>(value.Value.ToArray()) : Missing);
        return values.Count == keys.Count ? values
            : throw new BrokerException($"The hub answered {keys.Count} keys with {values.Count} values.");
    }

    /// <summary>Sets a key.</summary>
    /// <returns>The store's tail: a number that rises with every change.</returns>
    public Task<ulong> WriteAsync(
        ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> value, Durability durability, CallSettings settings =
            default, CancellationToken cancellationToken = default) =>
        NumberAsync(
            StoreMethods.Write, StoreCodec.Encode(new WriteArguments { Durability = durability, Key = key.Span, Value = value.Span }),
                settings, cancellationToken);

    /// <summary>Makes all changes in their order, or none.</summary>
    /// <returns>The store's tail.</returns>
    public Task<ulong> WriteAsync(IReadOnlyList<KeyChange> changes, Durability durability, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(changes);
        return NumberAsync(StoreMethods.BatchWrite, EncodeChanges(changes, durability), default, cancellationToken);
    }

    /// <summary>Deletes a key.</summary>
    /// <returns>Whether it was there.</returns>
    public async Task<bool> DeleteAsync(ReadOnlyMemory<byte> key, Durability durability, CancellationToken cancellationToken = default)
    {
        byte[] arguments = StoreCodec.Encode(new DeleteArguments { Durability = durability, Key = key.Span });
        return Parse<DeleteResult>(
            await client.CallAsync(StoreMethods.Delete, arguments, cancellationToken: cancellationToken).ConfigureAwait(false)).WasFound;
    }

    /// <summary>Whether a key is there.</summary>
    public async Task<bool> ExistsAsync(ReadOnlyMemory<byte> key, CancellationToken cancellationToken = default) =>
        Parse<BoolResult>(
            await client.CallAsync(StoreMethods.Exists, key, cancellationToken: cancellationToken).ConfigureAwait(false)).Value;

    /// <summary>How many keys there are.</summary>
    public Task<ulong> CountAsync(CancellationToken cancellationToken = default) =>
        NumberAsync(StoreMethods.Length, default, default, cancellationToken);

    /// <summary>Whether there is none.</summary>
    public async Task<bool> IsEmptyAsync(CancellationToken cancellationToken = default) =>
        Parse<BoolResult>(
            await client.CallAsync(StoreMethods.IsEmpty, default, cancellationToken: cancellationToken).ConfigureAwait(false)).Value;

    /// <summary>Bytes on the hub's disk.</summary>
    public Task<ulong> FileBytesAsync(CancellationToken cancellationToken = default) =>
        NumberAsync(StoreMethods.FileSize, default, default, cancellationToken);

    /// <summary>All keys with a prefix in their order, page by page: each page is of one moment, the whole is not.</summary>
    /// <param name="prefix">The first bytes of every key; none means all.</param>
    /// <param name="keysOnly">Leaves the values out.</param>
    /// <param name="cancellationToken">Stops between and within pages.</param>
    public async IAsyncEnumerable<KeyValue> ScanAsync(
        ReadOnlyMemory<byte> prefix = default, bool keysOnly = false, [EnumeratorCancellation] CancellationToken cancellationToken =
            default)
    {
        ReadOnlyMemory<byte> after = default;
        bool hasMore = true;
        while (hasMore)
        {
            var page = new List<KeyValue>();
            byte[] arguments = StoreCodec.Encode(
                new ScanArguments { KeysOnly = keysOnly, Limit = PageEntries, Prefix = prefix.Span, After = after.Span });
            hasMore = ReadPage(
                await client.CallAsync(StoreMethods.Scan, arguments, cancellationToken: cancellationToken).ConfigureAwait(false), page);
            foreach (KeyValue entry in page) yield return entry;
            if (page.Count == 0) yield break;
            after = page[^1].Key;
        }
    }

    private static bool ReadPage(ReadOnlyMemory<byte> result, List<KeyValue> target)
    {
        ScanPage page = Parse<ScanPage>(result);
        foreach (ScanEntry entry in page) target.Add(new KeyValue(entry.Key.ToArray(), entry.Value.ToArray()));
        return page.HasMore;
    }

    internal static T Parse<T>(ReadOnlyMemory<byte> result)
        where T : IStoreValue<T>, allows ref struct =>
        StoreCodec.TryRead(result.Span, out T value) ? value
            : throw new BrokerException("The hub's answer is not the result of the method.");

    private static byte[] EncodeKeys(IReadOnlyList<ReadOnlyMemory<byte>> keys)
    {
        var bytes = new byte[sizeof(uint) + keys.Sum(key => sizeof(ushort) + key.Length)];
        var body = new BodyWriter(bytes);
        body.PutWord((uint)keys.Count);
        foreach (ReadOnlyMemory<byte> key in keys) body.PutShortBytes(key.Span);
        return bytes;
    }

    private static byte[] EncodeChanges(IReadOnlyList<KeyChange> changes, Durability durability)
    {
        int size = 0;
        foreach (KeyChange change in changes) size = checked(size + AsChange(change).Bytes);
        var encoded = new byte[size];
        var body = new BodyWriter(encoded);
        foreach (KeyChange change in changes) AsChange(change).Write(ref body);
        return StoreCodec.Encode(ChangeBatch.Of(durability, changes.Count, encoded));
    }

    private static Change AsChange(KeyChange change) =>
        new() { IsDelete = change.Value is null, Key = change.Key.Span, Value = change.Value.GetValueOrDefault().Span };

    private async Task<ulong> NumberAsync(
        string method, ReadOnlyMemory<byte> arguments, CallSettings settings, CancellationToken cancellationToken) =>
        Parse<NumberResult>(await client.CallAsync(method, arguments, settings, cancellationToken).ConfigureAwait(false)).Value;
}
