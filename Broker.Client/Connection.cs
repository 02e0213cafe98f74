using System.Net.WebSockets;
using System.Text;
using Broker.Core.Buffers;
using Broker.Core.Protocol.Calls;
using Broker.Core.Protocol;
using Broker.Core.Protocol.Messages;

namespace Broker.Client;

/// <summary>One connection, from its welcome to its end: its parts, which part a message is for, and what happens at the end.</summary>
internal sealed class Connection
{
    private readonly ClientWebSocket _socket;
    private readonly Agreement _agreement;
    private readonly ConnectionState _state;
    private readonly FrameSender _sender;
    private readonly FrameReceiver _receiver;
    private readonly Uploads _uploads;
    private readonly Downloads _downloads;
    private readonly InboundCalls _answers;
    private readonly DeadlineTimer _timer;
    private readonly TaskCompletionSource<CloseInfo> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Connection(ClientWebSocket socket, Agreement agreement, BrokerClientOptions options)
    {
        var pool = new BufferPool();
        _socket = socket;
        _agreement = agreement;
        _state = new ConnectionState(options);
        _sender = new FrameSender(_state, socket, agreement);
        _receiver = new FrameReceiver(_state, socket, agreement, pool, Take);
        _uploads = new Uploads(_state, _sender);
        Calls = new OutboundCalls(_state, _sender, _uploads, agreement.Limits);
        Channels = new ChannelRequests(_state, _sender, _uploads);
        Pings = new Pings(_state, _sender);
        _answers = new InboundCalls(_state, _sender, _uploads, agreement.Limits);
        _downloads = new Downloads(_state, _sender, Calls, Channels, Take);
        Calls.Abandoned = _downloads.Leave;
        _timer = new DeadlineTimer(_state, Calls, _downloads);
    }

    /// <summary>How the connection ended. Never fails.</summary>
    public Task<CloseInfo> Ended => _ended.Task;

    /// <summary>The id that the hub gave the connection.</summary>
    public string ClientId => _agreement.ClientId;

    /// <summary>The longest message that the hub takes, in bytes.</summary>
    public long MessageBytesMax => _sender.Limits.StreamBytesMax;

    /// <summary>Publications and subscriptions.</summary>
    public ChannelRequests Channels { get; }

    /// <summary>Calls of the hub's methods.</summary>
    public OutboundCalls Calls { get; }

    /// <summary>Whether the hub is there.</summary>
    public Pings Pings { get; }

    /// <summary>Starts both loops.</summary>
    public void Start()
    {
        _ = SendAsync();
        _ = ReceiveAsync();

        async Task SendAsync()
        {
            if (await _sender.RunAsync().ConfigureAwait(false) is { } closeInfo) End(_state.Bye ?? closeInfo);
        }

        async Task ReceiveAsync() => End(await _receiver.RunAsync().ConfigureAwait(false));
    }

    /// <summary>Holds frames back until <see cref="Uncork"/> has been called as often.</summary>
    public void Cork()
    {
        lock (_state.Gate) _sender.Cork();
    }

    /// <summary>Sends what gathered.</summary>
    public void Uncork()
    {
        lock (_state.Gate) _sender.Uncork();
    }

