using Broker.Actors.Calls;
using Broker.Actors.Channels.Delivery;
using System.Buffers.Binary;
using System.Text;
using Broker.Actors.Channels.SlowConsumers;
using Broker.Actors.Dialects;
using Broker.Actors.Model;
using Broker.Actors.Runtime;
using Broker.Actors.Sessions;
using Broker.Core.Protocol.Transfers;
using Broker.Core.Protocol.Messages;
using Broker.Core.Framing;
using Broker.Reactor;
using Broker.Reactor.Loops;
using Broker.Reactor.Sockets;
using Broker.Reactor.Pipes;
using Broker.Core.Protocol.Calls;

namespace Broker.Dialects.Native;

/// <summary>The native protocol on one connection, as it is used: what its session and its channels say, as messages.</summary>
/// <remarks>
/// For the loop's thread. What is sent in a turn leaves together. What calls say is <see cref="NativeCallWriter"/>'s part, and
/// what is too long for a frame, and so goes as a stream, <see cref="NativeDownloads"/>'.
/// </remarks>
public abstract class NativeMessageWriter : DialectSession
{
    private Dictionary<uint, string>? _channels;        // By the numbers that the client was told.
    private NativeCallWriter? _calls;                   // From the first call on; most clients make none.
    private NativeDownloads? _downloads;                // From the first stream on; most clients have none.
    private ChunkLimits? _takes;                        // What the client takes, from hello on.
    private MessageBatch _batch;                        // What was sent in this turn of the loop.
    private NativeFault _fault;                         // What the client did wrong, with the message that did it.
    private int _faultIndex;
    private int _payloadBytesMax;                       // Messages of one payload to the client, from hello on.
    private Compressions _compressions;                 // Agreed on, from hello on.

    private protected NativeMessageWriter(Connection connection, LoopTurn turn, NativeContext context)
        : base(connection, turn, context.Clients, context.Settings.CommandBytesMax)
    {
        Context = context;
        Batched = connection.Subprotocol == NativeProtocol.Batched;
        _batch = new MessageBatch(Batched);
    }

    /// <inheritdoc />
    public override string Dialect => "native";

    /// <inheritdoc />
    public override PublicationFormat Format => Batched ? Context.Batched : Context.Unbatched;

    /// <summary>How payloads to this client are compressed, if they become shorter by it; the same from connect on.</summary>
    internal PayloadTag Compression => PayloadCompressor.Choose(_compressions);

    /// <inheritdoc />
    public override int FrameVariant => (int)Compression;

    /// <inheritdoc />
    public override CallWindows? WindowsOfHubCalls => new(ItemsWindow, Context.Settings.ItemsWindow);

    /// <inheritdoc />
    public override NativeCallWriter Calls => _calls ??= new NativeCallWriter(this);

    private protected NativeContext Context { get; }

    private protected bool Batched { get; }

    /// <summary>Whether the client has said what it takes.</summary>
    private protected bool IsMet => _takes is not null;

    /// <summary>Items of a call that the client takes before it gives credit, from hello on.</summary>
    private protected int ItemsWindow { get; private set; }

    /// <summary>The most bytes of an item to the client, from hello on.</summary>
    private protected int ItemBytesMax => Takes.ThresholdBytes - NativeWriter.SizeOf(default(CallItem));

    /// <summary>What the client takes; once it is met.</summary>
    internal ChunkLimits Takes => _takes!;

    /// <summary>Bytes that wait for the socket, or for the end of the turn.</summary>
    internal long WaitingBytes => Connection.QueuedBytes + _batch.Length;

    /// <summary>Streams to the client.</summary>
    internal NativeDownloads Downloads =>
        _downloads ??= new NativeDownloads(this, LoopTurn, _takes!, Context.Budget, _payloadBytesMax, Batched);

    /// <summary>The client has said what it takes.</summary>
    private protected void Meet(in Hello hello)
    {
        _payloadBytesMax = hello.FrameBytesMax - 1;
        _takes = Context.Settings.Streams.ToLimits(hello);
        ItemsWindow = Math.Min(hello.WindowItems, ItemCredit.CountMax);
        if (Context.Settings.Compression) _compressions = hello.Compressions;
    }

