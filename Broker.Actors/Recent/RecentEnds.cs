namespace Broker.Actors.Recent;

/// <summary>
/// What has ended lately on one loop, so that an operator can be told why a client did not get a publication. For the loop's thread.
/// </summary>
/// <remarks>Bounded in bytes: beyond them the oldest is dropped.</remarks>
/// <param name="bytesMax">Bytes that are kept; 0 keeps nothing.</param>
/// <param name="time">The clock.</param>
internal sealed class RecentEnds(long bytesMax, TimeProvider time)
{
    private const int TextCharactersMax = 200;

    private readonly Queue<RecentEnd> _ends = new();
    private long _bytes;

    /// <summary>How many are kept.</summary>
    internal int Count => _ends.Count;

    /// <summary>When the oldest that is kept has ended; null while nothing was dropped.</summary>
    internal DateTimeOffset? ForgottenBefore { get; private set; }

    /// <summary>A client that had connected has gone.</summary>
    /// <param name="client">Its id.</param>
    /// <param name="user">Its user.</param>
    /// <param name="code">Of its first Close frame.</param>
    /// <param name="text">Why.</param>
    /// <param name="mayHaveLost">Bytes that were queued for it may not have reached it.</param>
    internal void AddConnection(string client, string user, int code, string text, bool mayHaveLost) =>
        Add(new RecentEnd(RecentEndKind.Connection, Now, client) { User = user, Code = code, Text = Cut(text), MayHaveLost = mayHaveLost });

    /// <summary>A subscription has ended.</summary>
    /// <param name="client">The client's id.</param>
    /// <param name="channel">The channel.</param>
    /// <param name="since">The offset that it began behind.</param>
    /// <param name="upTo">The offset of the last publication while it was there.</param>
    /// <param name="end">Why.</param>
    internal void AddSubscription(string client, string channel, ulong since, ulong upTo, SubscriptionEnd end) =>
        Add(new RecentEnd(RecentEndKind.Subscription, Now, client) { Channel = channel, From = since, To = upTo, End = end });

    /// <summary>A subscribe was refused.</summary>
    /// <param name="client">The client's id.</param>
    /// <param name="channel">The channel.</param>
    /// <param name="code">The error's code.</param>
    /// <param name="text">The error.</param>
    internal void AddRefusal(string client, string channel, int code, string text) =>
        Add(new RecentEnd(RecentEndKind.Refusal, Now, client) { Channel = channel, Code = code, Text = Cut(text) });

    /// <summary>A slow subscriber was not sent some publications.</summary>
    /// <param name="client">The client's id.</param>
    /// <param name="channel">The channel.</param>
    /// <param name="from">The first.</param>
    /// <param name="to">The last.</param>
    /// <param name="count">How many of those in between.</param>
    /// <param name="policy">By which policy.</param>
    internal void AddGap(string client, string channel, ulong from, ulong to, ulong count, string policy) =>
        Add(new RecentEnd(RecentEndKind.Gap, Now, client) { Channel = channel, From = from, To = to, Count = count, Text = policy });

    /// <summary>What is known of a client and a channel, the oldest first.</summary>
    internal IReadOnlyList<RecentEnd> Find(string client, string channel) =>
        [.. _ends.Where(each => each.Client == client && (each.Channel.Length == 0 || each.Channel == channel))];

    private DateTimeOffset Now => bytesMax > 0 ? time.GetUtcNow() : default;

    private static string Cut(string text) => text.Length > TextCharactersMax ? text[..TextCharactersMax] : text;

    private void Add(in RecentEnd end)
    {
        if (bytesMax == 0) return;
        _ends.Enqueue(end);
        _bytes += end.Bytes;
        while (_bytes > bytesMax && _ends.TryDequeue(out RecentEnd oldest))
        {
            _bytes -= oldest.Bytes;
            ForgottenBefore = oldest.Time;
        }
    }
}
