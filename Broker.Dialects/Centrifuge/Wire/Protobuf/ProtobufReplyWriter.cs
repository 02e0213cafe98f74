namespace Broker.Dialects.Centrifuge.Wire.Protobuf;

/// <summary>Writes what a server sends, delimited replies, into a buffer that it keeps: the payload of one binary frame.</summary>
/// <remarks>For one thread. Allocates only to grow, and for a gap.</remarks>
public sealed class ProtobufReplyWriter : IReplyWriter
{
    private const int Error = 2, Push = 4, Connect = 5, Subscribe = 6, Unsubscribe = 7, Publish = 8, Presence = 9, PresenceStats = 10;
    private const int History = 11, Rpc = 13, Refresh = 14, SubRefresh = 15;
    private const int PushChannel = 2, PushUnsubscribed = 7, PushMessaged = 8, PushSubscribed = 9, PushConnected = 10, PushDisconnected =
        11, PushRefreshed = 12;

    private readonly ProtobufBuffer _bytes = new();
    private bool _isPushed;                 // The connect that is being written is a push.
    private int _reply, _inner, _push;      // Where the reply under way began, the result or push in it, and what is pushed.

    /// <inheritdoc />
    public ReadOnlySpan<byte> Frame => _bytes.Written;

    /// <inheritdoc />
    public int Lines { get; private set; }

    /// <inheritdoc />
    public void Clear()
    {
        _bytes.Clear();
        Lines = 0;
    }

    /// <inheritdoc />
    public void WriteConnect(uint id, in ConnectResult result)
    {
        StartConnectWithSubscriptions(id, result);
        EndConnect();
    }

    /// <inheritdoc />
    public void StartConnectWithSubscriptions(uint id, in ConnectResult result)
    {
        _isPushed = result.IsPush;
        if (_isPushed) BeginPush(default, PushConnected);
        else Begin(id, Connect);
        _bytes.PutText(1, result.Client);
        _bytes.PutText(2, result.Version);
        _bytes.PutTrue(3, result.Expires);
        _bytes.PutNumber(4, result.TtlSeconds);
        _bytes.PutBytes(5, result.Data);
        _bytes.PutNumber(7, result.PingSeconds);
        _bytes.PutTrue(8, result.Pong);
        _bytes.PutText(9, result.Session);
        _bytes.PutText(10, result.Node);
    }

    /// <inheritdoc />
    public void WriteConnectSubscription(ReadOnlySpan<byte> channel, in SubscribeResult result)
    {
        int entry = _bytes.Begin(6);
        _bytes.PutBytes(1, channel);
        int value = _bytes.Begin(2);
        PutSubscription(result);
        _bytes.End(value);
        _bytes.End(entry);
    }

    /// <inheritdoc />
    public void EndConnect()
    {
        if (_isPushed) EndPush();
        else End();
    }

    /// <inheritdoc />
    public void WriteSubscribe(uint id, in SubscribeResult result)
    {
        Begin(id, Subscribe);
        PutSubscription(result);
        End();
    }

    private void PutSubscription(in SubscribeResult result)
    {
        _bytes.PutTrue(1, result.Expires);
        _bytes.PutNumber(2, result.TtlSeconds);
        _bytes.PutTrue(3, result.Recoverable);
        _bytes.PutText(6, result.Epoch);
        foreach (ReadOnlyMemory<byte> publication in result.Publications) _bytes.PutMessage(7, publication.Span);
        _bytes.PutTrue(8, result.Recovered);
        _bytes.PutNumber(9, result.Offset);
        _bytes.PutTrue(10, result.Positioned);
        _bytes.PutBytes(11, result.Data);
        _bytes.PutTrue(12, result.WasRecovering);
        _bytes.PutTrue(13, result.Delta);
    }

    /// <inheritdoc />
    public void WriteUnsubscribe(uint id)
    {
        Begin(id, Unsubscribe);
        End();
    }

    /// <inheritdoc />
    public void WriteRefresh(uint id, bool isSubscription, bool expires, uint ttlSeconds)
    {
        Begin(id, isSubscription ? SubRefresh : Refresh);
        _bytes.PutTrue(isSubscription ? 1 : 3, expires);
        _bytes.PutNumber(isSubscription ? 2 : 4, ttlSeconds);
        End();
    }

    /// <inheritdoc />
    public void WritePublish(uint id)
    {
        Begin(id, Publish);
        End();
    }

