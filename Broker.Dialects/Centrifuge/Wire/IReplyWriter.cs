namespace Broker.Dialects.Centrifuge.Wire;

/// <summary>Writes what a server sends, whichever form it has, into a buffer that it keeps: the payload of one frame.</summary>
/// <remarks>For one thread. What is data, and publications and infos, is in the words of the form.</remarks>
public interface IReplyWriter
{
    /// <summary>The payload of a frame that holds everything so far. Borrowed until the next call.</summary>
    ReadOnlySpan<byte> Frame { get; }

    /// <summary>Replies and pushes so far.</summary>
    int Lines { get; }

    /// <summary>Drops everything: the next reply starts a frame.</summary>
    void Clear();

    /// <summary>Connected.</summary>
    void WriteConnect(uint id, in ConnectResult result);

    /// <summary>
    /// Connected, and subscribed by the server: followed by <see cref="WriteConnectSubscription"/> for each channel, and
    /// <see cref="EndConnect"/>.
    /// </summary>
    void StartConnectWithSubscriptions(uint id, in ConnectResult result);

    /// <summary>One channel that the server has subscribed the client to.</summary>
    /// <param name="channel">UTF-8.</param>
    /// <param name="result">Of it.</param>
    void WriteConnectSubscription(ReadOnlySpan<byte> channel, in SubscribeResult result);

    /// <summary>The last channel has been written.</summary>
    void EndConnect();

    /// <summary>Subscribed.</summary>
    void WriteSubscribe(uint id, in SubscribeResult result);

    /// <summary>Unsubscribed, or never was subscribed.</summary>
    void WriteUnsubscribe(uint id);

    /// <summary>The connection has been refreshed, or a subscription.</summary>
    /// <param name="id">The request's id.</param>
    /// <param name="isSubscription">Whether it is a subscription.</param>
    /// <param name="expires">Whether it expires again.</param>
    /// <param name="ttlSeconds">Until then.</param>
    void WriteRefresh(uint id, bool isSubscription, bool expires, uint ttlSeconds);

    /// <summary>Published.</summary>
    void WritePublish(uint id);

    /// <summary>A page of a channel's history. All members are written, whatever they are.</summary>
    /// <param name="id">The request's id.</param>
    /// <param name="publications">Each encoded alone.</param>
    /// <param name="epoch">The channel's.</param>
    /// <param name="offset">Of the channel's newest publication.</param>
    void WriteHistory(uint id, ReadOnlySpan<ReadOnlyMemory<byte>> publications, string epoch, ulong offset);

    /// <summary>Who is in a channel.</summary>
    /// <param name="id">The request's id.</param>
    /// <param name="members">The client ids, and who they are, encoded.</param>
    void WritePresence(uint id, IEnumerable<KeyValuePair<string, ReadOnlyMemory<byte>>> members);

    /// <summary>How many are in a channel. Both members are written, whatever they are.</summary>
    void WritePresenceStats(uint id, int clients, int users);

    /// <summary>What a called method returned.</summary>
    /// <param name="id">The call's id.</param>
    /// <param name="data">One value; empty is left out.</param>
    void WriteRpc(uint id, ReadOnlySpan<byte> data);

    /// <summary>A command failed; the connection stays.</summary>
    void WriteError(uint id, in CentrifugeError error);

    /// <summary>A ping.</summary>
    void WritePing();

    /// <summary>The server has set anew when the connection expires.</summary>
    /// <param name="expires">Whether it does.</param>
    /// <param name="ttlSeconds">Until then.</param>
    void PushRefresh(bool expires, uint ttlSeconds);

    /// <summary>The server has unsubscribed the client from a channel.</summary>
    /// <param name="channel">UTF-8.</param>
    /// <param name="unsubscribed">Why, and whether the client tries again.</param>
    void PushUnsubscribe(ReadOnlySpan<byte> channel, in Unsubscribed unsubscribed);

    /// <summary>The server has subscribed the client to a channel.</summary>
    /// <param name="channel">UTF-8.</param>
    /// <param name="result">
    /// Of it: whether and where the channel keeps positions, and data. What was missed follows as publications.
    /// </param>
    void PushSubscribe(ReadOnlySpan<byte> channel, in SubscribeResult result);

    /// <summary>Publications of a channel that the client was too slow for, as a message of the server.</summary>
    /// <param name="channel">UTF-8.</param>
    /// <param name="from">The first offset; 0 where the channel has none.</param>
    /// <param name="to">The last offset; 0 where the channel has none.</param>
    /// <param name="count">How many from the first to the last.</param>
    void PushGap(ReadOnlySpan<byte> channel, ulong from, ulong to, ulong count);

    /// <summary>A message of the server to this client, in no channel.</summary>
    /// <param name="data">One value; empty is left out.</param>
    void PushMessage(ReadOnlySpan<byte> data);

    /// <summary>The connection ends, said in a line: for transports without close codes. A WebSocket closes with the code.</summary>
    void PushDisconnect(in Disconnect disconnect);

    /// <summary>A reply or push that is encoded already, such as a publication.</summary>
    void WriteEncoded(ReadOnlySpan<byte> reply);
}
