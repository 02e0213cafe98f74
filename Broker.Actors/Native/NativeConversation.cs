using System.Buffers;
using System.Text;
using Akka.Actor;
using Broker.Actors.Centrifuge;
using Broker.Actors.Routing;
using Broker.Actors.Rpc;
using Broker.Actors.Sessions;
using Broker.Actors.Settings;
using Broker.Actors.Streams;
using Broker.Core.Buffers;
using Broker.Core.Framing;
using Broker.Core.Native;
using Broker.Core.Reactor;
using Broker.Core.Rpc;
using CentrifugeError = Broker.Core.Centrifuge.CentrifugeError;
using Disconnection = Broker.Core.Centrifuge.Disconnect;
using Eviction = Broker.Core.Centrifuge.Unsubscribed;

namespace Broker.Actors.Native;

/// <summary>The native protocol on one connection: its client's messages to commands, its session's answers to messages.</summary>
/// <remarks>
/// For the loop's thread. Nothing of a frame is kept but what a command carries on. A message takes effect before the next one
/// of its frame is read, so a frame of many is the same as many frames.
/// </remarks>
public sealed class NativeConversation : IDialect, IReplySource
{
    private const int FrameBytesMax = 32 * 1024;

    private readonly LoopReplies _replies;
    private readonly NativeSettings _settings;
    private readonly CentrifugeSettings _limits;
    private readonly int _callsMax;
    private readonly int _largestFrameBytes;
    private readonly bool _batched;
    private IActorRef _session = ActorRefs.Nobody;
    private IDemand? _demand;
    private List<ClientCommand>? _commands;             // Of the turn under way.
    private Dictionary<uint, string>? _channels;        // By the numbers that the client was told.
    private MessageBatch _batch;                        // What was said in this turn of the loop.
    private KeepAlive _keepAlive;
    private NativeFault _fault;                         // What the client did wrong, with the message that did it.
    private int _faultIndex;
    private int _clientFrameBytesMax;                   // From hello on.
    private int _clientWindow;                          // Items of a call that it takes before it gives credit.
    private int _bytesBeforeWelcome;
    private int _bytesUnderWay;
    private bool _greeted, _welcomed, _over;            // After hello, after welcome, and when nothing more is read.

    /// <summary>Makes the dialect of one connection.</summary>
    /// <param name="connection">The connection, with one of the two subprotocols.</param>
    /// <param name="replies">What sessions of its loop say in a turn.</param>
    /// <param name="settings">Times and bounds.</param>
    public NativeConversation(Connection connection, LoopReplies replies, HubSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        Connection = connection;
        _replies = replies;
        _settings = settings.Native;
        _limits = settings.Centrifuge;
        _callsMax = settings.Calls.PendingMax;
        _largestFrameBytes = NativeSettings.LargestFrameOf(settings);
        _batched = connection.Subprotocol == NativeProtocol.Batched;
        _batch = new MessageBatch(_batched);
        connection.SetDeadline(_limits.ConnectLimit);
    }

    /// <inheritdoc />
    public Connection Connection { get; }

    /// <inheritdoc />
    public WireFormat Format => _batched ? WireFormat.Batched : WireFormat.Unbatched;

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

    private void Read(in Message frame)
    {
        if (_over) return;
        if (!_welcomed && (_bytesBeforeWelcome += frame.Payload.Length) > _limits.BytesBeforeConnectMax)
        {
            SendAway(Disconnection.BadRequest, $"more than {_limits.BytesBeforeConnectMax} bytes before welcome");
            return;
        }

        if (frame.Opcode == Opcode.Text)
        {
            Break(NativeFault.TextFrame, index: 0);
            return;
        }

        var reader = new NativeReader(frame.Payload, Side.Server, _batched, messagesMax: _settings.MessagesPerFrameMax);
        while (!_over)
        {
            switch (reader.Read(out NativeMessage message))
            {
                case OperationStatus.Done: Take(message, reader.Index); break;
                case OperationStatus.InvalidData: Break(reader.Fault, reader.Index); break;
                default: return;
            }
        }
    }

