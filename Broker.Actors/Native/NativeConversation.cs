using System.Buffers;
using System.Text;
using Broker.Actors.Routing;
using Broker.Actors.Rpc;
using Broker.Actors.Sessions;
using Broker.Actors.Settings;
using Broker.Actors.Streams;
using Broker.Core.Buffers;
using Broker.Core.Chunks;
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
/// For the loop's thread. A message takes effect before the next one of its frame is read, so a frame of many is the same as
/// many frames. Its streams are <see cref="NativeUploads"/> and <see cref="NativeDownloads"/>, which most clients never need.
/// </remarks>
public sealed class NativeConversation : Conversation
{
    // The fields before the data of any message: a name has at most 65,535 bytes.
    private const int FieldBytesMax = 64 * 1024 + 128;

    private readonly NativeEnvironment _around;
    private readonly bool _batched;
    private Dictionary<uint, string>? _channels;        // By the numbers that the client was told.
    private HashSet<uint>? _asked;                      // Calls of the hub that the client has not answered.
    private NativeUploads? _uploads;
    private NativeDownloads? _downloads;
    private ChunkLimits? _takes;                        // What the client takes, from hello on.
    private MessageBatch _batch;                        // What was said in this turn of the loop.
    private NativeFault _fault;                         // What the client did wrong, with the message that did it.
    private int _faultIndex;
    private int _clientWindow;                          // Items of a call that it takes before it gives credit.
    private int _payloadBytesMax;                       // Messages of one payload to the client, from hello on.
    private Compressions _compressions;                 // Agreed on, from hello on.

    /// <summary>Makes the dialect of one connection.</summary>
    /// <param name="connection">The connection, with one of the two subprotocols.</param>
    /// <param name="replies">What sessions of its loop say in a turn.</param>
    /// <param name="around">Times and bounds, and what all native connections share.</param>
    public NativeConversation(Connection connection, LoopReplies replies, NativeEnvironment around)
        : base(connection, replies, around.Settings.Centrifuge, around.Settings.Native.CommandBytesMax)
    {
        _around = around;
        _batched = connection.Subprotocol == NativeProtocol.Batched;
        _batch = new MessageBatch(_batched);
    }

    /// <inheritdoc />
    public override WireFormat Format => _batched ? WireFormat.Batched : WireFormat.Unbatched;

    /// <inheritdoc />
    public override PayloadTag Compression => PayloadCompressor.Choose(_compressions);

    /// <inheritdoc />
    public override bool TakesCalls => true;

    private NativeUploads Uploads => _uploads ??= new NativeUploads(this, _around.Takes, _around.Budget);

    private NativeDownloads Downloads => _downloads ??= new NativeDownloads(this, Replies, _takes!, _payloadBytesMax, _batched);

