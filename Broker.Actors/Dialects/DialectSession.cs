using Broker.Actors.Calls;
using Broker.Actors.Calls.Inbound;
using Broker.Actors.Calls.Methods;
using Broker.Actors.Channels.Delivery;
using Akka.Actor;
using Broker.Actors.Channels.History;
using Broker.Actors.Channels.Presence;
using Broker.Actors.Channels.SlowConsumers;
using Broker.Actors.Model;
using Broker.Actors.Runtime;
using Broker.Actors.Sessions;
using Broker.Core.Framing;
using Broker.Reactor;
using Broker.Reactor.Loops;
using Broker.Reactor.Sockets;
using Broker.Reactor.Pipes;
using Broker.Core.Protocol.Calls;
using Broker.Core.Protocol.Messages;

namespace Broker.Actors.Dialects;

/// <summary>
/// What every dialect of commands does alike: the commands of a turn go to the session together, what is pending is counted,
/// a client that has not connected is held to little time and few bytes, and a silent client is pinged.
/// </summary>
/// <remarks>For the loop's thread. Nothing of a frame is kept but what a command carries on.</remarks>
public abstract class DialectSession : IDialectSession, IReplySource
{
    /// <summary>Replies of a turn that make a frame of their own.</summary>
    protected const int FrameBytesMax = 32 * 1024;

    private const int CommandsExpectedMax = 256;

    private readonly ClientSettings _limits;
    private readonly int _commandBytesMax;
    private IActorRef _session = ActorRefs.Nobody;
    private IDemand? _demand;
    private List<ClientCommand>? _commands;     // Of the turn under way.
    private InlineRun? _inline;                   // Those that were read last: no other command is behind them yet.
    private int _commandsBefore;                // So many were in the last one, and as many are expected.
    private KeepAlive _keepAlive;
    private int _bytesBeforeConnect;
    private int _pendingBytes;
    private bool _hasConnected;                 // Its connect command was read: from then on it has a client's limits.
    private bool _isPaused;

    /// <summary>Begins with a connection that has opened: its client has the limit for connecting.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="turn">The turn of its loop.</param>
    /// <param name="limits">What one client may do and hold.</param>
    /// <param name="commandBytesMax">Bytes of commands that may be pending; above, nothing is read.</param>
    protected DialectSession(Connection connection, LoopTurn turn, ClientSettings limits, int commandBytesMax)
    {
        ArgumentNullException.ThrowIfNull(connection);
        ArgumentNullException.ThrowIfNull(limits);
        Connection = connection;
        LoopTurn = turn;
        _limits = limits;
        _commandBytesMax = commandBytesMax;
        connection.SetDeadline(limits.ConnectLimit);
    }

    /// <inheritdoc />
    public Connection Connection { get; }

    /// <inheritdoc />
    public abstract PublicationFormat Format { get; }

    /// <inheritdoc />
    public abstract string Dialect { get; }

    /// <inheritdoc />
    public string Client { get; private set; } = "";

    /// <inheritdoc />
    public virtual int FrameVariant => 0;

    /// <inheritdoc />
    public bool IsReady => !_isPaused && _pendingBytes <= _commandBytesMax;

    /// <summary>The turn of the loop, with which replies register.</summary>
    protected LoopTurn LoopTurn { get; }

    /// <summary>Nothing more is read: the client broke the dialect, or has sent its last message.</summary>
    protected bool IsOver { get; set; }

    /// <inheritdoc />
    public void OnBound(IActorRef session) => _session = session;

    /// <inheritdoc />
    public void OnStarted(IDemand demand) => _demand = demand;

    /// <inheritdoc />
    public virtual void OnFirstMessage(ReadOnlySpan<byte> message)
    {
    }

    /// <inheritdoc />
    public void OnTurn(Turn turn)
    {
        ArgumentNullException.ThrowIfNull(turn);
        _keepAlive.Receive();
        int messages = 0;
        while (turn.TryRead(out Message frame))
        {
            if (IsOver) continue;
            messages += Read(frame);
            if (!_hasConnected && !IsOver && (_bytesBeforeConnect += frame.Payload.Length) > _limits.BytesBeforeConnectMax)
                Reject(DisconnectReason.BadRequest, $"more than {_limits.BytesBeforeConnectMax} bytes before the connect command");
        }

        Connection.Loop.Counters.AddReceived(turn.MessagesIn, messages);
        SendCommands();
    }

    /// <summary>Sends what was handled to the session. A turn ends with it.</summary>
    protected void SendCommands()
    {
        EndInline();
        if (_commands is not { Count: > 0 } commands) return;
        _commands = null;
        _commandsBefore = Math.Min(commands.Count, CommandsExpectedMax);
        _session.Tell(new SessionProtocol.Commands(commands), ActorRefs.NoSender);
    }

    /// <summary>Reads the commands of one message.</summary>
    /// <returns>How many they were.</returns>
    protected abstract int Read(in Message frame);

    /// <summary>A command for the session; its bytes are under way until they are done.</summary>
    protected void Handle(ClientCommand command)
    {
        ArgumentNullException.ThrowIfNull(command);
        EndInline();
        Add(command);
        if (command is ClientCommand.Connect && !_hasConnected) OnConnecting();
    }

    // What follows in the same read has a client's limits, however the bytes were cut. The session has the command before the next
    // read, and pauses reading if access does not answer at once: so an unknown client holds one read at most.
    private void OnConnecting()
    {
        _hasConnected = true;
        Connection.Admit();
    }

    /// <summary>A call of a inline method, for the session; its bytes are under way until it is answered.</summary>
    internal void Handle(in Call call, Method inline, CallWindows windows, int bytes) =>
        (_inline ??= InlineRun.Take(windows)).Add(call, inline, bytes);

