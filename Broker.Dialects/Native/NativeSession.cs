using Broker.Actors.Dialects;
using Broker.Actors.Calls;
using Broker.Actors.Calls.Methods;
using System.Buffers;
using Broker.Actors.Model;
using Broker.Actors.Runtime;
using Broker.Actors.Sessions;
using Broker.Core.Protocol.Transfers;
using Broker.Core.Protocol;
using Broker.Core.Protocol.Messages;
using Broker.Core.Framing;
using Broker.Reactor;
using Broker.Reactor.Loops;
using Broker.Reactor.Sockets;
using Broker.Reactor.Pipes;
using Broker.Core.Protocol.Calls;

namespace Broker.Dialects.Native;

/// <summary>The native protocol on one connection, as it is received: its client's messages to commands for its session.</summary>
/// <remarks>
/// For the loop's thread. A message takes effect before the next one of its frame is read, so a frame of many is the same as
/// many frames. What comes in chunks is <see cref="NativeUploads"/>'s part.
/// </remarks>
public sealed partial class NativeSession : DialectSession, ILongDelivery
{
    // The fields before the data of any message: a name has at most 65,535 bytes.
    private const int FieldBytesMax = 64 * 1024 + 128;

    private NativeUploads? _uploads;

    /// <summary>Makes the dialect of one connection.</summary>
    /// <param name="connection">The connection, with one of the two subprotocols.</param>
    /// <param name="turn">The turn of its loop.</param>
    /// <param name="context">Times and bounds, and what all native connections share.</param>
    public NativeSession(Connection connection, LoopTurn turn, NativeContext context)
        : base(connection, turn, context.Clients, context.Settings.CommandBytesMax)
    {
        Context = context;
        Batched = connection.Subprotocol == NativeProtocol.Batched;
        _batch = new MessageBatch(Batched);
    }

    private NativeUploads Uploads => _uploads ??= new NativeUploads(this, Context.Takes, Budget);

    /// <inheritdoc />
    protected override int Read(in Message frame)
    {
        if (frame.Opcode == Opcode.Text)
        {
            Break(NativeFault.TextFrame, index: 0);
            return 0;
        }

        int messages = 0, resumed = 0;
        var reader = new NativeReader(frame.Payload, Side.Server, Batched, messagesMax: Context.MessagesPerFrameMax);
        while (!IsOver)
        {
            switch (reader.Read(out NativeMessage message))
            {
                case OperationStatus.Done:
                    messages++;
                    if (message.Kind is NativeKind.Hello or NativeKind.Subscribe && resumed < Context.Clients.ResumeCommands) resumed++;
                    else if (reader.Index - resumed >= Context.Settings.MessagesPerFrameMax)
                        Break(NativeFault.TooManyMessages, reader.Index);
                    else if (frame.Payload.Length > Context.Settings.FrameBytesMax) Break(NativeFault.PayloadTooBig, reader.Index);
                    if (!IsOver) Take(message, reader.Index);
                    break;
                case OperationStatus.InvalidData: Break(reader.Fault, reader.Index); break;
                default: return messages;
            }
        }

        return messages;
    }

    /// <summary>Whether a long message begins as that of a client that comes back: with a whole hello or subscribe.</summary>
    internal static bool IsResuming(Opcode opcode, ReadOnlySpan<byte> first) =>
        new NativeReader(first, Side.Server, batched: true).Read(out NativeMessage message) == OperationStatus.Done
        && message.Kind is NativeKind.Hello or NativeKind.Subscribe;