    /// <summary>The client broke the protocol: its end has an error with the message that did it.</summary>
    private protected void SetFault(NativeFault fault, int index) => (_fault, _faultIndex) = (fault, index);

    /// <summary>The channel that the client knows by a number.</summary>
    private protected string? NameOf(uint channel) => _channels?.GetValueOrDefault(channel);

    /// <summary>Whether the hub waits for the client's answer to a call.</summary>
    private protected bool IsAsked(uint call) => _calls?.IsAsked(call) == true;

    /// <summary>The hub waits for an answer no longer.</summary>
    /// <returns>Whether it did.</returns>
    private protected bool EndAsked(uint call) => _calls?.EndAsked(call) == true;

    /// <summary>What was to be the result of a call is refused: the one that called receives it now, and not by the deadline.</summary>
    internal void MissResult(StreamPurpose purpose, uint call, ChunkError why, string text)
    {
        if (purpose == StreamPurpose.Result && EndAsked(call))
            HandleAtOnce(new ClientCommand.Answer(call, 0, why.ResultFault, default, $"the hub refused the stream of the result: {text}"));
    }

    /// <summary>No caller waits for a call's result, or for its arguments, any more.</summary>
    /// <returns>Whether any of them was under way.</returns>
    internal bool CancelDownloads(uint call) => _downloads?.CancelCall(call) == true;

    /// <summary>The client has cancelled a call, and so is not told what becomes of a result that it has been sent.</summary>
    private protected void RemoveSent(uint call) => _downloads?.RemoveSent(call);

    /// <summary>Makes what tells that the client has taken what was written.</summary>
    internal NativePacer MakePacer() => new(Connection, LoopTurn);

    /// <summary>The client takes more chunks of a stream.</summary>
    private protected void Grant(uint stream, uint chunks) => _downloads?.Grant(stream, chunks);

    /// <inheritdoc />
    protected override void Drop()
    {
        _batch.Clear();
        _downloads?.Clear();
    }

    /// <inheritdoc />
    protected override void WritePing() => Send(new Ping { Mark = (ulong)Connection.Loop.NowMilliseconds });

    /// <inheritdoc />
    public override void Connected(uint id, in Admission admission)
    {
        Admit(admission.Client);
        Send(new Welcome
        {
            Version = NativeProtocol.Version,
            Compressions = _compressions,
            Limits = Context.LimitsOf(Batched),
            Client = Encoding.UTF8.GetBytes(admission.Client),
        });

        // The reader of it knows only then how to expand what follows.
        Seal();
    }

    /// <inheritdoc />
    public override void NotConnected(uint id, HubError error) =>
        Disconnect(error.Temporary || error.Kind is HubErrorKind.TokenExpired ? DisconnectReason.Expired
            : DisconnectReason.PermissionDenied);

    /// <summary>No: the protocol has no message that names a channel which the client has not asked for.</summary>
    public override bool TakesServerSubscriptions => false;

    /// <inheritdoc />
    public override void Subscribed(uint id, Subscription subscription, in SubscribeResult result)
    {
        ArgumentNullException.ThrowIfNull(subscription);
        (_channels ??= [])[result.Number] = subscription.Channel;
        SubscribedState state = !result.Recoverable ? SubscribedState.None
            : result is { WasRecovering: true, Recovered: true } ? SubscribedState.Recoverable | SubscribedState.Recovered
            : SubscribedState.Recoverable;
        Send(new Subscribed { Request = id, Channel = result.Number, State = state, Epoch = result.Position.Epoch,
            Offset = result.Position.Offset });
        foreach (Publication missed in result.Missed ?? []) Deliver(result.Number, missed);
        Seal();
    }

    private void Deliver(uint number, in Publication publication)
    {
        if (publication.LongData is { } data) DeliverLong(new LongPublication(number, publication.Offset, data));
        else Send(new Delivery { Channel = number, Offset = publication.Offset, Data = publication.Data.Span });
    }

