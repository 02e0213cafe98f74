using System.Buffers;
using System.Text.Unicode;
using Akka.Actor;
using Broker.Actors.Routing;
using Broker.Actors.Sessions;
using Broker.Actors.Settings;
using Broker.Actors.Streams;
using Broker.Core.Buffers;
using Broker.Core.Centrifuge;
using Broker.Core.Compression;
using Broker.Core.Framing;
using Broker.Core.Reactor;
using Broker.Core.Rpc;

namespace Broker.Actors.Centrifuge;

/// <summary>The Centrifuge JSON dialect on one connection: its client's lines to commands, its session's answers to lines.</summary>
/// <remarks>For the loop's thread. Nothing of a frame is kept but what a command carries on.</remarks>
public sealed class CentrifugeConversation : IDialect, IReplySource
{
    private const int FrameBytesMax = 32 * 1024;
    private const uint ApplicationErrorMin = 400;

    private readonly LoopReplies _replies;
    private readonly CentrifugeSettings _settings;
    private readonly string _version;
    private IActorRef _session = ActorRefs.Nobody;
    private IDemand? _demand;
    private List<ClientCommand>? _commands;     // Of the turn under way.
    private TextBatch _frame;                   // What the session has said in this turn of the loop.
    private KeepAlive _keepAlive;
    private int _bytesBeforeConnect;
    private int _bytesUnderWay;
    private bool _connected, _misused;

    /// <summary>Makes the dialect of one connection.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="replies">What sessions of its loop say in a turn.</param>
    /// <param name="settings">Times and bounds.</param>
    /// <param name="version">Of this hub, told to clients.</param>
    public CentrifugeConversation(Connection connection, LoopReplies replies, CentrifugeSettings settings, string version)
    {
        Connection = connection;
        _replies = replies;
        _settings = settings;
        _version = version;
        connection.SetDeadline(settings.ConnectLimit);
    }

    /// <inheritdoc />
    public Connection Connection { get; }

    /// <inheritdoc />
    public WireFormat Format => WireFormat.Json;

    /// <inheritdoc />
    public bool IsReady => _bytesUnderWay <= _settings.CommandBytesMax;

    /// <inheritdoc />
    public void OnBound(IActorRef session) => _session = session;

    /// <inheritdoc />
    public void OnStarted(IDemand demand) => _demand = demand;

    /// <inheritdoc />
    public void OnTurn(Turn turn)
    {
        ArgumentNullException.ThrowIfNull(turn);
        _keepAlive.Hear();
        while (turn.TryRead(out Message message)) Read(message);
        if (_commands is not { Count: > 0 } commands) return;
        _commands = null;
        _session.Tell(new SessionProtocol.Commands(commands), ActorRefs.NoSender);
    }

    private void Read(in Message message)
    {
        if (_misused) return;
        if (!_connected && (_bytesBeforeConnect += message.Payload.Length) > _settings.BytesBeforeConnectMax)
        {
            Misuse(Core.Centrifuge.Disconnect.BadRequest, $"more than {_settings.BytesBeforeConnectMax} bytes before connect");
            return;
        }

        var reader = new CommandReader(message.Payload);
        while (true)
        {
            switch (reader.Read(out Command command))
            {
                case OperationStatus.Done when reader.Index >= _settings.CommandsPerFrameMax:
                    Misuse(Core.Centrifuge.Disconnect.BadRequest, $"more than {_settings.CommandsPerFrameMax} commands in one frame");
                    return;
                case OperationStatus.Done when BreaksDialect(command) is { } detail:
                    Misuse(Core.Centrifuge.Disconnect.BadRequest, detail);
                    return;
                case OperationStatus.Done:
                    Take(command);
                    break;
                case OperationStatus.InvalidData:
                    Misuse(Core.Centrifuge.Disconnect.BadRequest, reader.Reason ?? "not a command");
                    return;
                default:
                    return;
            }
        }
    }

    // What can be read, and for which the official server closes the connection all the same.
    private static string? BreaksDialect(in Command command) => command.Kind switch
    {
        CommandKind.Unknown => "a command without a known method",
        CommandKind.Subscribe when !command.Delta.IsEmpty && !command.Delta.SequenceEqual("fossil"u8) => "a delta that is not known",
        CommandKind.Subscribe or CommandKind.Unsubscribe or CommandKind.Publish or CommandKind.Presence or CommandKind.PresenceStats
            or CommandKind.History or CommandKind.SubRefresh when command.Channel.IsEmpty => "a command without a channel",
        _ => null,
    };

    private void Take(in Command command)
    {
        if (command.Kind == CommandKind.Pong) return;

        // What it costs to keep: its texts, and about as much around them as any command has.
        int bytes = 256 + command.Data.Length + 2 * command.Channel.Length;
        _bytesUnderWay += bytes;
        (_commands ??= []).Add(ToClientCommand(command, bytes));
    }

    private static ClientCommand ToClientCommand(in Command command, int bytes) => command.Kind switch
    {
        CommandKind.Publish when command.Type == 0 => new ClientCommand.Publish(command.Id, bytes, Command.Keep(command.Channel), command.Data.ToArray()),
        CommandKind.Subscribe => new ClientCommand.Subscribe(command.Id, bytes, Command.Keep(command.Channel), WantsMore(command)),
        CommandKind.Unsubscribe => new ClientCommand.Unsubscribe(command.Id, bytes, Command.Keep(command.Channel)),
        CommandKind.Connect => new ClientCommand.Connect(command.Id, bytes, !command.Token.IsEmpty),
        CommandKind.Send => new ClientCommand.Send(bytes),
        CommandKind.Rpc => new ClientCommand.Call(command.Id, bytes, MethodId.Of(command.Method), command.Data.ToArray()),
        _ => new ClientCommand.Unavailable(command.Id, bytes),
    };

