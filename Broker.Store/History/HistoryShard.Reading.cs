using Broker.Actors.Channels.History;
using Broker.Actors.Model;
using Broker.Core.Protocol.Store;

namespace Broker.Store.History;

/// <content>Pages of a history.</content>
internal sealed partial class HistoryShard
{
    private async Task<HistoryPage> Read(KeptChannel channel, HistoryQuery query, HistoryOptions options)
    {
        long now = Now;
        if (!channel.IsKnown && disk.IsFull) throw HistoryDisk.Refusal();       // Its position would be kept.
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
}
