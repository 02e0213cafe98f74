using Broker.Actors.Model;

namespace Broker.Actors.Channels.History;

/// <summary>One channel's history as another store of the same kind goes on with it.</summary>
/// <param name="Channel">The channel.</param>
/// <param name="Position">Its position.</param>
/// <param name="Untouched">How long ago it was published to or read.</param>
/// <param name="Unpublished">How long ago it was published to.</param>
/// <param name="Version">The version of its last publication; 0 for none.</param>
/// <param name="VersionEpoch">What versions may be compared with; null for all.</param>
internal readonly record struct MovedHistory(
    string Channel, StreamPosition Position, TimeSpan Untouched, TimeSpan Unpublished, ulong Version, string? VersionEpoch)
{
    /// <summary>What is kept, oldest first, up to the position.</summary>
    internal IReadOnlyList<Publication> Publications { get; init; } = [];
}

/// <summary>The part that moves channels from one node's memory to another's.</summary>
public sealed partial class MemoryHistoryStore
{
    /// <summary>All channels as they stand now.</summary>
    internal IEnumerable<MovedHistory> Export()
    {
        long now = Now;
        foreach (ChannelLog log in _channels.Values)
        {
            if (log.Group.IsEvicted(log, now)) continue;
            var kept = new Publication[log.Group.ListIsExpired(log, now) ? 0 : log.Count];
            for (int i = 0; i < kept.Length; i++) kept[i] = log[i];
            yield return new MovedHistory(
                log.Name, log.Position, TimeSpan.FromMilliseconds(now - log.TouchedAt), TimeSpan.FromMilliseconds(now - log.AppendedAt),
                    log.Version?.Version ?? 0, log.Version?.Epoch) { Publications = kept };
        }
    }

    /// <summary>The answers to publications with keys, with the time that each has left.</summary>
    internal IEnumerable<(string Channel, string Key, StreamPosition Answer, TimeSpan Left)> ExportAnswers() =>
        _answers.AnswersOf(static _ => true);

    /// <summary>Goes on with a channel of another store; one that is here already is replaced.</summary>
    internal void Import(in MovedHistory moved, HistoryOptions options)
    {
        if (_channels.TryGetValue(moved.Channel, out ChannelLog? known)) Evict(known);
        long now = Now;
        var log = new ChannelLog(moved.Channel, GroupOf(options))
        {
            Epoch = moved.Position.Epoch,
            Top = moved.Position.Offset,
            TouchedAt = now - (long)moved.Untouched.TotalMilliseconds,
            AppendedAt = now - (long)moved.Unpublished.TotalMilliseconds,
            Version = moved.Version == 0 ? null : new VersionMark(moved.Version, moved.VersionEpoch),
        };
        foreach (Publication each in options.IsOn ? moved.Publications : []) log.Add(each, options.Size);
        Begin(log);
        Count(log.Bytes);
        if (log.Count > 0) log.Group.Kept.Append(log);
    }

    /// <summary>Goes on with an answer of another store.</summary>
    internal void ImportAnswer(string channel, string key, StreamPosition answer, TimeSpan left) =>
        _answers.Add(channel, key, answer, left);
}
