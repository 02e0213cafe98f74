namespace Broker.Dialects.Centrifuge.Wire;

/// <summary>Writes what a server says, a line each, into a buffer that it keeps: the payload of one text frame.</summary>
/// <remarks>
/// Between two lines stands one line feed, and after the last none, as the official server has it; every official client
/// takes that, while some fail on a blank line. For one thread. Allocates only to grow, and for texts to be escaped.
/// </remarks>
public sealed class ReplyWriter : IReplyWriter
{
    private readonly LineBuffer _lines = new();
    private bool _isPushed;     // The connect that is being written is a push.

    /// <summary>The payload of a text frame that holds all lines so far. Borrowed until the next call.</summary>
    public ReadOnlySpan<byte> Frame => _lines.Written;

    /// <summary>Lines so far; a caller sends the frame at <see cref="CentrifugeProtocol.LinesPerFrameMax"/> or earlier.</summary>
    public int Lines => _lines.Lines;

    /// <summary>Drops all lines: the next one starts a frame.</summary>
    public void Clear() => _lines.Clear();

    /// <summary>Connected.</summary>
    public void WriteConnect(uint id, in ConnectResult result)
    {
        StartConnect(id, result);
        CloseConnect();
    }

    /// <summary>
    /// Connected, and subscribed by the server: followed by <see cref="WriteConnectSubscription"/> for each channel, and
    /// <see cref="EndConnect"/>.
    /// </summary>
    public void StartConnectWithSubscriptions(uint id, in ConnectResult result)
    {
        StartConnect(id, result);
        _lines.PutName("\"subs\":"u8);
        _lines.Open("{"u8);
    }

    /// <summary>One channel that the server has subscribed the client to.</summary>
    public void WriteConnectSubscription(ReadOnlySpan<byte> channel, in SubscribeResult result)
    {
        _lines.PutComma();
        _lines.PutText(channel);
        _lines.Open(":{"u8);
        PutSubscription(result);
        _lines.Close("}"u8);
    }

    /// <summary>The last channel has been written.</summary>
    public void EndConnect()
    {
        _lines.Close("}"u8);
        CloseConnect();
    }

    private void CloseConnect() => _lines.Close(_isPushed ? "}}}"u8 : "}}"u8);

    private void StartConnect(uint id, in ConnectResult result)
    {
        _isPushed = result.IsPush;
        if (_isPushed)
        {
            _lines.StartLine();
            _lines.Open("{\"push\":{\"connect\":{"u8);
        }
        else
        {
            StartReply(id, "\"connect\":{"u8);
        }

        _lines.PutText("\"client\":"u8, result.Client);
        _lines.PutText("\"version\":"u8, result.Version);
        _lines.PutTrue("\"expires\":"u8, result.Expires);
        _lines.PutNumber("\"ttl\":"u8, result.TtlSeconds);
        _lines.PutRaw("\"data\":"u8, result.Data);
        _lines.PutNumber("\"ping\":"u8, result.PingSeconds);
        _lines.PutTrue("\"pong\":"u8, result.Pong);
        _lines.PutText("\"session\":"u8, result.Session);
        _lines.PutText("\"node\":"u8, result.Node);
    }

    /// <summary>Subscribed.</summary>
    public void WriteSubscribe(uint id, in SubscribeResult result)
    {
        StartReply(id, "\"subscribe\":{"u8);
        PutSubscription(result);
        _lines.Close("}}"u8);
    }

    private void PutSubscription(in SubscribeResult result)
    {
        _lines.PutTrue("\"expires\":"u8, result.Expires);
        _lines.PutNumber("\"ttl\":"u8, result.TtlSeconds);
        _lines.PutTrue("\"recoverable\":"u8, result.Recoverable);
        _lines.PutText("\"epoch\":"u8, result.Epoch);
        if (!result.Publications.IsEmpty) PutPublications(result.Publications);
        _lines.PutTrue("\"recovered\":"u8, result.Recovered);
        _lines.PutNumber("\"offset\":"u8, result.Offset);
        _lines.PutTrue("\"positioned\":"u8, result.Positioned);
        _lines.PutRaw("\"data\":"u8, result.Data);
        _lines.PutTrue("\"was_recovering\":"u8, result.WasRecovering);
        _lines.PutTrue("\"delta\":"u8, result.Delta);
    }

    /// <summary>Unsubscribed, or never was subscribed.</summary>
    public void WriteUnsubscribe(uint id)
    {
        StartReply(id, "\"unsubscribe\":{"u8);
        _lines.Close("}}"u8);
    }