    private protected override void Read(in Message frame)
    {
        if (frame.Opcode == Opcode.Text)
        {
            Break(NativeFault.TextFrame, index: 0);
            return;
        }

        var reader = new NativeReader(frame.Payload, Side.Server, _batched, messagesMax: _around.Settings.Native.MessagesPerFrameMax);
        while (!IsOver)
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
        int bytes = NativeCommands.CostOf(message);
        switch (message.Kind)
        {
            case NativeKind.Hello when _takes is null: Greet(message.As<Hello>(), message.Bytes, index); break;
            case NativeKind.Hello: Break(NativeFault.OutOfTurn, index); break;
            case not NativeKind.Hello when _takes is null: Break(NativeFault.OutOfTurn, index); break;
            case NativeKind.Ping: Say(new Pong { Mark = message.As<Ping>().Mark }); break;
            case NativeKind.Bye: IsOver = true; break;
            case NativeKind.Subscribe: Obey(NativeCommands.Of(message.As<Subscribe>(), bytes, index)); break;
            case NativeKind.Unsubscribe: Leave(message.As<Unsubscribe>(), bytes, index); break;
            case NativeKind.Publish: Obey(NativeCommands.Of(message.As<Publish>(), bytes, index, _around.SharedDataBytesMax)); break;
            case NativeKind.Call: Start(message.As<Call>(), message.As<Call>().Arguments.ToArray(), bytes, index); break;
            case NativeKind.Cancel: Obey(new ClientCommand.Cancel(message.As<CallCancel>().Id, bytes)); break;
            case NativeKind.Item: Obey(new ClientCommand.Item(message.As<CallItem>().Id, bytes, message.As<CallItem>().Data.ToArray())); break;
            case NativeKind.ItemsEnd: Obey(new ClientCommand.ItemsEnd(message.As<CallItemsEnd>().Id, bytes)); break;
            case NativeKind.Credit when message.As<Credit>().Scope == CreditScope.Call: Grant(message.As<Credit>(), bytes); break;
            case NativeKind.Result: Hear(message.As<CallResult>(), bytes); break;
            case NativeKind.Fault: Hear(message.As<CallFault>(), bytes); break;
            case NativeKind.Stream: Open(message.As<StreamHeader>(), index); break;
            case NativeKind.Chunk: Add(message.As<Chunk>(), index); break;
            case NativeKind.Credit when message.As<Credit>().Scope == CreditScope.Stream: _downloads?.Grant(message.As<Credit>().Id, message.As<Credit>().Count); break;
            case NativeKind.StreamCancel: End(message.As<StreamCancel>()); break;
            case NativeKind.Error when message.As<NativeError>().Scope == ErrorScope.Stream: Refused(message.As<NativeError>().Id); break;
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
        if (hello.FrameBytesMax < _around.LargestFrameBytes)
        {
            SendAway(Disconnection.InappropriateProtocol, $"takes payloads of {hello.FrameBytesMax} bytes, and some have {_around.LargestFrameBytes}");
            return;
        }

        _payloadBytesMax = hello.FrameBytesMax - 1;
        _clientWindow = Math.Min(hello.WindowChunks, CallWindows.CreditMax);
        _takes = _around.Settings.Native.Streams.ToLimits(hello);
        if (_around.Settings.Native.Compression) _compressions = hello.Compressions;
        Obey(new ClientCommand.Connect(0, bytes, HasToken: !hello.Token.IsEmpty) { Index = index });
    }

    private void Leave(in Unsubscribe unsubscribe, int bytes, int index) =>
        Obey(NativeCommands.Of(unsubscribe, bytes, index, _channels?.GetValueOrDefault(unsubscribe.Channel)));

    private void Start(in Call call, byte[] arguments, int bytes, int index, ChunkHold? hold = null)
    {
        if (CallIds.IsServers(call.Id)) Faulted(call.Id, FaultCode.BadId, "the highest bit of the number is the server's");
        else
        {
            Obey(NativeCommands.Of(call, arguments, bytes, index) with { Hold = hold, Windows = WindowsOf(call) });
            return;
        }

        hold?.Dispose();
    }

    private CallWindows WindowsOf(in Call call) =>
        new((call.Options & CallOptions.MoreArguments) != 0 ? _around.Takes.WindowChunks : 0, _clientWindow);

    private void Grant(in Credit credit, int bytes) =>
        Obey(new ClientCommand.Grant(credit.Id, bytes, (int)Math.Min(credit.Count, CallWindows.CreditMax)));

    private void Hear(in CallResult result, int bytes) => Hear(result.Id, result.Data.ToArray(), bytes);

    private void Hear(uint id, byte[] result, int bytes)
    {
        if (_asked?.Remove(id) == true) Obey(new ClientCommand.Answer(id, bytes, FaultCode.None, result, ""));
    }

    private void Hear(in CallFault fault, int bytes)
    {
        if (_asked?.Remove(fault.Id) != true) return;
        _downloads?.CancelCall(fault.Id);
        Obey(NativeCommands.Of(fault, bytes));
    }

    private void Open(in StreamHeader header, int index)
    {
        bool isAwaited = header.Purpose switch
        {
            StreamPurpose.Message => true,
            StreamPurpose.Result => _asked?.Contains(header.Reference) == true,
            _ => false,
        };
        Uploads.Open(header, isAwaited, index);
    }

    private void Add(in Chunk chunk, int index)
    {
        if (Uploads.Add(chunk, index, out ChunkArrival arrival) is not { } payload) return;
        if (arrival.Purpose == StreamPurpose.Result)
        {
            using (payload) Hear(arrival.Reference, payload.ToArray(), bytes: NativeCommands.CostOf(payload.Bytes));
            return;
        }

        if (TakeLong(payload, index)) return;
        payload.Dispose();
        Uploads.Refuse(chunk.Stream, chunk.Index, ChunkError.NotAMessage, index);
    }

    // A message that came as a stream: its fields are looked at in one piece, its data stays where it is if it can.
    private bool TakeLong(ChunkedPayload payload, int index)
    {
        ReadOnlySpan<byte> front = payload[0];
        if (payload.Count > 1 && front.Length < FieldBytesMax)
        {
            byte[] joined = new byte[Math.Min(payload.Bytes, FieldBytesMax)];
            payload.CopyTo(joined);
            front = joined;
        }

        if (NativeReader.ReadLong(front, payload.Bytes, Side.Server, out NativeMessage message) != NativeFault.None) return false;
        int bytes = NativeCommands.CostOf(payload.Bytes);
        if (front.Length == payload.Bytes)
        {
            Take(message, index);
            payload.Dispose();
            return true;
        }

        switch (message.Kind)
        {
            case NativeKind.Publish:
                Publish publish = message.As<Publish>();
                PublishLong(publish, payload.Share(front.Length - publish.Data.Length), bytes, index);
                return true;
            case NativeKind.Call:
                Call call = message.As<Call>();
                StartLong(call, payload, front.Length - call.Arguments.Length, bytes, index);
                return true;
            case NativeKind.Result:
                CallResult result = message.As<CallResult>();
                using (payload) Hear(result.Id, payload.ToArray()[(front.Length - result.Data.Length)..], bytes);
                return true;
            default:
                return false;
        }
    }

    // A delivery has other fields than a publication, and has to be a stream that everyone takes.
    private void PublishLong(in Publish publish, LongBytes data, int bytes, int index)
    {
        if (_around.Takes.Allows(NativeWriter.SizeOf(default(Delivery)) + data.Bytes))
        {
            Obey(NativeCommands.OfLong(publish, data, bytes, index));
            return;
        }

        data.LetGo();
        Obey(new ClientCommand.Invalid(publish.Request, bytes) { Index = index, Error = CentrifugeError.LimitExceeded });
    }

    // A handler takes its arguments in one piece; they count for as long as it runs.
    private void StartLong(in Call call, ChunkedPayload payload, int from, int bytes, int index)
    {
        LongBytes shared = payload.Share(from);
        if (Uploads.TryHold(shared.Bytes) is { } hold) Start(call, shared.ToArray(), bytes, index, hold);
        else Faulted(call.Id, FaultCode.Overloaded, "arguments of too many bytes are pending");
        shared.LetGo();
    }

    private void End(in StreamCancel cancel)
    {
        if (cancel.Owner == StreamOwner.Mine) _uploads?.Cancel(cancel.Stream);
        else Refused(cancel.Stream);
    }

    // The client takes no more of a stream. It knows what it will not have; who called it does not.
    private void Refused(uint stream)
    {
        if (_downloads?.OnCancelled(stream) is { Call: var call } && _asked?.Remove(call) == true)
            Obey(new ClientCommand.Answer(call, 0, FaultCode.Overloaded, default, "the client did not take the arguments"));
    }

    // The client broke the protocol: that takes effect behind the commands before it.
    private void Break(NativeFault fault, int index)
    {
        _fault = fault;
        _faultIndex = index;
        SendAway(new Disconnection((ushort)fault.CloseCode, fault.Reason), $"{fault} at message {index}");
    }

    private protected override void SayPing() => Say(new Ping { Mark = (ulong)Connection.Loop.NowMilliseconds });

    private protected override void Drop()
    {
        _batch.Clear();
        _uploads?.Clear();
        _downloads?.Clear();
    }

    /// <inheritdoc />
    public override void Connected(uint id, string client)
    {
        LetIn();
        Say(new Welcome
        {
            Version = NativeProtocol.Version,
            Compressions = _compressions,
            Limits = _around.LimitsOf(_batched),
            Client = Encoding.UTF8.GetBytes(client),
        });

        // Whoever reads it knows only then how to expand what follows.
        Seal();
    }

    /// <inheritdoc />
    public override void Subscribed(uint id, string channel, ChannelPlace place)
    {
        (_channels ??= [])[place.Number] = channel;
        Say(new Subscribed { Request = id, Channel = place.Number, Epoch = place.Epoch, Offset = place.Offset });
        Seal();
    }

    /// <inheritdoc />
    public override void Unsubscribed(uint id, uint number)
    {
        Forget(number);
        Say(new Unsubscribed { Request = id, Channel = number });
    }

    /// <inheritdoc />
    public override void Evicted(string channel, uint number, Eviction why)
    {
        Forget(number);
        Say(new Unsubscribed { Channel = number, Code = (ushort)why.Code, Text = Encoding.UTF8.GetBytes(why.Reason) });
    }

    private void Forget(uint channel)
    {
        _channels?.Remove(channel);
        _downloads?.CancelChannel(channel);
    }

    /// <inheritdoc />
    public override void DeliverLong(in ChannelPlace place, LongBytes data)
    {
        ArgumentNullException.ThrowIfNull(data);
        if (!Connection.IsOpen) return;
        byte[] head = NativeWriter.Head(new Delivery { Channel = place.Number, Offset = place.Offset }, data.Bytes);
        long size = head.Length + data.Bytes;
        if (size <= _takes!.ThresholdBytes)
        {
            Span<byte> room = Reserve((int)size);
            head.CopyTo(room);
            data.CopyTo(0, room[head.Length..]);
            return;
        }

        var subject = new DownloadSubject(place.Number, place.Offset, Call: 0);
        if (!Downloads.TrySend(new LongBytesSource(head, data), StreamPurpose.Message, subject)) TellUnsent(subject);
    }

    /// <summary>A stream to the client was not sent to its end, or not begun: the client is told what it does not get.</summary>
    internal void TellUnsent(in DownloadSubject subject)
    {
        if (subject.Channel != 0) Say(new Missed { Channel = subject.Channel, Offset = subject.Offset, Count = 1 });
        else if (!CallIds.IsServers(subject.Call)) Faulted(subject.Call, FaultCode.Deadline, "the result was not taken in time");
    }

    /// <inheritdoc />
    public override void Published(uint id, int receivers, ulong offset)
    {
        if (id != 0) Say(new Published { Request = id, Receivers = (uint)receivers, Offset = offset });
    }

    /// <inheritdoc />
    public override void Failed(uint id, int index, CentrifugeError error) => Say(new NativeError
    {
        Scope = ErrorScope.Request,
        Code = (ushort)error.Code,
        Id = id,
        MessageIndex = (uint)index,
        Text = Encoding.UTF8.GetBytes(error.Message),
    });

    /// <inheritdoc />
    public override void Returned(uint id, ReadOnlyMemory<byte> result)
    {
        var message = new CallResult { Id = id, Data = result.Span };
        if (NativeWriter.SizeOf(message) <= _takes!.ThresholdBytes)
        {
            Say(message);
            return;
        }

        if (!_takes.Allows(result.Length)) Faulted(id, FaultCode.ResultTooBig, "the result is longer than a stream may be");
        else if (!Downloads.TrySend(new MemoryChunkSource(result), StreamPurpose.Result, new DownloadSubject(0, 0, id)))
            Faulted(id, FaultCode.Overloaded, "results of too many bytes wait for the client");
    }

    /// <inheritdoc />
    public override bool Said(uint id, ReadOnlyMemory<byte> item)
    {
        var message = new CallItem { Id = id, Data = item.Span };
        if (NativeWriter.SizeOf(message) > _takes!.ThresholdBytes) return false;
        Say(message);
        return true;
    }

    /// <inheritdoc />
    public override void Granted(uint id, int items) => Say(new Credit { Scope = CreditScope.Call, Id = id, Count = (uint)items });

    /// <inheritdoc />
    public override void Faulted(uint id, FaultCode code, string text) => Say(new CallFault { Id = id, Code = code, Text = Encoding.UTF8.GetBytes(text) });

    /// <inheritdoc />
    public override FaultCode Call(uint id, MethodId method, TimeSpan deadline, ReadOnlyMemory<byte> arguments)
    {
        var call = new Call { Id = id, Method = method, DeadlineMilliseconds = (uint)Math.Clamp(deadline.TotalMilliseconds, 1, uint.MaxValue) };
        long size = NativeWriter.SizeOf(call) + (long)arguments.Length;
        if (size > _takes!.ThresholdBytes)
        {
            var source = new LongBytesSource(NativeWriter.Head(call, arguments.Length), new LongBytes(arguments));
            if (!_takes.Allows(size)) return FaultCode.BadArguments;
            if (!Downloads.TrySend(source, StreamPurpose.Message, new DownloadSubject(0, 0, id))) return FaultCode.Overloaded;
        }
        else
        {
            Say(call with { Arguments = arguments.Span });
        }

        (_asked ??= []).Add(id);
        return FaultCode.None;
    }

    /// <inheritdoc />
    public override void CancelCall(uint id)
    {
        if (_asked?.Remove(id) != true) return;
        _downloads?.CancelCall(id);
        Say(new CallCancel { Id = id });
    }

    /// <inheritdoc />
    public override void Disconnect(Disconnection why)
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

    /// <summary>The message joins the frame of this turn.</summary>
    internal void Say<T>(scoped in T message)
        where T : INativeMessage<T>, allows ref struct
    {
        if (!Connection.IsOpen) return;
        var writer = new NativeWriter(Reserve(NativeWriter.SizeOf(message)));
        writer.TryWrite(message);
    }

    private Span<byte> Reserve(int bytes)
    {
        if (!_batch.HasRoomFor(bytes, FrameBytesMax)) Seal();
        if (_batch.IsEmpty) Replies.Add(this);
        return _batch.Append(bytes, Replies.Pool);
    }

    /// <inheritdoc />
    public override void Seal()
    {
        if (_batch.IsEmpty) return;
        var frames = new PayloadVariants(_batch.Seal(out int start), start, Replies.Pool);
        Connection.Write(frames.For(Compression, out int at), at);
        frames.LetGo();
    }
}
