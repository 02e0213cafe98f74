using System.Buffers;
using System.Runtime.CompilerServices;
using Broker.Core.Protocol.Store;

namespace Broker.Client;

/// <summary>One entry of a scan that comes as items.</summary>
/// <param name="Key">The key.</param>
/// <param name="ValueLength">Bytes of its value.</param>
/// <param name="Value">The value; null where only keys were wanted, or where it is too long for an item: read it by its key.</param>
public readonly record struct ScannedEntry(ReadOnlyMemory<byte> Key, long ValueLength, ReadOnlyMemory<byte>? Value);

/// <summary>Values of any length, and scans at one moment, a piece at a time: neither side ever holds the whole.</summary>
/// <remarks>
/// The slower side holds the other back: half a mebibyte is on its way at most. Everything fails as a call does, and what
/// fails or is cancelled has changed nothing. Progress is reported on the caller's own path: it must not wait.
/// </remarks>
public sealed class StoreStreamClient(BrokerClient client)
{
    /// <summary>Sets a key to what a stream has, from where it stands to its end.</summary>
    /// <param name="key">The key.</param>
    /// <param name="source">Not disposed of. Where it can tell its length, that many bytes are written or nothing is.</param>
    /// <param name="durability">What the whole value has outlived at the answer.</param>
    /// <param name="settings">Deadline of the whole, and its progress reports.</param>
    /// <param name="cancellationToken">Gives up; nothing has changed.</param>
    /// <returns>The store's tail: a number that rises with every change.</returns>
    public async Task<ulong> WriteAsync(
        ReadOnlyMemory<byte> key, Stream source, Durability durability, CallSettings settings =
            default, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        long total = source.CanSeek ? source.Length - source.Position : -1;
        byte[] arguments = StoreCodec.Encode(new WriteStreamArguments
        {
            Durability = durability,
            Length = total < 0 ? ValueStreams.AnyLength : (ulong)total,
            Key = key.Span,
        });
        await using OpenedCall call =
            client.OpenCall(StoreMethods.WriteStream, arguments, sendsItems: true, Bare(settings), cancellationToken);
        int pieceBytes = Math.Min(ValueStreams.PieceBytes, call.ItemBytesMax);
        byte[] piece = ArrayPool<byte>.Shared.Rent(pieceBytes);
        long sent = 0;
        int read;
        while ((read = await ReadAsync(source, piece.AsMemory(0, pieceBytes), call, cancellationToken).ConfigureAwait(false)) > 0)
        {
            await call.SendAsync(piece.AsMemory(0, read), cancellationToken).ConfigureAwait(false);
            sent += read;
            settings.Upload?.Report(new TransferProgress(sent, total));
        }

        // Not where something failed: a source may still write to the piece then, however late.
        ArrayPool<byte>.Shared.Return(piece);
        call.EndArguments();
        return StoreClient.Parse<NumberResult>(await call.Result.ConfigureAwait(false)).Value;
    }

    /// <summary>Writes the value of a key to a stream, as it is at the beginning, whatever is written meanwhile.</summary>
    /// <param name="key">The key.</param>
    /// <param name="target">Not disposed of. Where this fails, it has the first part.</param>
    /// <param name="from">The first byte wanted: to go on where another attempt stopped, if the value is still the same.</param>
    /// <param name="length">The most bytes wanted; all without it.</param>
    /// <param name="settings">Deadline of the whole, and its progress reports.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Bytes of the whole value; null where there is no such key, and then nothing is written.</returns>
    public async Task<long?> ReadAsync(
        ReadOnlyMemory<byte> key, Stream target, long from = 0, long? length = null, CallSettings settings =
            default, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(target);
        ArgumentOutOfRangeException.ThrowIfNegative(from);
        byte[] arguments = StoreCodec.Encode(new ReadStreamArguments
        {
            From = (ulong)from,
            Length = length is { } most ? (ulong)most : ValueStreams.AnyLength,
            Key = key.Span,
        });
        await using OpenedCall call =
            client.OpenCall(StoreMethods.ReadStream, arguments, sendsItems: false, Bare(settings), cancellationToken);
        long? whole = null;
        long come = 0, expected = 0;
        await foreach (ReadOnlyMemory<byte> item in call.WithCancellation(cancellationToken).ConfigureAwait(false))
        {
            if (whole is null)
            {
                whole = (long)StoreClient.Parse<NumberResult>(item).Value;
                expected = Math.Min(length ?? long.MaxValue, whole.Value - from);
                continue;
            }

            await target.WriteAsync(item, cancellationToken).ConfigureAwait(false);
            come += item.Length;
            settings.Download?.Report(new TransferProgress(come, expected));
        }

        bool isFound = StoreClient.Parse<BoolResult>(await call.Result.ConfigureAwait(false)).Value;
        if (isFound != whole is not null || come != expected) throw new BrokerException($"The hub sent {come} bytes of {expected}.");
        return whole;
    }