    private static bool WantsMore(in Command command) => command.Type != 0 || !command.Token.IsEmpty || !command.TagsFilter.IsEmpty;

    private void Misuse(Disconnect why, string detail)
    {
        _misused = true;
        (_commands ??= []).Add(new ClientCommand.Misuse(why, detail));
    }

    /// <inheritdoc />
    public void OnDeadline()
    {
        switch (_keepAlive.Next())
        {
            case KeepAliveStep.Ping:
                _replies.Writer.WritePing();
                Say();
                Connection.SetDeadline(_settings.PongLimit);
                break;
            case KeepAliveStep.Wait: Connection.SetDeadline(_settings.PingInterval - _settings.PongLimit); break;
            case KeepAliveStep.Stale: Disconnect(Core.Centrifuge.Disconnect.Stale); break;
            default: Disconnect(Core.Centrifuge.Disconnect.NoPong); break;
        }
    }

    /// <inheritdoc />
    public void OnEnded(Closure closure)
    {
        _frame.Clear();
        _session.Tell(new SessionProtocol.Ended(closure), ActorRefs.NoSender);
    }

    /// <inheritdoc />
    public void Connected(uint id, string client)
    {
        _connected = true;
        Connection.LetIn();
        _keepAlive.Connect();

        Connection.SetDeadline(KeepAlive.FirstPingAfter(_settings.PingInterval, Random.Shared));
        _replies.Writer.WriteConnect(id, new ConnectResult
        {
            Client = client,
            Version = _version,
            PingSeconds = (uint)_settings.PingInterval.TotalSeconds,
            Pong = true,
        });
        Say();
    }

    /// <inheritdoc />
    public void Subscribed(uint id, string channel, ChannelPlace place)
    {
        _replies.Writer.WriteSubscribe(id, default);
        Say();
        Seal();
    }

    /// <inheritdoc />
    public void Unsubscribed(uint id, uint number)
    {
        _replies.Writer.WriteUnsubscribe(id);
        Say();
    }

    /// <inheritdoc />
    public void Published(uint id, int receivers, ulong offset)
    {
        _replies.Writer.WritePublish(id);
        Say();
    }

    /// <inheritdoc />
    public void Failed(uint id, int index, CentrifugeError error)
    {
        _replies.Writer.WriteError(id, error);
        Say();
    }

    /// <inheritdoc />
    public void Returned(uint id, ReadOnlyMemory<byte> result)
    {
        // The dialect carries JSON and nothing else.
        if (!result.IsEmpty && !(Utf8.IsValid(result.Span) && RawJson.IsValid(result.Span)))
        {
            Failed(id, index: 0, CentrifugeError.NotAvailable);
            return;
        }

        _replies.Writer.WriteRpc(id, result.Span);
        Say();
    }

    /// <inheritdoc />
    public void Faulted(uint id, FaultCode code, string text) => Failed(id, index: 0, ErrorOf(code, text));

    private static CentrifugeError ErrorOf(FaultCode code, string text) => code switch
    {
        FaultCode.UnknownMethod => CentrifugeError.MethodNotFound,
        FaultCode.BadArguments or FaultCode.BadId => CentrifugeError.BadRequest,
        FaultCode.PermissionDenied => CentrifugeError.PermissionDenied,
        FaultCode.Overloaded => CentrifugeError.TooManyRequests,
        FaultCode.Failed => new CentrifugeError(ApplicationErrorMin, text),
        >= (FaultCode)1000 and < (FaultCode)2000 => new CentrifugeError((uint)code, text),
        >= (FaultCode)2000 => new CentrifugeError(ApplicationErrorMin, text),
        _ => CentrifugeError.Internal,
    };

    /// <inheritdoc />
    public void Evicted(string channel, uint number, Unsubscribed why)
    {
        _replies.Writer.PushUnsubscribe(System.Text.Encoding.UTF8.GetBytes(channel), why);
        Say();
    }

    /// <inheritdoc />
    public void Disconnect(Disconnect why)
    {
        Seal();
        Connection.Close((CloseCode)why.Code, why.Reason);
    }

    /// <inheritdoc />
    public void Done(int bytes)
    {
        bool wasReady = IsReady;
        _bytesUnderWay -= bytes;
        if (!wasReady && IsReady) _demand?.Resume();
    }

    // The line just written joins the frame of this turn.
    private void Say()
    {
        ReplyWriter writer = _replies.Writer;
        if (Connection.IsOpen)
        {
            if (_frame.IsEmpty) _replies.Add(this);
            _frame.Append(writer.Frame, _replies.Pool);
            if (_frame.Length > FrameBytesMax) Seal();
        }

        writer.Clear();
    }

    /// <inheritdoc />
    public void Seal()
    {
        if (_frame.IsEmpty) return;
        var frames = new FrameVariants(_frame.Seal(out int start), start, Connection.Loop.Deflate);
        Connection.Write(frames.For(Connection.Deflate, out int at), at);
        frames.LetGo();
    }
}