    // One arm a kind. What needs no session is answered here; what answers something that is over, or that no one here has
    // asked for, is ignored.
    private void Take(in NativeMessage message, int index)
    {
        int bytes = NativeCommands.CostOf(message);
        switch (message.Kind)
        {
            case NativeKind.Hello when !IsMet: Greet(message.As<Hello>(), message.Bytes, index); break;
            case NativeKind.Hello: Break(NativeFault.OutOfTurn, index); break;
            case not NativeKind.Hello when !IsMet: Break(NativeFault.OutOfTurn, index); break;
            case NativeKind.Ping: Send(new Pong { Mark = message.As<Ping>().Mark }); break;
            case NativeKind.Bye: Leave(bytes); break;
            case NativeKind.Subscribe: Handle(NativeCommands.Of(message.As<Subscribe>(), bytes, index)); break;
            case NativeKind.History: Handle(NativeCommands.Of(message.As<HistoryRequest>(), bytes, index)); break;
            case NativeKind.Presence: Handle(NativeCommands.Of(message.As<PresenceRequest>(), bytes, index)); break;
            case NativeKind.Unsubscribe: Leave(message.As<Unsubscribe>(), bytes, index); break;
            case NativeKind.Publish: Publish(message.As<Publish>(), bytes, index); break;
            case NativeKind.Call: Start(message.As<Call>(), bytes, index); break;
            case NativeKind.Cancel: Cancel(message.As<CallCancel>().Id, bytes); break;
            case NativeKind.Item: Handle(new ClientCommand.Item(message.As<CallItem>().Id, bytes, message.As<CallItem>().Data.ToArray()));
            break;
            case NativeKind.ItemsEnd: Handle(new ClientCommand.ItemsEnd(message.As<CallItemsEnd>().Id, bytes)); break;
            case NativeKind.Credit: Grant(message.As<Credit>(), bytes); break;
            case NativeKind.Result: Receive(message.As<CallResult>(), bytes); break;
            case NativeKind.Fault: Receive(message.As<CallFault>(), bytes); break;
            case NativeKind.Stream: Open(message.As<StreamHeader>(), index); break;
            case NativeKind.Chunk: Add(message.As<Chunk>(), index); break;
            case NativeKind.StreamCancel: End(message.As<StreamCancel>()); break;
            case NativeKind.Error when message.As<NativeError>().Scope == ErrorScope.Stream: Refused(message.As<NativeError>()); break;
            default: break;
        }
    }

    private void Greet(in Hello hello, int bytes, int index)
    {
        // What stands before the hello, and the hello, are held to the bound before admission.
        if (bytes > Context.Clients.BytesBeforeConnectMax)
        {
            Break(NativeFault.PayloadTooBig, index);
            return;
        }

        if (hello.Version < NativeProtocol.Version)
        {
            Break(NativeFault.UnknownVersion, index);
            return;
        }

        // What is shared by all subscribers cannot be cut for one of them.
        if (hello.FrameBytesMax < Context.LargestFrameBytes)
        {
            Reject(DisconnectReason.InappropriateProtocol,
                $"takes payloads of {hello.FrameBytesMax} bytes, and some have {Context.LargestFrameBytes}");
            return;
        }

        Meet(hello);
        Handle(new ClientCommand.Connect(0, bytes, hello.Token.IsEmpty ? null : new ConnectCredentials { Token = hello.Token.ToArray() })
            { Index = index });
    }

    private void Leave(int bytes)
    {
        IsOver = true;
        Handle(new ClientCommand.Leave(bytes));
    }

    // What is too long to be one piece for all who listen is shared in another way, and counts until the last of them has it.
    private void Publish(in Publish publish, int bytes, int index)
    {
        if (publish.Data.Length <= Context.SharedDataBytesMax) Handle(NativeCommands.Of(publish, bytes, index));
        else if (ChunkReservation.TryTake(Budget, publish.Data.Length) is { } reservation)
            Handle(NativeCommands.OfLong(publish, new LongBytes([publish.Data.ToArray()], reservation), bytes, index));
        else Handle(new ClientCommand.Invalid(publish.Request, bytes) { Index = index, Error = HubError.TooManyRequests });
    }

    private void Leave(in Unsubscribe unsubscribe, int bytes, int index) =>
        Handle(NativeCommands.Of(unsubscribe, bytes, index, NameOf(unsubscribe.Channel)));

    private void Start(in Call call, int bytes, int index)
    {
        if (call.Options == CallOptions.None && !CallIds.IsServers(call.Id)
            && Context.Methods.TryGetInline(call.Method, out Method? inline)) Handle(call, inline, WindowsOf(call), bytes);
        else Start(call, call.Arguments.ToArray(), bytes, index, reservation: null);
    }

    private void Start(in Call call, byte[] arguments, int bytes, int index, ChunkReservation? reservation)
    {
        if (!CallIds.IsServers(call.Id))
        {
            Handle(NativeCommands.Of(call, arguments, bytes, index, reservation, WindowsOf(call)));
            return;
        }

        reservation?.Dispose();
        Calls.Faulted(call.Id, FaultCode.BadId, "the highest bit of the number is the server's");
    }

    private void Cancel(uint call, int bytes)
    {
        RemoveSent(call);
        Calls.OnCancelled(call);       // Before a stream-cancel behind it, which would be taken for a refusal.
        Handle(new ClientCommand.Cancel(call, bytes));
    }