    // One arm a kind. What needs no session is answered here; what answers something that is over, or that nobody here has
    // asked for, is ignored.
    private void Take(in NativeMessage message, int index)
    {
        switch (message.Kind)
        {
            case NativeKind.Hello when !_greeted: Greet(message.As<Hello>(), message.Bytes, index); break;
            case NativeKind.Hello: Break(NativeFault.OutOfTurn, index); break;
            case not NativeKind.Hello when !_greeted: Break(NativeFault.OutOfTurn, index); break;
            case NativeKind.Ping: Say(new Pong { Mark = message.As<Ping>().Mark }); break;
            case NativeKind.Bye: _over = true; break;
            case NativeKind.Subscribe: Obey(ToCommand(message.As<Subscribe>(), CostOf(message), index)); break;
            case NativeKind.Unsubscribe: Obey(ToCommand(message.As<Unsubscribe>(), CostOf(message), index)); break;
            case NativeKind.Publish: Obey(ToCommand(message.As<Publish>(), CostOf(message), index)); break;
            case NativeKind.Call: Start(message.As<Call>(), CostOf(message), index); break;
            case NativeKind.Cancel: Obey(new ClientCommand.Cancel(message.As<CallCancel>().Id, CostOf(message))); break;
            case NativeKind.Item: Obey(new ClientCommand.Item(message.As<CallItem>().Id, CostOf(message), message.As<CallItem>().Data.ToArray())); break;
            case NativeKind.ItemsEnd: Obey(new ClientCommand.ItemsEnd(message.As<CallItemsEnd>().Id, CostOf(message))); break;
            case NativeKind.Credit when message.As<Core.Chunks.Credit>().Scope == Core.Chunks.CreditScope.Call: Grant(message.As<Core.Chunks.Credit>(), CostOf(message)); break;
            case NativeKind.Stream: Refuse(message.As<Core.Chunks.StreamHeader>().Stream, chunk: 0, index); break;
            case NativeKind.Chunk: Refuse(message.As<Core.Chunks.Chunk>().Stream, message.As<Core.Chunks.Chunk>().Index, index); break;
            default: break;
        }
    }

    private void Greet(in Hello hello, int bytes, int index)
    {
        if (hello.Version < NativeProtocol.Version)
        {
            Break(NativeFault.UnknownVersion, index);
            return;
        }

        // What is shared by all subscribers cannot be cut for one of them.
        if (hello.FrameBytesMax < _largestFrameBytes)
        {
            SendAway(Disconnection.InappropriateProtocol, $"takes payloads of {hello.FrameBytesMax} bytes, and some have {_largestFrameBytes}");
            return;
        }

        _greeted = true;
        _clientFrameBytesMax = hello.FrameBytesMax;
        _clientWindow = Math.Min(hello.WindowChunks, CallWindows.CreditMax);
        Obey(new ClientCommand.Connect(0, bytes, HasToken: !hello.Token.IsEmpty) { Index = index });
    }

    // What it holds until it is done: its texts and data, and around them what a small command of the JSON dialect holds too
    // (itself, its texts as objects, the message to the channel's home, the answer, places in two mailboxes).
    private static int CostOf(in NativeMessage message) => 256 + message.Body.Length;

    private static ClientCommand ToCommand(in Subscribe subscribe, int bytes, int index) => subscribe.Request == 0
        ? new ClientCommand.Invalid(0, bytes) { Index = index }
        : new ClientCommand.Subscribe(subscribe.Request, bytes, Encoding.UTF8.GetString(subscribe.Channel), WantsMore: !subscribe.Token.IsEmpty) { Index = index };

    private ClientCommand ToCommand(in Unsubscribe unsubscribe, int bytes, int index) => unsubscribe.Request == 0
        ? new ClientCommand.Invalid(0, bytes) { Index = index }
        : new ClientCommand.Unsubscribe(unsubscribe.Request, bytes, _channels?.GetValueOrDefault(unsubscribe.Channel) ?? "") { Index = index, Number = unsubscribe.Channel };