    /// <inheritdoc />
    public override void History(uint id, string channel, Broker.Actors.Channels.History.HistoryPage page)
    {
        ArgumentNullException.ThrowIfNull(page);

        // As many as fit a frame; the client asks on from the last.
        int room = Context.SharedDataBytesMax - NativeWriter.SizeOf(default(HistoryReply)), bytes = 0, count = 0;
        while (count < page.Publications.Count && bytes + HistoryReply.PublicationBytes + page.Publications[count].DataBytes <= room)
            bytes += HistoryReply.PublicationBytes + (int)page.Publications[count++].DataBytes;
        if (count == 0 && page.Publications.Count > 0)
        {
            Failed(id, index: 0, HubError.LimitExceeded);
            return;
        }

        byte[] publications = new byte[bytes];
        Span<byte> rest = publications;
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> data = page.Publications[i].Data.Span;
            BinaryPrimitives.WriteUInt64LittleEndian(rest, page.Publications[i].Offset);
            BinaryPrimitives.WriteInt32LittleEndian(rest[8..], data.Length);
            data.CopyTo(rest[HistoryReply.PublicationBytes..]);
            rest = rest[(HistoryReply.PublicationBytes + data.Length)..];
        }

        Send(new HistoryReply { Request = id, Epoch = page.Top.Epoch, Offset = page.Top.Offset, Publications = publications });
    }

    /// <inheritdoc />
    public override void Missed(Subscription subscription, IReadOnlyList<Gap> gaps)
    {
        ArgumentNullException.ThrowIfNull(subscription);
        ArgumentNullException.ThrowIfNull(gaps);
        foreach (Gap gap in gaps)
            Send(new Missed { Channel = subscription.Number, Offset = gap.From, Count = gap.From == 0 ? gap.Count
                : gap.To - gap.From + 1 });
        Seal();
    }

    /// <inheritdoc />
    public override void Unsubscribed(uint id, uint number)
    {
        Evict(number);
        Send(new Unsubscribed { Request = id, Channel = number });
    }

    /// <inheritdoc />
    public override void Evicted(Subscription subscription, UnsubscribeReason reason)
    {
        ArgumentNullException.ThrowIfNull(subscription);
        Evict(subscription.Number);
        Send(new Unsubscribed { Channel = subscription.Number, Code = NativeCodes.CodeOf(reason),
            Text = Encoding.UTF8.GetBytes(reason.Text) });
    }

    private void Evict(uint channel)
    {
        _channels?.Remove(channel);
        _downloads?.CancelChannel(channel);
    }

    /// <summary>A publication that is too long to be one piece for all subscribers.</summary>
    /// <param name="publication">Held by the caller until the return.</param>
    internal void DeliverLong(LongPublication publication)
    {
        if (!Connection.IsOpen) return;
        LongBytes data = publication.Data;
        byte[] head = NativeWriter.Head(new Delivery { Channel = publication.Number, Offset = publication.Offset }, data.Bytes);
        long size = head.Length + data.Bytes;
        if (size <= _takes!.ThresholdBytes)
        {
            Span<byte> room = Reserve((int)size);
            head.CopyTo(room);
            data.CopyTo(0, room[head.Length..]);

            // The next ones of the channel may leave before this turn ends.
            Seal();
            return;
        }

        var subject = new DownloadSubject(publication.Number, publication.Offset, Call: 0);
        if (Downloads.Send(new LongBytesSource(head, data), StreamPurpose.Message, subject).Error != ChunkError.None) SendMissed(subject);
    }

    /// <summary>A stream to the client was not taken in time: the caller that waits for what it was is told.</summary>
    internal void ReportLate(in DownloadSubject subject) => ReportUnsent(subject, FaultCode.Deadline, "not taken in time");

    /// <summary>
    /// A stream to the client gave way to others, which wait for its memory: the caller that waits for what it was is told.
    /// </summary>
    internal void ReportShed(in DownloadSubject subject) =>
        ReportUnsent(subject, FaultCode.Overloaded, "taken too slowly, while others wait for memory");

    /// <summary>The client takes no more of a stream: the caller that waits for what it was is told.</summary>
    /// <param name="stream">Its number; ignored if it is over.</param>
    /// <param name="why">In the client's words, or none.</param>
    private protected void SendRefused(uint stream, ChunkError why)
    {
        if (_downloads?.OnCancelled(stream) is not { } subject) return;
        FaultCode code =
            CallIds.IsServers(subject.Call) ? FaultCode.Overloaded : why == ChunkError.None ? FaultCode.Cancelled : why.ResultFault;
        ReportUnsent(subject, code, why == ChunkError.None ? "refused by the client" : $"refused by the client: {why}");
    }

    // The client learns of what it does not get; of its own arguments the hub's application does.
    private void ReportUnsent(in DownloadSubject subject, FaultCode code, string why)
    {
        if (subject.Channel != 0) SendMissed(subject);
        else if (!CallIds.IsServers(subject.Call)) Calls.WriteFault(subject.Call, code, $"the result was {why}");
        else if (EndAsked(subject.Call))
            HandleAtOnce(new ClientCommand.Answer(subject.Call, 0, code, default, $"the arguments were {why}"));
    }

    private void SendMissed(in DownloadSubject subject) =>
        Send(new Missed { Channel = subject.Channel, Offset = subject.Offset, Count = 1 });

    /// <inheritdoc />
    public override void Published(uint id, int receivers, StreamPosition position)
    {
        if (id != 0) Send(new Published { Request = id, Receivers = (uint)receivers, Offset = position.Offset });
    }

    /// <inheritdoc />
    public override void Failed(uint id, int index, HubError error)
    {
        ushort code = NativeCodes.CodeOf(error);
        Connection.Loop.Counters.Requests.Add(code);
        Send(new NativeError
        {
            Scope = ErrorScope.Request,
            Code = code,
            Id = id,
            MessageIndex = (uint)index,
            Text = Encoding.UTF8.GetBytes(error.Message),
        });
    }

    /// <inheritdoc />
    public override void Disconnect(DisconnectReason reason)
    {
        // A fault has its error, with the message that did it; every other end has its bye.
        if (_fault == NativeFault.None || reason != ReasonOf(_fault)) Send(ByeFor(reason));
        else
        {
            Send(new NativeError
            {
                Scope = ErrorScope.Connection,
                Code = (ushort)_fault,
                MessageIndex = (uint)_faultIndex,
                Text = Encoding.UTF8.GetBytes(_fault.Reason),
            });
        }

        Seal();
        Connection.Close((CloseCode)NativeCodes.CodeOf(reason), reason.Text);
    }

    /// <summary>The bye that goes with the end of a connection.</summary>
    internal static Bye ByeFor(DisconnectReason reason) => new()
    {
        Code = NativeCodes.CodeOf(reason),
        RetryMilliseconds = reason.Reconnects ? 0 : Bye.Never,
        Text = Encoding.UTF8.GetBytes(reason.Text),
    };

    /// <summary>The end of a client that broke the protocol.</summary>
    private protected static DisconnectReason ReasonOf(NativeFault fault) =>
        DisconnectReason.Dialect((int)fault.CloseCode, fault.Reason, reconnects: false);

    /// <summary>The message joins the frame of this turn.</summary>
    internal void Send<T>(scoped in T message)
        where T : INativeMessage<T>, allows ref struct
    {
        if (!Connection.IsOpen) return;
        var writer = new NativeWriter(Reserve(NativeWriter.SizeOf(message)));
        writer.TryWrite(message);
    }

    /// <summary>Room for a message of so many bytes in the frame of this turn; to be filled before the next.</summary>
    internal Span<byte> Reserve(int bytes)
    {
        if (!_batch.HasRoomFor(bytes, FrameBytesMax)) Seal();
        if (_batch.IsEmpty) LoopTurn.Add(this);
        return _batch.Append(bytes, LoopTurn.Pool);
    }

    /// <summary>A batch is about to leave.</summary>
    internal void Count(in MessageBatch batch) => Connection.Loop.Counters.AddSent(Batched ? 1 : batch.Messages, batch.Messages);

    /// <inheritdoc />
    public override void Seal()
    {
        if (_batch.IsEmpty) return;
        Count(_batch);
        var frames = new PayloadVariants(_batch.Seal(out int start), start, LoopTurn.Pool);
        Connection.Write(frames.For(Compression, out int at), at);
        frames.Release();
    }
}