    private void EndInline()
    {
        if (_inline is not { } inline) return;
        _inline = null;
        Add(new ClientCommand.InlineCalls(inline));
    }

    private void Add(ClientCommand command)
    {
        Begin(command.Bytes);
        (_commands ??= new List<ClientCommand>(_commandsBefore)).Add(command);
    }

    // What has no bytes is no request of the client, and gets no answer.
    private void Begin(int bytes)
    {
        _pendingBytes += bytes;
        if (bytes > 0) Connection.Owe();
    }

    /// <summary>A command that no message of the client is, such as one of the clock's: it waits for no turn.</summary>
    protected void HandleAtOnce(ClientCommand command)
    {
        Begin(command.Bytes);
        _session.Tell(new SessionProtocol.Commands([command]), ActorRefs.NoSender);
    }

    /// <summary>The client is disconnected, behind the commands before.</summary>
    protected void Reject(DisconnectReason reason, string detail)
    {
        IsOver = true;
        Handle(new ClientCommand.Misuse(reason, detail));
    }

    /// <summary>The client is admitted, and pinged from now on.</summary>
    protected void Admit(string client)
    {
        Client = client;
        _keepAlive.Connect();
        Connection.SetDeadline(KeepAlive.FirstPingAfter(_limits.PingInterval, Random.Shared));
    }

    /// <inheritdoc />
    public void OnDeadline()
    {
        switch (_keepAlive.Next())
        {
            case KeepAliveStep.Ping:
                WritePing();
                if (!ExpectsPongs) _keepAlive.Receive();
                Connection.SetDeadline(_limits.PongLimit);
                break;
            case KeepAliveStep.Wait: Connection.SetDeadline(_limits.PingInterval - _limits.PongLimit); break;
            case KeepAliveStep.Stale when _hasConnected: break;     // Access has a limit of its own.
            case KeepAliveStep.Stale: Disconnect(DisconnectReason.Stale); break;
            default: Disconnect(DisconnectReason.NoPong); break;
        }
    }

    /// <summary>Writes a ping, in the dialect's words.</summary>
    protected abstract void WritePing();

    /// <summary>Whether a client has to answer pings; else they only show it that the connection stands.</summary>
    protected virtual bool ExpectsPongs => true;

    /// <inheritdoc />
    public void OnEnded(Closure closure)
    {
        Drop();
        _session.Tell(new SessionProtocol.Ended(closure), ActorRefs.NoSender);
    }

    /// <summary>The connection has ended: returns whatever is held.</summary>
    protected abstract void Drop();

    /// <inheritdoc />
    public void Done(int bytes)
    {
        bool wasReady = IsReady;
        _pendingBytes -= bytes;
        if (bytes > 0) Connection.Settle();
        if (!wasReady && IsReady) _demand?.Resume();
    }

    /// <inheritdoc />
    public virtual CallWindows? WindowsOfHubCalls => null;

    /// <inheritdoc />
    public virtual bool TakesServerSubscriptions => true;

    /// <inheritdoc />
    public virtual bool SendsSubscriptionsOnConnect => false;

    /// <inheritdoc />
    public abstract ICallWriter Calls { get; }

    /// <inheritdoc />
    public void Pause()
    {
        _isPaused = true;
        Connection.PauseReading();
    }

    /// <inheritdoc />
    public void Resume()
    {
        if (!_isPaused) return;
        _isPaused = false;
        if (IsReady) _demand?.Resume();
    }

    /// <summary>The connect command failed: the client may send another one, and has the time for it that it had at first.</summary>
    public virtual void NotConnected(uint id, HubError error)
    {
        _hasConnected = false;
        _bytesBeforeConnect = 0;
        Connection.SetDeadline(_limits.ConnectLimit);
        Failed(id, index: 0, error);
    }

    /// <inheritdoc />
    public abstract void Seal();

    /// <inheritdoc />
    public abstract void Connected(uint id, in Admission admission);

    /// <inheritdoc />
    public abstract void Subscribed(uint id, Subscription subscription, in SubscribeResult result);

    /// <inheritdoc />
    public abstract void Unsubscribed(uint id, uint number);

    /// <inheritdoc />
    public virtual void Refreshed(uint id, string? channel, TimeSpan? timeLeft) => Failed(id, index: 0, HubError.NotAvailable);

    /// <inheritdoc />
    public virtual void RefreshedByServer(TimeSpan? timeLeft)
    {
    }

    /// <inheritdoc />
    public abstract void Published(uint id, int receivers, StreamPosition position);

    /// <inheritdoc />
    public virtual void History(uint id, string channel, HistoryPage page) => Failed(id, index: 0, HubError.NotAvailable);

    /// <inheritdoc />
    public virtual void Presence(uint id, IReadOnlyCollection<ClientInfo> members) => Failed(id, index: 0, HubError.NotAvailable);

    /// <inheritdoc />
    public virtual void PresenceStats(uint id, PresenceCounts counts) => Failed(id, index: 0, HubError.NotAvailable);

    /// <inheritdoc />
    public virtual void Missed(Subscription subscription, IReadOnlyList<Gap> gaps)
    {
    }

    /// <inheritdoc />
    public abstract void Failed(uint id, int index, HubError error);

    /// <inheritdoc />
    public abstract void Evicted(Subscription subscription, UnsubscribeReason reason);

    /// <inheritdoc />
    public abstract void Disconnect(DisconnectReason reason);

    /// <inheritdoc />
    public void CloseByClient() => Connection.WhenSettled(
        () =>
        {
            Seal();
            Connection.CloseByClient("bye");
        },
        EventLoop.SettleLimit);
}