    /// <summary>The connection has been refreshed, or a subscription.</summary>
    /// <param name="id">The request's id.</param>
    /// <param name="isSubscription">Whether it is a subscription.</param>
    /// <param name="expires">Whether it expires again.</param>
    /// <param name="ttlSeconds">Until then.</param>
    public void WriteRefresh(uint id, bool isSubscription, bool expires, uint ttlSeconds)
    {
        StartReply(id, isSubscription ? "\"sub_refresh\":{"u8 : "\"refresh\":{"u8);
        _lines.PutTrue("\"expires\":"u8, expires);
        _lines.PutNumber("\"ttl\":"u8, ttlSeconds);
        _lines.Close("}}"u8);
    }

    /// <summary>The server has set anew when the connection expires.</summary>
    /// <param name="expires">Whether it does.</param>
    /// <param name="ttlSeconds">Until then.</param>
    public void PushRefresh(bool expires, uint ttlSeconds)
    {
        _lines.StartLine();
        _lines.Open("{\"push\":{\"refresh\":{"u8);
        _lines.PutTrue("\"expires\":"u8, expires);
        _lines.PutNumber("\"ttl\":"u8, ttlSeconds);
        _lines.Close("}}}"u8);
    }

    /// <summary>Published.</summary>
    public void WritePublish(uint id)
    {
        StartReply(id, "\"publish\":{"u8);
        _lines.Close("}}"u8);
    }

    /// <summary>A page of a channel's history. All members are written, whatever they are.</summary>
    /// <param name="id">The request's id.</param>
    /// <param name="publications">Each from <see cref="PublicationEncoder.BodyOf"/>.</param>
    /// <param name="epoch">The channel's.</param>
    /// <param name="offset">Of the channel's newest publication.</param>
    public void WriteHistory(uint id, ReadOnlySpan<ReadOnlyMemory<byte>> publications, string epoch, ulong offset)
    {
        StartReply(id, "\"history\":{"u8);
        PutPublications(publications);
        _lines.PutName("\"epoch\":"u8);
        _lines.PutText(epoch);
        _lines.PutName("\"offset\":"u8);
        _lines.PutNumber(offset);
        _lines.Close("}}"u8);
    }

    /// <summary>Who is in a channel.</summary>
    /// <param name="id">The request's id.</param>
    /// <param name="members">
    /// The client ids, and who they are, from
    /// <see cref="PublicationEncoder.EncodeInfo(string, string, ReadOnlySpan{byte}, ReadOnlySpan{byte})"/>.
    /// </param>
    public void WritePresence(uint id, IEnumerable<KeyValuePair<string, ReadOnlyMemory<byte>>> members)
    {
        ArgumentNullException.ThrowIfNull(members);
        StartReply(id, "\"presence\":{\"presence\":{"u8);
        foreach ((string client, ReadOnlyMemory<byte> info) in members)
        {
            _lines.PutComma();
            _lines.PutText(client);
            _lines.Put(":"u8);
            _lines.PutRaw(info.Span);
        }

        _lines.Close("}}}"u8);
    }

    /// <summary>How many are in a channel. Both members are written, whatever they are.</summary>
    public void WritePresenceStats(uint id, int clients, int users)
    {
        StartReply(id, "\"presence_stats\":{"u8);
        _lines.PutName("\"num_clients\":"u8);
        _lines.PutNumber((ulong)clients);
        _lines.PutName("\"num_users\":"u8);
        _lines.PutNumber((ulong)users);
        _lines.Close("}}"u8);
    }

    /// <summary>What a called method returned.</summary>
    /// <param name="id">The call's id.</param>
    /// <param name="data">One JSON value; empty is left out.</param>
    public void WriteRpc(uint id, ReadOnlySpan<byte> data)
    {
        StartReply(id, "\"rpc\":{"u8);
        _lines.PutRaw("\"data\":"u8, data);
        _lines.Close("}}"u8);
    }

    /// <summary>A command failed; the connection stays.</summary>
    public void WriteError(uint id, in CentrifugeError error)
    {
        StartReply(id, "\"error\":{"u8);
        _lines.PutNumber("\"code\":"u8, error.Code);
        _lines.PutText("\"message\":"u8, error.Message);
        _lines.PutTrue("\"temporary\":"u8, error.Temporary);
        _lines.Close("}}"u8);
    }

    /// <summary>A ping, among other lines. Alone in its frame it is <see cref="CentrifugeProtocol.Ping"/>.</summary>
    public void WritePing() => WriteLine(CentrifugeProtocol.Ping.Span);

    /// <inheritdoc />
    public void WriteEncoded(ReadOnlySpan<byte> reply) => WriteLine(reply);

    /// <summary>A line that is encoded already, such as a publication.</summary>
    public void WriteLine(ReadOnlySpan<byte> line)
    {
        _lines.StartLine();
        _lines.Put(line);
    }

