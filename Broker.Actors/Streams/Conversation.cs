using Akka.Actor;
using Broker.Actors.Centrifuge;
using Broker.Actors.Routing;
using Broker.Actors.Rpc;
using Broker.Actors.Sessions;
using Broker.Actors.Settings;
using Broker.Core.Centrifuge;
using Broker.Core.Framing;
using Broker.Core.Protocol.Messages;
using Broker.Core.Protocol.Transfers;
using Broker.Reactor.Loops;
using PayloadTag = Broker.Core.Protocol.Messages.PayloadTag;
using Unsubscribed = Broker.Core.Centrifuge.Unsubscribed;

namespace Broker.Actors.Streams;

/// <summary>
/// What every dialect of clients does alike: the commands of a turn go to the session together, what is under way is counted,
/// a stranger is held to little time and few bytes, and a silent client is pinged.
/// </summary>
/// <remarks>For the loop's thread. Nothing of a frame is kept but what a command carries on.</remarks>
public abstract class Conversation : IDialect, IReplySource
{
    /// <summary>Replies of a turn that make a frame of their own.</summary>
    protected const int FrameBytesMax = 32 * 1024;

    private const int CommandsExpectedMax = 256;

    private readonly CentrifugeSettings _limits;
    private readonly int _commandBytesMax;
    private IActorRef _session = ActorRefs.Nobody;
    private IDemand? _demand;
    private List<ClientCommand>? _commands;     // Of the turn under way.
    private QuickRun? _quick;                   // Those that were read last: no other command is behind them yet.
    private int _commandsBefore;                // So many were in the last one, and as many are expected.
    private KeepAlive _keepAlive;
    private int _strangerBytes;
    private int _bytesUnderWay;
    private bool _isLetIn;

    private protected Conversation(Connection connection, LoopReplies replies, CentrifugeSettings limits, int commandBytesMax)
    {
        Connection = connection;
        Replies = replies;
        _limits = limits;
        _commandBytesMax = commandBytesMax;
        connection.SetDeadline(limits.ConnectLimit);
    }

    /// <inheritdoc />
    public Connection Connection { get; }

    /// <inheritdoc />
    public abstract WireFormat Format { get; }

    /// <inheritdoc />
    public bool IsReady => _bytesUnderWay <= _commandBytesMax;

    /// <summary>What sessions of the loop say in a turn.</summary>
    private protected LoopReplies Replies { get; }

    /// <summary>Nothing more is read: the client broke the dialect, or has said its last.</summary>
    private protected bool IsOver { get; set; }

    /// <inheritdoc />
    public void OnBound(IActorRef session) => _session = session;

    /// <inheritdoc />
    public void OnStarted(IDemand demand) => _demand = demand;

    /// <inheritdoc />
    public void OnTurn(Turn turn)
    {
        ArgumentNullException.ThrowIfNull(turn);
        _keepAlive.Hear();
        int messages = 0;
        while (turn.TryRead(out Message frame))
        {
            if (IsOver) continue;
            if (!_isLetIn && (_strangerBytes += frame.Payload.Length) > _limits.BytesBeforeConnectMax)
                SendAway(Core.Centrifuge.Disconnect.BadRequest, $"more than {_limits.BytesBeforeConnectMax} bytes before it was let in");
            else
                messages += Read(frame);
        }

        Connection.Loop.Counters.AddReceived(turn.MessagesIn, messages);
        EndQuick();
        if (_commands is not { Count: > 0 } commands) return;
        _commands = null;
        _commandsBefore = Math.Min(commands.Count, CommandsExpectedMax);
        _session.Tell(new SessionProtocol.Commands(commands), ActorRefs.NoSender);
    }

    /// <summary>Reads the commands of one message.</summary>
    /// <returns>How many they were.</returns>
    private protected abstract int Read(in Message frame);

