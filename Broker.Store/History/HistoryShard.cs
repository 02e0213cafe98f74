using Broker.Actors.Channels.History;
using Broker.Actors.Model;
using Broker.Core.Protocol.Store;

namespace Broker.Store.History;

/// <summary>The histories of some of the channels, in a database of their own. For all threads.</summary>
/// <remarks>
/// A channel's record is loaded when it is first asked for, on a thread of the pool, and its commands wait for that in their order. From
/// then on a command takes its place under the lock, which is never held across the disk; the database's writer answers it.
/// </remarks>
internal sealed partial class HistoryShard(
    KeyedStore store, AcknowledgedMark mark, HistoryDisk disk, TimeProvider time, Action<StoreNotice> notify)
    : IDisposable
{
    /// <summary>Bytes of publications that one read gathers, at most; the first always comes.</summary>
    internal const long PageBytesMax = 64L * 1024 * 1024;

    private const int TrimmedPerAppendMax = 64, DeletedPerBatchMax = 4096, KeysPerAppendMax = 8, ReadAtOnce = 16;
    private const int ChannelsMax = 16 * 1024;              // In memory while idle.
    private const long IdleMilliseconds = 10_000;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, KeptChannel> _channels = new(StringComparer.Ordinal);
    private volatile bool _hasDeleted;                      // Since the last compaction.
    private byte[] _channelCursor = [], _keyCursor = [];    // Where the sweep goes on.

    /// <summary>Whether it can write.</summary>
    public StoreHealth Health => store.Health;

    /// <summary>Bytes of its files, with what is deleted and not yet compacted.</summary>
    public long FileBytes => store.FileBytes;

    /// <summary>Keys of its database.</summary>
    internal long CountKeys() => store.Count;

    private long Now => time.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>As <see cref="IHistoryStore.AppendAsync"/>.</summary>
    public Task<AppendResult> AppendAsync(string channel, HistoryAppend append, HistoryOptions options) =>
        EnterAsync(channel, kept => Append(kept, append, options));

    /// <summary>As <see cref="IHistoryStore.ReadAsync"/>.</summary>
    public Task<HistoryPage> ReadAsync(string channel, HistoryQuery query, HistoryOptions options) =>
        EnterAsync(channel, kept => Read(kept, query, options));

    /// <summary>As <see cref="IHistoryStore.RemoveAsync"/>.</summary>
    public Task RemoveAsync(string channel) => EnterAsync(channel, kept => Remove(kept));

    /// <summary>Gives the room of what was deleted back to the disk. Blocks on it.</summary>
    /// <returns>Whether anything was deleted since the last time.</returns>
    public bool CompactDeleted()
    {
        if (!_hasDeleted) return false;
        _hasDeleted = false;
        store.Compact();
        return true;
    }

    /// <summary>Writes what waits, and closes.</summary>
    public void Dispose()
    {
        store.Dispose();
        mark.Close(isClean: !store.Health.IsFailing);
    }

    // Runs a command under the lock, once the channel is loaded, after those that came before it.
    private Task<T> EnterAsync<T>(string name, Func<KeptChannel, Task<T>> run)
    {
        KeptChannel? channel;
        lock (_gate)
        {
            if (!_channels.TryGetValue(name, out channel))
            {
                _channels.Add(name, channel = new KeptChannel(name));
                _ = Task.Run(() => Load(channel));
            }

            channel.UsedAt = Now;
            if (channel.Waiting is null) return channel.IsBroken ? Task.FromException<T>(Broken(name)) : run(channel);
            var answer = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
            channel.Waiting.Enqueue(
                (() => _ = ForwardAsync(answer, () => channel.IsBroken ? Task.FromException<T>(Broken(name)) : run(channel)),
                    answer.SetException));
            return answer.Task;
        }
    }

    private static async Task ForwardAsync<T>(TaskCompletionSource<T> answer, Func<Task<T>> run)
    {
        try
        {
            answer.SetResult(await run().ConfigureAwait(false));
        }
        catch (Exception failure)
        {
            answer.SetException(failure);
        }
    }

    private static StoreException Broken(string channel) => new(StoreFault.Failed, $"An earlier write to the history of {channel} failed.");

    // The channel as it stands now: what has expired is gone, and what is not known begins. Further changes are added by the caller.
    private ChannelRecord Refresh(KeptChannel channel, HistoryOptions options, long now)
    {
        ChannelRecord record = channel.Record;
        if (!channel.IsKnown || record.IsEvicted(now))
        {
            if (channel.IsKnown) DeleteStored(record);
            record = ChannelRecord.Begin(now) with { Generation = mark.Generation };
        }

        record = record with
        {
            TtlMilliseconds = (long)options.Ttl.TotalMilliseconds,
            MetaTtlMilliseconds = (long)Math.Max(options.Ttl.TotalMilliseconds, options.MetaTtl.TotalMilliseconds),
        };
        if (record.ListIsExpired(now)) record = record with { First = record.Top + 1 };
        ulong size = (ulong)options.Size;
        return record.Top >= size ? record with { First = Math.Max(record.First, record.Top - size + 1) } : record;
    }

    private Task<AppendResult> Append(KeptChannel channel, in HistoryAppend append, HistoryOptions options)
    {
        long now = Now;
        if (append.IdempotencyKey is { } known && channel.TryGetAnswer(known, now, out KnownAnswer first)) return AnswerAgainAsync(first);

        ChannelRecord record = Refresh(channel, options, now);
        ulong version = append.Publication.Extras?.Version ?? 0;
        if (version > 0 && record.Version >= version
            && (string.IsNullOrEmpty(append.VersionEpoch) || append.VersionEpoch == record.VersionEpoch))
            return Task.FromResult(new AppendResult(record.Position, AppendOutcome.StaleVersion));

        if (disk.IsFull) return Task.FromException<AppendResult>(HistoryDisk.Refusal());
        ulong offset = record.Top + 1;
        Publication added = append.Publication with { Offset = offset };
        bool isSynced = options.Durability == HistoryDurability.Fsync;
        var changes =
            new List<StoreChange>(4) { StoreChange.Put(HistoryKeys.OfPublication(record.Epoch, offset), PublicationRecord.Encode(added)) };
        ulong firstKept = offset > (ulong)options.Size ? Math.Max(record.First, offset - (ulong)options.Size + 1) : record.First;
        ulong stored = record.Stored;
        _hasDeleted |= stored < firstKept;
        for (int i = 0; i < TrimmedPerAppendMax && stored < firstKept; i++)
            changes.Add(StoreChange.Delete(HistoryKeys.OfPublication(record.Epoch, stored++)));
        record = record with
        {
            Top = offset,
            First = firstKept,
            Stored = stored,
            AppendedAt = now,
            TouchedAt = now,
            Version = version,
            VersionEpoch = version > 0 ? append.VersionEpoch : null,
            IsSynced = isSynced,        // A sync takes along what was written before it.
            Generation = mark.Generation,
        };
        changes.Add(StoreChange.Put(HistoryKeys.OfChannel(channel.Name), record.Encode()));
        for (int i = 0; i < KeysPerAppendMax && channel.TryTakeExpired(now, out string expired); i++)
            changes.Add(StoreChange.Delete(HistoryKeys.OfIdempotency(channel.Name, expired)));
        long due = now + (long)append.IdempotencyTtl.TotalMilliseconds;
        if (append.IdempotencyKey is { } key)
            changes.Add(StoreChange.Put(HistoryKeys.OfIdempotency(channel.Name, key), HistoryKeys.EncodeAnswer(record.Position, due)));

        Task write = WriteAsync(channel, record, changes, isSynced);
        if (append.IdempotencyKey is not null) channel.AddAnswer(append.IdempotencyKey, new KnownAnswer(record.Position, due, write));
        return AnswerAsync(write, new AppendResult(record.Position, AppendOutcome.Added, added));
    }

    private static async Task<AppendResult> AnswerAsync(Task write, AppendResult result)
    {
        await write.ConfigureAwait(false);
        return result;
    }

    private static async Task<AppendResult> AnswerAgainAsync(KnownAnswer first)
    {
        await first.Write.ConfigureAwait(false);
        return new AppendResult(first.Position, AppendOutcome.DuplicateKey);
    }

    // Under the lock; the returned task completes without it.
    private Task WriteAsync(KeptChannel channel, ChannelRecord record, IReadOnlyList<StoreChange> changes, bool isSynced)
    {
        channel.Record = record;
        channel.WrittenTouch = record.TouchedAt;
        channel.IsKnown = true;
        channel.Pending++;
        disk.Add(changes.Sum(static each => (long)each.Key.Length + each.Value.Length));
        return FinishAsync(channel, store.WriteAsync(changes, isSynced ? Durability.Disk : Durability.System), isSynced);
    }

    private async Task FinishAsync(KeptChannel channel, Task<WriteReceipt> write, bool isSynced)
    {
        bool isWritten = false;
        try
        {
            // The receipt's task may be complete; the lock is then still held, and is entered again.
            WriteReceipt receipt = await write.ConfigureAwait(false);
            mark.Advance(receipt.Sequence, isSynced);
            isWritten = true;
        }
        catch (StoreException busy) when (busy.Fault == StoreFault.Overloaded)
        {
            throw new HistoryRejectedException("too many requests", busy);
        }
        finally
        {
            lock (_gate)
            {
                channel.Pending--;
                channel.IsBroken |= !isWritten;
                if (channel is { IsBroken: true, Pending: 0 } && _channels.TryGetValue(channel.Name, out KeptChannel? current)
                    && current == channel) _channels.Remove(channel.Name);
            }
        }
    }

    private async Task<bool> Remove(KeptChannel channel)
    {
        if (!channel.IsKnown) return false;
        ChannelRecord record = channel.Record;
        DeleteStored(record);
        record = record with { First = record.Top + 1, Stored = record.Top + 1 };
        await WriteAsync(channel, record, [StoreChange.Put(HistoryKeys.OfChannel(channel.Name), record.Encode())], record.IsSynced)
            .ConfigureAwait(false);
        return true;
    }

    // Before the record that says so: killed in between, the channel has expired all the same.
    private void DeleteStored(in ChannelRecord record)
    {
        _hasDeleted = true;
        for (ulong from = record.Stored; from <= record.Top; from += DeletedPerBatchMax)
        {
            var changes = new List<StoreChange>();
            for (ulong offset = from; offset <= record.Top && offset - from < DeletedPerBatchMax; offset++)
                changes.Add(StoreChange.Delete(HistoryKeys.OfPublication(record.Epoch, offset)));
            Ignore(store.WriteAsync(changes, Durability.System));
        }
    }

    // A failure is noted by the store's health, and what stays is found by a later sweep.
    private static void Ignore(Task task) =>
        task.ContinueWith(
            static failed => _ = failed.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
}
