using Broker.Actors.Channels.History;
using Broker.Actors.Model;
using Broker.Core.Protocol.Store;

namespace Broker.Store.History;

/// <summary>The histories of some of the channels, in a database of their own. For all threads.</summary>
/// <remarks>
/// A channel's record is loaded when it is first asked for, on a thread of the pool, and its commands wait for that in their order. From
/// then on a command takes its place under the lock, which is never held across the disk; the database's writer answers it.
/// </remarks>
internal sealed class HistoryShard(KeyedStore store, AcknowledgedMark mark, TimeProvider time, Action<StoreNotice> notify) : IDisposable
{
    /// <summary>Bytes of publications that one read gathers, at most; the first always comes.</summary>
    internal const long PageBytesMax = 64L * 1024 * 1024;

    private const int TrimmedPerAppendMax = 64, DeletedPerBatchMax = 4096, KeysPerAppendMax = 8, ReadAtOnce = 16;
    private const int ChannelsMax = 16 * 1024;              // In memory while idle.
    private const long IdleMilliseconds = 10_000;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, KeptChannel> _channels = new(StringComparer.Ordinal);
    private byte[] _channelCursor = [], _keyCursor = [];    // Where the sweep goes on.

    /// <summary>Whether it can write.</summary>
    public StoreHealth Health => store.Health;

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

    private void Load(KeptChannel channel)
    {
        try
        {
            bool isKnown = TryLoadRecord(channel.Name, out ChannelRecord record);
            List<(string Key, StreamPosition Position, long Due)> answers = LoadAnswers(channel.Name);
            lock (_gate)
            {
                channel.Record = record;
                channel.WrittenTouch = record.TouchedAt;
                channel.IsKnown = isKnown;
                foreach ((string key, StreamPosition position, long due) in answers.OrderBy(static each => each.Due))
                    channel.AddAnswer(key, new KnownAnswer(position, due, Task.CompletedTask));
                Queue<(Action Start, Action<Exception> Fail)> waiting = channel.Waiting!;
                channel.Waiting = null;
                while (waiting.TryDequeue(out (Action Start, Action<Exception> Fail) next)) next.Start();
            }
        }
        catch (Exception failure)
        {
            lock (_gate)
            {
                _channels.Remove(channel.Name);
                while (channel.Waiting!.TryDequeue(out (Action Start, Action<Exception> Fail) next)) next.Fail(failure);
            }
        }
    }

    private bool TryLoadRecord(string channel, out ChannelRecord record)
    {
        record = default;
        try
        {
            using PinnedValue? value = store.Read(HistoryKeys.OfChannel(channel));
            if (value is null) return false;
            if (!ChannelRecord.TryDecode(value.GetSpan(), out record)) return Lose(channel, "its record cannot be read");
            if (record.IsSynced || record.Generation >= mark.VoidBelow) return true;
            DeleteStored(record);
            return Lose(channel, "the machine stopped, and not all of it need have reached the disk");
        }
        catch (StoreException damaged) when (damaged.IsDamage)
        {
            return Lose(channel, damaged.InnerException?.Message ?? damaged.Message);
        }
    }

    private List<(string Key, StreamPosition Position, long Due)> LoadAnswers(string channel)
    {
        var answers = new List<(string, StreamPosition, long)>();
        byte[] prefix = HistoryKeys.OfIdempotency(channel, "");
        byte[] after = [];
        try
        {
            StorePage page;
            do
            {
                page = store.Scan(prefix, after, 1000, long.MaxValue);
                foreach (StoreEntry entry in page.Entries)
                {
                    if (HistoryKeys.TryReadIdempotency(entry.Key.Span, out _, out string key)
                        && HistoryKeys.TryDecodeAnswer(entry.Value.Span, out StreamPosition position, out long due))
                        answers.Add((key, position, due));
                    after = entry.Key.ToArray();
                }
            }
            while (page.HasMore);
        }
        catch (StoreException damaged) when (damaged.IsDamage)
        {
            Lose(channel, damaged.InnerException?.Message ?? damaged.Message);
        }

        return answers;
    }

    private bool Lose(string channel, string why)
    {
        notify(new StoreNotice(IsError: true, $"The history of the channel {channel} is lost, and begins with a new epoch: {why}."));
        return false;
    }

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

