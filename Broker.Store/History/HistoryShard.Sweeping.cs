using Broker.Actors.Channels.History;
using Broker.Actors.Model;
using Broker.Core.Protocol.Store;

namespace Broker.Store.History;

/// <content>What has expired is deleted, a few channels and keys at a time.</content>
internal sealed partial class HistoryShard
{
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