    private static ClientCommand.Publish ToCommand(in Publish publish, int bytes, int index) =>
        new(publish.Request, bytes, Encoding.UTF8.GetString(publish.Channel), publish.Data.ToArray()) { Index = index, IsJson = false };

    private void Obey(ClientCommand command)
    {
        _bytesUnderWay += command.Bytes;
        (_commands ??= []).Add(command);
    }

    private void Start(in Call call, int bytes, int index)
    {
        if (CallIds.IsServers(call.Id)) Faulted(call.Id, FaultCode.BadId, "the highest bit of the number is the server's");
        else
        {
            var deadline = TimeSpan.FromMilliseconds(call.DeadlineMilliseconds);
            Obey(new ClientCommand.Call(call.Id, bytes, call.Method, call.Arguments.ToArray()) { Index = index, Deadline = deadline, Windows = WindowsOf(call) });
        }
    }

    private CallWindows WindowsOf(in Call call) =>
        new((call.Options & CallOptions.MoreArguments) != 0 ? NativeSettings.WindowItems : 0, _clientWindow);

    private void Grant(in Core.Chunks.Credit credit, int bytes) =>
        Obey(new ClientCommand.Grant(credit.Id, bytes, (int)Math.Min(credit.Count, CallWindows.CreditMax)));

    // Welcome tells that no stream is taken; whoever sends one all the same hears so for each chunk.
    private void Refuse(uint stream, uint chunk, int index) => Say(new NativeError
    {
        Scope = ErrorScope.Stream,
        Code = (ushort)Core.Chunks.ChunkError.TooManyStreams,
        Id = stream,
        ChunkIndex = chunk,
        MessageIndex = (uint)index,
        Text = "no streams are taken here"u8,
    });

    // The client broke the protocol: that takes effect behind the commands before it.
    private void Break(NativeFault fault, int index)
    {
        _fault = fault;
        _faultIndex = index;
        SendAway(new Disconnection((ushort)fault.CloseCode, fault.Reason), $"{fault} at message {index}");
    }

    private void SendAway(Disconnection why, string detail)
    {
        _over = true;
        (_commands ??= []).Add(new ClientCommand.Misuse(why, detail));
    }

    /// <inheritdoc />
    public void OnDeadline()
    {
        switch (_keepAlive.Next())
        {
            case KeepAliveStep.Ping:
                Say(new Ping { Mark = (ulong)Connection.Loop.NowMilliseconds });
                Connection.SetDeadline(_limits.PongLimit);
                break;
            case KeepAliveStep.Wait: Connection.SetDeadline(_limits.PingInterval - _limits.PongLimit); break;
            case KeepAliveStep.Stale: Disconnect(Disconnection.Stale); break;
            default: Disconnect(Disconnection.NoPong); break;
        }
    }

    /// <inheritdoc />
    public void OnEnded(Closure closure)
    {
        _batch.Clear();
        _session.Tell(new SessionProtocol.Ended(closure), ActorRefs.NoSender);
    }

    /// <inheritdoc />
    public void Connected(uint id, string client)
    {
        _welcomed = true;
        Connection.LetIn();
        _keepAlive.Connect();
        Connection.SetDeadline(KeepAlive.FirstPingAfter(_limits.PingInterval, Random.Shared));
        Say(new Welcome
        {
            Version = NativeProtocol.Version,
            Limits = _settings.ToLimits(_batched, _callsMax, _limits.PingInterval),
            Client = Encoding.UTF8.GetBytes(client),
        });
    }

    /// <inheritdoc />
    public void Subscribed(uint id, string channel, ChannelPlace place)
    {
        (_channels ??= [])[place.Number] = channel;
        Say(new Subscribed { Request = id, Channel = place.Number, Epoch = place.Epoch, Offset = place.Offset });
        Seal();
    }