        ulong offset = record.Top + 1;
        Publication added = append.Publication with { Offset = offset };
        bool isSynced = options.Durability == HistoryDurability.Fsync;
        var changes =
            new List<StoreChange>(4) { StoreChange.Put(HistoryKeys.OfPublication(record.Epoch, offset), PublicationRecord.Encode(added)) };
        ulong firstKept = offset > (ulong)options.Size ? Math.Max(record.First, offset - (ulong)options.Size + 1) : record.First;
        ulong stored = record.Stored;
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

    private async Task<HistoryPage> Read(KeptChannel channel, HistoryQuery query, HistoryOptions options)
    {
        long now = Now;
        ChannelRecord record = Refresh(channel, options, now);

        // Each read touches the channel; the disk is told of it now and then.
        bool isNew = !channel.IsKnown || record.Epoch != channel.Record.Epoch;
        record = record with { TouchedAt = now };
        Task write = Task.CompletedTask;
        if (isNew || now - channel.WrittenTouch >= record.MetaTtlMilliseconds / 16)
        {
            write = WriteAsync(channel, record, [StoreChange.Put(HistoryKeys.OfChannel(channel.Name), record.Encode())], isSynced: false);
        }
        else
        {
            channel.Record = record;
        }

        await write.ConfigureAwait(false);
        if (query.Since is { Epoch: not StreamEpoch.None } since && since.Epoch != record.Epoch)
            return new HistoryPage(record.Position, []) { IsForeignEpoch = true };
        ulong[] offsets = OffsetsOf(record, query);
        if (offsets.Length == 0) return new HistoryPage(record.Position, []);
        try
        {
            return new HistoryPage(record.Position, await Task.Run(() => ReadPublications(record.Epoch, offsets)).ConfigureAwait(false));
        }
        catch (StoreException damaged) when (damaged.IsDamage)
        {
            return await BeginAgainAsync(channel, options, query, damaged.InnerException?.Message ?? damaged.Message).ConfigureAwait(false);
        }
    }

    private async Task<HistoryPage> BeginAgainAsync(KeptChannel channel, HistoryOptions options, HistoryQuery query, string why)
    {
        Lose(channel.Name, why);
        Task write;
        ChannelRecord record;
        lock (_gate)
        {
            channel.IsKnown = false;
            record = Refresh(channel, options, Now);
            write = WriteAsync(channel, record, [StoreChange.Put(HistoryKeys.OfChannel(channel.Name), record.Encode())], isSynced: false);
        }

        await write.ConfigureAwait(false);
        return new HistoryPage(record.Position, []) { IsForeignEpoch = query.Since is { Epoch: not StreamEpoch.None } };
    }

    /// <summary>The offsets that a query wants, in its order.</summary>
    internal static ulong[] OffsetsOf(in ChannelRecord record, HistoryQuery query)
    {
        ulong first = record.First, last = record.Top;
        if (query.Reverse && query.Since is { } before) last = before.Offset == 0 ? 0 : Math.Min(last, before.Offset - 1);
        else if (query.Since is { } after) first = after.Offset >= last ? last + 1 : Math.Max(first, after.Offset + 1);
        if (first > last) return [];
        ulong available = last - first + 1;
        var offsets = new ulong[query.Limit < 0 ? available : Math.Min((ulong)query.Limit, available)];
        for (int i = 0; i < offsets.Length; i++) offsets[i] = query.Reverse ? last - (ulong)i : first + (ulong)i;
        return offsets;
    }

    private List<Publication> ReadPublications(ulong epoch, ulong[] offsets)
    {
        var publications = new List<Publication>(offsets.Length);
        long bytes = 0;
        for (int from = 0; from < offsets.Length && bytes < PageBytesMax; from += ReadAtOnce)
        {
            ulong[] some = offsets[from..Math.Min(from + ReadAtOnce, offsets.Length)];
            ReadOnlyMemory<byte>[] keys = [.. some.Select(offset => (ReadOnlyMemory<byte>)HistoryKeys.OfPublication(epoch, offset))];
            PinnedValue?[] values = store.ReadMany(keys);
            try
            {
                for (int i = 0; i < some.Length && bytes < PageBytesMax; i++)
                {
                    if (values[i] is not { } value) throw Damaged($"publication {some[i]} is missing");
                    bytes += value.Length;
                    if (!PublicationRecord.TryDecode(value.GetSpan().ToArray(), some[i], out Publication publication))
                        throw Damaged($"publication {some[i]} cannot be read");
                    publications.Add(publication);
                }
            }
            finally
            {
                foreach (PinnedValue? value in values) value?.Dispose();
            }
        }

        return publications;
    }