    /// <summary>Ends the connection from this side.</summary>
    public async Task CloseAsync()
    {
        try
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(1), _state.Options.Time);
            if (_state.CloseInfo is null)
                await _socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "", limit.Token).ConfigureAwait(false);
        }
        catch (Exception failure) when (
            failure is WebSocketException or OperationCanceledException or InvalidOperationException or IOException)
        {
            // It is ending anyway.
        }

        End(new CloseInfo { Code = 1000, Text = "The client has closed.", MayReconnect = false });
    }

    private NativeFault Take(NativeMessage message)
    {
        switch (message.Kind)
        {
            case NativeKind.Delivery: Channels.OnDelivery(message.As<Core.Protocol.Messages.Delivery>()); break;
            case NativeKind.Missed: Channels.OnMissed(message.As<Missed>()); break;
            case NativeKind.HistoryReply: Channels.OnHistory(message.As<HistoryReply>()); break;
            case NativeKind.Joined: Channels.OnJoined(message.As<Joined>()); break;
            case NativeKind.Left: Channels.OnLeft(message.As<Left>()); break;
            case NativeKind.PresenceReply: Channels.OnPresence(message.As<PresenceReply>()); break;
            case NativeKind.Published: Channels.OnPublished(message.As<Published>()); break;
            case NativeKind.Subscribed: Channels.OnSubscribed(message.As<Subscribed>()); break;
            case NativeKind.Unsubscribed: Channels.OnUnsubscribed(message.As<Unsubscribed>()); break;
            case NativeKind.Result: Calls.OnResult(message.As<CallResult>().Id, message.As<CallResult>().Data.ToArray()); break;
            case NativeKind.Item when CallIds.IsServers(message.As<CallItem>().Id): _answers.OnItem(message.As<CallItem>()); break;
            case NativeKind.Item: Calls.OnItem(message.As<CallItem>()); break;
            case NativeKind.ItemsEnd: _answers.OnItemsEnd(message.As<CallItemsEnd>().Id); break;
            case NativeKind.Fault: Calls.OnFault(message.As<CallFault>()); break;
            case NativeKind.Call: _answers.Start(message.As<Call>()); break;
            case NativeKind.Cancel: _answers.Cancel(message.As<CallCancel>().Id); break;
            case NativeKind.Stream: _downloads.OnStream(message.As<StreamHeader>()); break;
            case NativeKind.Chunk: return _downloads.OnChunk(message.As<Chunk>());
            case NativeKind.Credit: OnCredit(message.As<Credit>()); break;
            case NativeKind.StreamCancel: OnStreamCancel(message.As<StreamCancel>()); break;
            case NativeKind.Error: OnError(message.As<NativeError>()); break;
            case NativeKind.Ping: _sender.PostControl(new Pong { Mark = message.As<Ping>().Mark }); break;
            case NativeKind.Pong: Pings.OnPong(message.As<Pong>().Mark); break;
            case NativeKind.Bye: OnBye(message.As<Bye>()); break;
            case NativeKind.Welcome: return NativeFault.OutOfTurn;
        }

        return NativeFault.None;
    }

    private void OnCredit(Credit credit)
    {
        if (credit.Scope == CreditScope.Stream) _uploads.OnCredit(credit);
        else if (CallIds.IsServers(credit.Id)) _answers.OnCredit(credit);
        else Calls.OnCredit(credit);
    }

    private void OnStreamCancel(StreamCancel end)
    {
        if (end.Owner == StreamOwner.Mine) _downloads.OnCancelled(end.Stream);
        else _uploads.OnRefused(end.Stream, end.Code);
    }

    private void OnError(NativeError error)
    {
        switch (error.Scope)
        {
            case ErrorScope.Request: Channels.OnRefused(error); break;
            case ErrorScope.Stream: _uploads.OnRefused(error.Id, (ChunkError)error.Code); break;
            case ErrorScope.Connection:
                _state.Bye = CloseInfo.FromCode((int)((NativeFault)error.Code).CloseCode, Encoding.UTF8.GetString(error.Text));
                break;
        }
    }

    private void OnBye(Bye bye) => _state.Bye = CloseInfo.FromBye(bye.Code, bye.RetryMilliseconds, Encoding.UTF8.GetString(bye.Text));

    private void End(CloseInfo closeInfo)
    {
        IReadOnlyList<PendingRequest> waiting;
        lock (_state.Gate)
        {
            if (_state.CloseInfo is not null) return;
            _state.CloseInfo = closeInfo;
            waiting = [.. Channels.TakeAll(), .. Calls.TakeAll(), .. Pings.TakeAll()];
            _answers.CancelAll();
            _downloads.Clear();
            _sender.Clear();
        }

        _timer.Dispose();
        _socket.Dispose();
        var lost = new ConnectionLostException(closeInfo);
        foreach (PendingRequest pending in waiting) pending.Fail(lost);
        _ended.TrySetResult(closeInfo);
    }
}