    /// <summary>A command for the session; its bytes are under way until they are done.</summary>
    private protected void Obey(ClientCommand command)
    {
        EndQuick();
        Add(command);
    }

    /// <summary>A call of a quick method, for the session; its bytes are under way until it is answered.</summary>
    private protected void Obey(in Call call, Method quick, CallWindows windows, int bytes) => (_quick ??= QuickRun.Take(windows)).Add(call, quick, bytes);

    private void EndQuick()
    {
        if (_quick is not { } quick) return;
        _quick = null;
        Add(new ClientCommand.QuickCalls(quick));
    }

    private void Add(ClientCommand command)
    {
        _bytesUnderWay += command.Bytes;
        (_commands ??= new List<ClientCommand>(_commandsBefore)).Add(command);
    }

    /// <summary>A command that no message of the client is, such as one of the clock's: it waits for no turn.</summary>
    private protected void ObeyAtOnce(ClientCommand command)
    {
        _bytesUnderWay += command.Bytes;
        _session.Tell(new SessionProtocol.Commands([command]), ActorRefs.NoSender);
    }

    /// <summary>The client is sent away, behind the commands before.</summary>
    private protected void SendAway(Disconnect why, string detail)
    {
        IsOver = true;
        Obey(new ClientCommand.Misuse(why, detail));
    }

    /// <summary>The client is in: it may say more, and is pinged from now on.</summary>
    private protected void LetIn()
    {
        _isLetIn = true;
        Connection.LetIn();
        _keepAlive.Connect();
        Connection.SetDeadline(KeepAlive.FirstPingAfter(_limits.PingInterval, Random.Shared));
    }

    /// <inheritdoc />
    public void OnDeadline()
    {
        switch (_keepAlive.Next())
        {
            case KeepAliveStep.Ping:
                SayPing();
                Connection.SetDeadline(_limits.PongLimit);
                break;
            case KeepAliveStep.Wait: Connection.SetDeadline(_limits.PingInterval - _limits.PongLimit); break;
            case KeepAliveStep.Stale: Disconnect(Core.Centrifuge.Disconnect.Stale); break;
            default: Disconnect(Core.Centrifuge.Disconnect.NoPong); break;
        }
    }

    private protected abstract void SayPing();

    /// <inheritdoc />
    public void OnEnded(Closure closure)
    {
        Drop();
        _session.Tell(new SessionProtocol.Ended(closure), ActorRefs.NoSender);
    }

    /// <summary>The connection has ended: gives back whatever is held.</summary>
    private protected abstract void Drop();

    /// <inheritdoc />
    public void Done(int bytes)
    {
        bool wasReady = IsReady;
        _bytesUnderWay -= bytes;
        if (!wasReady && IsReady) _demand?.Resume();
    }

    /// <inheritdoc />
    public virtual PayloadTag Compression => PayloadTag.None;

    /// <inheritdoc />
    public virtual CallWindows? WindowsOfHubCalls => null;

    /// <inheritdoc />
    public abstract ICallOutlet Calls { get; }

    /// <inheritdoc />
    public virtual void DeliverLong(in ChannelPlace place, LongBytes data)
    {
    }

    /// <inheritdoc />
    public abstract void Seal();

    /// <inheritdoc />
    public abstract void Connected(uint id, string client);

    /// <inheritdoc />
    public abstract void Subscribed(uint id, string channel, ChannelPlace place);

    /// <inheritdoc />
    public abstract void Unsubscribed(uint id, uint number);

    /// <inheritdoc />
    public abstract void Published(uint id, int receivers, ulong offset);

    /// <inheritdoc />
    public abstract void Failed(uint id, int index, CentrifugeError error);

    /// <inheritdoc />
    public abstract void Evicted(string channel, uint number, Unsubscribed why);

    /// <inheritdoc />
    public abstract void Disconnect(Disconnect why);

    /// <inheritdoc />
    public void SeeOff()
    {
        Seal();
        Connection.SeeOff("bye");
    }
}