    /// <summary>A publication to this client alone; for all subscribers of a channel it is encoded once instead.</summary>
    /// <param name="prefix">What <see cref="PublicationEncoder.EncodePrefix"/> gave for the channel.</param>
    /// <param name="publication">What was published.</param>
    public void PushPublication(ReadOnlySpan<byte> prefix, in Publication publication)
    {
        _lines.StartLine();
        Span<byte> room = _lines.Reserve(PublicationEncoder.Measure(prefix, publication));
        _lines.Advance(PublicationEncoder.Write(prefix, publication, room));
    }

    /// <summary>The server has unsubscribed the client from a channel.</summary>
    /// <param name="channel">UTF-8, not escaped.</param>
    /// <param name="unsubscribed">Why, and whether the client tries again.</param>
    public void PushUnsubscribe(ReadOnlySpan<byte> channel, in Unsubscribed unsubscribed)
    {
        _lines.StartLine();
        _lines.Open("{\"push\":{\"channel\":"u8);
        _lines.PutText(channel);
        _lines.Open(",\"unsubscribe\":{"u8);
        _lines.PutNumber("\"code\":"u8, unsubscribed.Code);
        _lines.PutText("\"reason\":"u8, unsubscribed.Reason);
        _lines.Close("}}}"u8);
    }

    /// <summary>The server has subscribed the client to a channel.</summary>
    /// <param name="channel">UTF-8, not escaped.</param>
    /// <param name="result">
    /// Of it: whether and where the channel keeps positions, and data. What was missed follows as publications.
    /// </param>
    public void PushSubscribe(ReadOnlySpan<byte> channel, in SubscribeResult result)
    {
        _lines.StartLine();
        _lines.Open("{\"push\":{\"channel\":"u8);
        _lines.PutText(channel);
        _lines.Open(",\"subscribe\":{"u8);
        _lines.PutTrue("\"recoverable\":"u8, result.Recoverable);
        _lines.PutText("\"epoch\":"u8, result.Epoch);
        _lines.PutNumber("\"offset\":"u8, result.Offset);
        _lines.PutTrue("\"positioned\":"u8, result.Positioned);
        _lines.PutRaw("\"data\":"u8, result.Data);
        _lines.Close("}}}"u8);
    }

    /// <inheritdoc />
    public void PushGap(ReadOnlySpan<byte> channel, ulong from, ulong to, ulong count)
    {
        _lines.StartLine();
        _lines.Open("{\"push\":{\"message\":{\"data\":"u8);
        PutGap(_lines, channel, from, to, count);
        _lines.Close("}}}"u8);
    }

    /// <summary>The data of a gap's message, the same in every form.</summary>
    internal static byte[] EncodeGap(ReadOnlySpan<byte> channel, ulong from, ulong to, ulong count)
    {
        var json = new LineBuffer();
        PutGap(json, channel, from, to, count);
        return json.Written.ToArray();
    }

    private static void PutGap(LineBuffer json, ReadOnlySpan<byte> channel, ulong from, ulong to, ulong count)
    {
        json.Open("{\"gap\":{\"channel\":"u8);
        json.PutText(channel);
        json.Close(""u8);
        json.PutNumber("\"from\":"u8, from);
        json.PutNumber("\"to\":"u8, to);
        json.PutNumber("\"count\":"u8, count);
        json.PutText("\"reason\":"u8, "slow");
        json.Close("}}"u8);
    }

    /// <summary>A message of the server to this client, in no channel.</summary>
    /// <param name="data">One JSON value; empty is left out.</param>
    public void PushMessage(ReadOnlySpan<byte> data)
    {
        _lines.StartLine();
        _lines.Open("{\"push\":{\"message\":{"u8);
        _lines.PutRaw("\"data\":"u8, data);
        _lines.Close("}}}"u8);
    }

    /// <summary>The connection ends, said in a line: for transports without close codes. A WebSocket closes with the code.</summary>
    public void PushDisconnect(in Disconnect disconnect)
    {
        _lines.StartLine();
        _lines.Open("{\"push\":{\"disconnect\":{"u8);
        _lines.PutNumber("\"code\":"u8, disconnect.Code);
        _lines.PutText("\"reason\":"u8, disconnect.Reason);
        _lines.PutTrue("\"reconnect\":"u8, disconnect.Reconnects);
        _lines.Close("}}}"u8);
    }

    private void PutPublications(ReadOnlySpan<ReadOnlyMemory<byte>> publications)
    {
        _lines.PutName("\"publications\":"u8);
        _lines.Open("["u8);
        foreach (ReadOnlyMemory<byte> publication in publications)
        {
            _lines.PutComma();
            _lines.PutRaw(publication.Span);
        }

        _lines.Close("]"u8);
    }

    private void StartReply(uint id, ReadOnlySpan<byte> method)
    {
        _lines.StartLine();
        _lines.Open("{"u8);
        _lines.PutNumber("\"id\":"u8, id);
        _lines.PutComma();
        _lines.Open(method);
    }
}
