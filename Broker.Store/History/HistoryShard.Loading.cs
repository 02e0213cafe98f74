using Broker.Actors.Channels.History;
using Broker.Actors.Model;
using Broker.Core.Protocol.Store;

namespace Broker.Store.History;

/// <content>How a channel's record and its known answers come from the disk, or turn out to be lost.</content>
internal sealed partial class HistoryShard
{
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
}