    /// <summary>
    /// All keys with a prefix in their order, as they are at one moment. Leaving the enumeration ends it on the hub, too.
    /// </summary>
    /// <param name="prefix">The first bytes of every key; none means all.</param>
    /// <param name="from">Begins with the first key that is not below it. To go on behind a key: that key and a byte 0.</param>
    /// <param name="limit">The most entries; all without it.</param>
    /// <param name="keysOnly">Leaves the values out; their lengths come.</param>
    /// <param name="settings">Deadline of the whole.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async IAsyncEnumerable<ScannedEntry> ScanAsync(
        ReadOnlyMemory<byte> prefix = default,
        ReadOnlyMemory<byte> from = default,
        long? limit = null,
        bool keysOnly = false,
        CallSettings settings = default,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        if (limit is { } most) ArgumentOutOfRangeException.ThrowIfLessThan(most, 1, nameof(limit));
        byte[] arguments = StoreCodec.Encode(
            new ScanStreamArguments { KeysOnly = keysOnly, Limit = (ulong)(limit ?? 0), Prefix = prefix.Span, From = from.Span });
        await using OpenedCall call =
            client.OpenCall(StoreMethods.ScanStream, arguments, sendsItems: false, Bare(settings), cancellationToken);
        var entries = new List<ScannedEntry>();
        await foreach (ReadOnlyMemory<byte> item in call.WithCancellation(cancellationToken).ConfigureAwait(false))
        {
            entries.Clear();
            ReadItem(item, entries);
            foreach (ScannedEntry entry in entries) yield return entry;
        }

        StoreClient.Parse<NumberResult>(await call.Result.ConfigureAwait(false));
    }

    // A source may be slow, and may ignore its token: the end of the call does not wait for it.
    private static async Task<int> ReadAsync(Stream source, Memory<byte> piece, OpenedCall call, CancellationToken cancellationToken)
    {
        ValueTask<int> reading = source.ReadAtLeastAsync(piece, piece.Length, throwOnEndOfStream: false, cancellationToken);
        if (reading.IsCompleted) return await reading.ConfigureAwait(false);
        Task<int> pending = reading.AsTask();
        if (await Task.WhenAny(pending, call.Result).ConfigureAwait(false) == pending) return await pending.ConfigureAwait(false);

        _ = pending.ContinueWith(
            static read => read.Exception, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        await call.Result.ConfigureAwait(false);
        throw new BrokerException("The hub has answered before all of the value was sent.");
    }

    // The arguments of these calls are short, and the results come as items: progress of either means nothing.
    private static CallSettings Bare(CallSettings settings) => new() { Deadline = settings.Deadline };

    private static void ReadItem(ReadOnlyMemory<byte> item, List<ScannedEntry> target)
    {
        foreach (ScanItemEntry entry in StoreClient.Parse<ScanItem>(item))
        {
            ReadOnlyMemory<byte>? value = default;
            if (entry.HasValue) value = entry.Value.ToArray();
            target.Add(new ScannedEntry(entry.Key.ToArray(), entry.ValueLength, value));
        }
    }
}