    private static StoreException Damaged(string what) => new(StoreFault.Failed, what) { IsDamage = true };

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

    /// <summary>
    /// Deletes what has expired, and drops what has not been asked for; goes on where it stopped the last time. Blocks on the disk.
    /// </summary>
    /// <param name="channelsMax">Channels and keys looked at, at most.</param>
    public void Sweep(int channelsMax)
    {
        SweepChannels(channelsMax);
        SweepKeys(channelsMax);
        lock (_gate)
        {
            if (_channels.Count <= ChannelsMax) return;
            long before = Now - IdleMilliseconds;
            foreach (KeptChannel idle in _channels.Values.Where(each => each.IsIdle && each.UsedAt < before).ToList())
                _channels.Remove(idle.Name);
        }
    }

    private void SweepChannels(int channelsMax)
    {
        StorePage page = store.Scan(HistoryKeys.Channels, _channelCursor, channelsMax, PageBytesMax);
        _channelCursor = page.HasMore ? page.Entries[^1].Key.ToArray() : [];
        long now = Now;
        foreach (StoreEntry entry in page.Entries)
        {
            if (ChannelRecord.TryDecode(entry.Value.Span, out ChannelRecord record) && !record.IsEvicted(now) && !record.ListIsExpired(now)
                && record.Stored == record.First) continue;
            Ignore(EnterAsync(HistoryKeys.ChannelOf(entry.Key.Span), kept => Expire(kept)));
        }
    }

    private Task<bool> Expire(KeptChannel channel)
    {
        long now = Now;
        ChannelRecord record = channel.Record;
        while (channel.TryTakeExpired(now, out string key))
            Ignore(store.DeleteAsync(HistoryKeys.OfIdempotency(channel.Name, key), Durability.System));
        if (!channel.IsKnown || channel.Pending > 0) return Task.FromResult(false);
        if (record.IsEvicted(now))
        {
            DeleteStored(record);
            channel.IsKnown = false;
            channel.Pending++;
            return TrueAfter(
                FinishAsync(channel, store.DeleteAsync(HistoryKeys.OfChannel(channel.Name), Durability.System), isSynced: false));
        }

        ulong first = record.ListIsExpired(now) ? record.Top + 1 : record.First;
        if (first == record.Stored) return Task.FromResult(false);
        DeleteStored(record with { Top = first - 1 });
        record = record with { First = first, Stored = first };
        return TrueAfter(
            WriteAsync(channel, record, [StoreChange.Put(HistoryKeys.OfChannel(channel.Name), record.Encode())], isSynced: false));
    }

    private static async Task<bool> TrueAfter(Task task)
    {
        await task.ConfigureAwait(false);
        return true;
    }

    // A channel that is in memory may be given the same key anew: it takes out its own.
    private void SweepKeys(int keysMax)
    {
        StorePage page = store.Scan(HistoryKeys.Idempotency, _keyCursor, keysMax, PageBytesMax);
        _keyCursor = page.HasMore ? page.Entries[^1].Key.ToArray() : [];
        long now = Now;
        foreach (StoreEntry entry in page.Entries)
        {
            if (!HistoryKeys.TryReadIdempotency(entry.Key.Span, out string channel, out _)
                || !HistoryKeys.TryDecodeAnswer(entry.Value.Span, out _, out long due) || due > now) continue;
            bool isInMemory;
            lock (_gate)
            {
                isInMemory = _channels.ContainsKey(channel);
                if (!isInMemory) Ignore(store.DeleteAsync(entry.Key, Durability.System));
            }

            if (isInMemory) Ignore(EnterAsync(channel, kept => Expire(kept)));
        }
    }
}