    private CallWindows WindowsOf(in Call call) =>
        new((call.Options & CallOptions.MoreArguments) != 0 ? Context.Settings.ItemsWindow : 0, ItemsWindow)
            { ResultBytesMax = ItemBytesMax };

    private void Grant(in Credit credit, int bytes)
    {
        if (credit.Scope == CreditScope.Stream) Grant(credit.Id, credit.Count);
        else Handle(new ClientCommand.Grant(credit.Id, bytes, (int)Math.Min(credit.Count, ItemCredit.CountMax)));
    }

    private void Receive(in CallResult result, int bytes) => Receive(result.Id, result.Data.ToArray(), bytes);

    private void Receive(uint id, byte[] result, int bytes)
    {
        if (EndAsked(id)) Handle(new ClientCommand.Answer(id, bytes, FaultCode.None, result, ""));
    }

    private void ReceiveLong(uint id, ChunkedPayload payload, int from, int bytes)
    {
        if (IsAsked(id)) Receive(id, payload.MoveToArray(from), bytes);
        payload.Dispose();
    }

    private void Receive(in CallFault fault, int bytes)
    {
        if (EndAsked(fault.Id)) Handle(NativeCommands.Of(fault, bytes));
    }

    private void Open(in StreamHeader header, int index)
    {
        bool isAwaited = header.Purpose switch
        {
            StreamPurpose.Message => true,
            StreamPurpose.Result => IsAsked(header.Reference),
            _ => false,
        };
        ChunkError refused = Uploads.Open(header, isAwaited, index);
        if (isAwaited && refused is not (ChunkError.None or ChunkError.HeaderTwice))
            MissResult(header.Purpose, header.Reference, refused, Uploads.Refusal.Text);
    }

    private void Add(in Chunk chunk, int index)
    {
        ChunkError refused = Uploads.Add(chunk, index, out ChunkArrival arrival);
        if (arrival.IsDropped) MissResult(arrival.Purpose, arrival.Reference, refused, Uploads.Refusal.Text);
        if (arrival.Payload is not { } payload) return;
        if (arrival.Purpose == StreamPurpose.Result)
        {
            ReceiveLong(arrival.Reference, payload, from: 0, NativeCommands.CostOf(payload.Bytes));
            return;
        }

        if (TakeLong(payload, index)) return;
        payload.Dispose();
        Uploads.Refuse(chunk, new ChunkRefusal(ChunkError.NotAMessage, payload.Bytes), index);
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
        if (message.Kind == NativeKind.Call && message.As<Call>().Options != CallOptions.None)
        {
            // What is sent after a stream may take effect before it, and items without their call would be lost.
            Calls.Faulted(message.As<Call>().Id, FaultCode.BadArguments, "a call with further arguments comes in a frame");
            payload.Dispose();
            return true;
        }

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
                ReceiveLong(result.Id, payload, front.Length - result.Data.Length, bytes);
                return true;
            default:
                return false;
        }
    }

    // A delivery has other fields than a publication, and has to be a stream that everyone takes.
    private void PublishLong(in Publish publish, LongBytes data, int bytes, int index)
    {
        if (Context.Takes.Allows(NativeWriter.SizeOf(default(Delivery)) + data.Bytes))
        {
            Handle(NativeCommands.OfLong(publish, data, bytes, index));
            return;
        }

        data.Release();
        Handle(new ClientCommand.Invalid(publish.Request, bytes) { Index = index, Error = HubError.LimitExceeded });
    }

    // A handler takes its arguments in one piece; they count for as long as it runs.
    private void StartLong(in Call call, ChunkedPayload payload, int from, int bytes, int index)
    {
        if (Uploads.TryPassOn(payload, payload.Bytes - from) is { } reservation)
        {
            Start(call, payload.MoveToArray(from), bytes, index, reservation);
            return;
        }

        Calls.Faulted(call.Id, FaultCode.Overloaded, "arguments of too many bytes are pending");
        payload.Dispose();
    }

    private void End(in StreamCancel cancel)
    {
        if (cancel.Owner == StreamOwner.Mine) _uploads?.Cancel(cancel.Stream);
        else SendRefused(cancel.Stream, cancel.Code);
    }

    private void Refused(in NativeError error) => SendRefused(error.Id, (ChunkError)error.Code);

    // The client broke the protocol: that takes effect behind the commands before it.
    private void Break(NativeFault fault, int index)
    {
        SetFault(fault, index);
        Reject(ReasonOf(fault), $"{fault} at message {index}");
    }

    /// <inheritdoc />
    protected override void Drop()
    {
        DropWritten();
        _uploads?.Clear();
    }
}