    /// <inheritdoc />
    public void WriteHistory(uint id, ReadOnlySpan<ReadOnlyMemory<byte>> publications, string epoch, ulong offset)
    {
        Begin(id, History);
        foreach (ReadOnlyMemory<byte> publication in publications) _bytes.PutMessage(1, publication.Span);
        _bytes.PutText(2, epoch);
        _bytes.PutNumber(3, offset);
        End();
    }

    /// <inheritdoc />
    public void WritePresence(uint id, IEnumerable<KeyValuePair<string, ReadOnlyMemory<byte>>> members)
    {
        ArgumentNullException.ThrowIfNull(members);
        Begin(id, Presence);
        foreach ((string client, ReadOnlyMemory<byte> info) in members)
        {
            int entry = _bytes.Begin(1);
            _bytes.PutText(1, client);
            _bytes.PutMessage(2, info.Span);
            _bytes.End(entry);
        }

        End();
    }

    /// <inheritdoc />
    public void WritePresenceStats(uint id, int clients, int users)
    {
        Begin(id, PresenceStats);
        _bytes.PutNumber(1, (ulong)clients);
        _bytes.PutNumber(2, (ulong)users);
        End();
    }

    /// <inheritdoc />
    public void WriteRpc(uint id, ReadOnlySpan<byte> data)
    {
        Begin(id, Rpc);
        _bytes.PutBytes(1, data);
        End();
    }

    /// <inheritdoc />
    public void WriteError(uint id, in CentrifugeError error)
    {
        Begin(id, Error);
        _bytes.PutNumber(1, error.Code);
        _bytes.PutText(2, error.Message);
        _bytes.PutTrue(3, error.Temporary);
        End();
    }

    /// <inheritdoc />
    public void WritePing() => WriteEncoded([0]);

    /// <inheritdoc />
    public void WriteEncoded(ReadOnlySpan<byte> reply)
    {
        _bytes.Put(reply);
        Lines++;
    }

    /// <inheritdoc />
    public void PushRefresh(bool expires, uint ttlSeconds)
    {
        BeginPush(default, PushRefreshed);
        _bytes.PutTrue(1, expires);
        _bytes.PutNumber(2, ttlSeconds);
        EndPush();
    }

    /// <inheritdoc />
    public void PushUnsubscribe(ReadOnlySpan<byte> channel, in Unsubscribed unsubscribed)
    {
        BeginPush(channel, PushUnsubscribed);
        _bytes.PutNumber(2, unsubscribed.Code);
        _bytes.PutText(3, unsubscribed.Reason);
        EndPush();
    }

    /// <inheritdoc />
    public void PushSubscribe(ReadOnlySpan<byte> channel, in SubscribeResult result)
    {
        BeginPush(channel, PushSubscribed);
        _bytes.PutTrue(1, result.Recoverable);
        _bytes.PutText(4, result.Epoch);
        _bytes.PutNumber(5, result.Offset);
        _bytes.PutTrue(6, result.Positioned);
        _bytes.PutBytes(7, result.Data);
        EndPush();
    }

    /// <inheritdoc />
    public void PushGap(ReadOnlySpan<byte> channel, ulong from, ulong to, ulong count) =>
        PushMessage(ReplyWriter.EncodeGap(channel, from, to, count));

    /// <inheritdoc />
    public void PushMessage(ReadOnlySpan<byte> data)
    {
        BeginPush(default, PushMessaged);
        _bytes.PutBytes(1, data);
        EndPush();
    }

    /// <inheritdoc />
    public void PushDisconnect(in Disconnect disconnect)
    {
        BeginPush(default, PushDisconnected);
        _bytes.PutNumber(1, disconnect.Code);
        _bytes.PutText(2, disconnect.Reason);
        _bytes.PutTrue(3, disconnect.Reconnects);
        EndPush();
    }

    private void Begin(uint id, int result)
    {
        Lines++;
        _reply = _bytes.Begin();
        _bytes.PutNumber(1, id);
        _inner = _bytes.Begin(result);
    }

    private void End()
    {
        _bytes.End(_inner);
        _bytes.End(_reply);
    }

    private void BeginPush(ReadOnlySpan<byte> channel, int push)
    {
        Lines++;
        _reply = _bytes.Begin();
        _inner = _bytes.Begin(Push);
        _bytes.PutBytes(PushChannel, channel);
        _push = _bytes.Begin(push);
    }

    private void EndPush()
    {
        _bytes.End(_push);
        End();
    }
}