    /// <inheritdoc />
    public void Unsubscribed(uint id, uint number)
    {
        _channels?.Remove(number);
        Say(new Unsubscribed { Request = id, Channel = number });
    }

    /// <inheritdoc />
    public void Published(uint id, int receivers, ulong offset)
    {
        if (id != 0) Say(new Published { Request = id, Receivers = (uint)receivers, Offset = offset });
    }

    /// <inheritdoc />
    public void Failed(uint id, int index, CentrifugeError error) => Say(new NativeError
    {
        Scope = ErrorScope.Request,
        Code = (ushort)error.Code,
        Id = id,
        MessageIndex = (uint)index,
        Text = Encoding.UTF8.GetBytes(error.Message),
    });

    /// <inheritdoc />
    public void Returned(uint id, ReadOnlyMemory<byte> result)
    {
        var message = new CallResult { Id = id, Data = result.Span };
        if (NativeWriter.SizeOf(message) < _clientFrameBytesMax) Say(message);
        else Faulted(id, FaultCode.ResultTooBig, "the result passes the longest payload of the client");
    }

    /// <inheritdoc />
    public bool Said(uint id, ReadOnlyMemory<byte> item)
    {
        var message = new CallItem { Id = id, Data = item.Span };
        if (NativeWriter.SizeOf(message) >= _clientFrameBytesMax) return false;
        Say(message);
        return true;
    }

    /// <inheritdoc />
    public void Granted(uint id, int items) => Say(new Core.Chunks.Credit { Scope = Core.Chunks.CreditScope.Call, Id = id, Count = (uint)items });

    /// <inheritdoc />
    public void Faulted(uint id, FaultCode code, string text) => Say(new CallFault { Id = id, Code = code, Text = Encoding.UTF8.GetBytes(text) });

    /// <inheritdoc />
    public void Evicted(string channel, uint number, Eviction why)
    {
        _channels?.Remove(number);
        Say(new Unsubscribed { Channel = number, Code = (ushort)why.Code, Text = Encoding.UTF8.GetBytes(why.Reason) });
    }

    /// <inheritdoc />
    public void Disconnect(Disconnection why)
    {
        // A fault has its error, with the message that did it; every other end has its bye.
        if (_fault == NativeFault.None || why != new Disconnection((ushort)_fault.CloseCode, _fault.Reason)) Say(Farewell(why));
        else
        {
            Say(new NativeError
            {
                Scope = ErrorScope.Connection,
                Code = (ushort)_fault,
                MessageIndex = (uint)_faultIndex,
                Text = Encoding.UTF8.GetBytes(_fault.Reason),
            });
        }

        Seal();
        Connection.Close((CloseCode)why.Code, why.Reason);
    }

    /// <summary>The bye that goes with the end of a connection.</summary>
    internal static Bye Farewell(Disconnection why) => new()
    {
        Code = why.Code,
        RetryMilliseconds = why.Reconnects ? 0 : Bye.Never,
        Text = Encoding.UTF8.GetBytes(why.Reason),
    };

    /// <inheritdoc />
    public void Done(int bytes)
    {
        bool wasReady = IsReady;
        _bytesUnderWay -= bytes;
        if (!wasReady && IsReady) _demand?.Resume();
    }

    // The message joins the frame of this turn.
    private void Say<T>(scoped in T message)
        where T : INativeMessage<T>, allows ref struct
    {
        if (!Connection.IsOpen) return;
        if (!_batch.HasRoomFor(NativeWriter.SizeOf(message), FrameBytesMax)) Seal();
        if (_batch.IsEmpty) _replies.Add(this);
        _batch.Append(message, _replies.Pool);
    }

    /// <inheritdoc />
    public void Seal()
    {
        if (_batch.IsEmpty) return;
        SharedBytes frames = _batch.Seal(out int start);
        Connection.Write(frames, start);
        frames.LetGo();
    }
}
