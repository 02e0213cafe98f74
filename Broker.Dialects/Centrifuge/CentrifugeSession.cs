using Broker.Actors.Calls;
using Broker.Actors.Calls.Methods;
using Broker.Actors.Channels.Delivery;
using System.Buffers;
using System.Text;
using System.Text.Unicode;
using Broker.Actors.Channels.History;
using Broker.Actors.Channels.Presence;
using Broker.Actors.Channels.SlowConsumers;
using Broker.Actors.Dialects;
using Broker.Actors.Model;
using Broker.Actors.Runtime;
using Broker.Actors.Sessions;
using Broker.Core.Buffers;
using Broker.Dialects.Centrifuge.Forms;
using Broker.Dialects.Centrifuge.Wire;
using Broker.Dialects.Centrifuge.Wire.Protobuf;
using Broker.Core.Deflate;
using Broker.Core.Counting;
using Broker.Core.Framing;
using Broker.Reactor;
using Broker.Reactor.Loops;
using Broker.Reactor.Sockets;
using Broker.Reactor.Pipes;
using Broker.Core.Protocol.Calls;
using Publication = Broker.Actors.Model.Publication;
using SubscribeResult = Broker.Actors.Channels.Delivery.SubscribeResult;
using WireSubscribeResult = Broker.Dialects.Centrifuge.Wire.SubscribeResult;
using Broker.Core.Protocol.Messages;
using SubscribeOptions = Broker.Actors.Channels.Delivery.SubscribeOptions;

namespace Broker.Dialects.Centrifuge;

/// <summary>
/// The Centrifuge dialect on one connection, in either form: its client's messages to commands, its session's answers to replies.
/// </summary>
/// <remarks>For the loop's thread. Nothing of a frame is kept but what a command carries on.</remarks>
public sealed class CentrifugeSession : DialectSession, ICallWriter
{
    private readonly CentrifugeContext _context;
    private SharedBytes? _replies;              // The batch of what the session has written in this turn of the loop.
    private bool _hasAsked;                     // A client that only listens has sent its connect request.

    /// <summary>Makes the dialect of one connection.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="turn">The turn of its loop.</param>
    /// <param name="context">What all connections of the dialect share.</param>
    internal CentrifugeSession(Connection connection, LoopTurn turn, CentrifugeContext context)
        : base(connection, turn, context.Clients, context.Settings.CommandBytesMax)
    {
        _context = context;
    }

    /// <inheritdoc />
    public override string Dialect => _context.Format.IsBinary ? "centrifuge-protobuf" : "centrifuge";

    /// <inheritdoc />
    public string Transport => _context.Transport;

    /// <inheritdoc />
    public override PublicationFormat Format => _context.Format;

    /// <inheritdoc />
    public System.Net.EndPoint? Remote => Connection.Remote;

    private IReplyWriter Writer => _context.Format.Writer;

    /// <inheritdoc />
    public override ICallWriter Calls => this;

    /// <inheritdoc />
    protected override int Read(in Message frame) =>
        _context.IsUnidirectional ? ReadRequest(frame.Payload)
        : _context.Format.IsBinary ? Read(frame, new ProtobufCommandReader(frame.Payload))
        : Read(frame, new CommandReader(frame.Payload));

    /// <inheritdoc />
    public override void OnFirstMessage(ReadOnlySpan<byte> message)
    {
        ReadRequest(message);
        SendCommands();
    }

    // The connect request of a client that only listens, without a command around it. What it sends after that is passed over.
    private int ReadRequest(ReadOnlySpan<byte> request)
    {
        if (_hasAsked) return 0;
        _hasAsked = true;
        if (!StreamRequests.IsObject(request))
        {
            Reject(DisconnectReason.BadRequest, "not a connect request");
            return 0;
        }

        ReadOnlySpan<byte> opening = "{\"id\":1,\"connect\":"u8;
        byte[] line = new byte[opening.Length + request.Length + 1];
        opening.CopyTo(line);
        RawJson.CopyAsLine(request, line.AsSpan(opening.Length));
        line[^1] = (byte)'}';
        var reader = new CommandReader(line);
        if (reader.Read(out Command command) == OperationStatus.Done && command.Kind == CommandKind.Connect)
        {
            Take(command);
            return 1;
        }

        Reject(DisconnectReason.BadRequest, reader.Reason ?? "not a connect request");
        return 0;
    }

    private int Read<TReader>(in Message frame, TReader reader)
        where TReader : ICommandReader, allows ref struct
    {
        int commands = 0, resumed = 0;
        while (true)
        {
            switch (reader.Read(out Command command))
            {
                case OperationStatus.Done
                    when CommandRules.IsConnectTooLong(frame, reader.Position, command, _context.Clients.BytesBeforeConnectMax):
                    Reject(DisconnectReason.Dialect(
                        (int)CloseCode.MessageTooBig, FrameViolation.MessageTooBig(_context.Clients.BytesBeforeConnectMax).Reason,
                            reconnects: false), "a connect command too long");
                    return commands;
                case OperationStatus.Done when reader.Index - resumed >= _context.CommandsPerFrameMax:
                    Reject(DisconnectReason.BadRequest, $"more than {_context.CommandsPerFrameMax} commands in one frame");
                    return commands;
                case OperationStatus.Done when CommandRules.IsTooLong(frame, command, _context.Settings.MessageBytesMax):
                    Reject(DisconnectReason.Dialect(
                        (int)CloseCode.MessageTooBig, FrameViolation.MessageTooBig(_context.Settings.MessageBytesMax).Reason,
                            reconnects: false), "a message too long");
                    return commands;
                case OperationStatus.Done when CommandRules.Broken(command) is { } detail:
                    Reject(DisconnectReason.BadRequest, detail);
                    return commands;
                case OperationStatus.Done:
                    if (CommandRules.IsResuming(command.Kind) && resumed < _context.Clients.ResumeCommands) resumed++;
                    Take(command);
                    commands++;
                    break;
                case OperationStatus.InvalidData:
                    Reject(DisconnectReason.BadRequest, reader.Reason ?? "not a command");
                    return commands;
                default:
                    return commands;
            }
        }
    }

    private void Take(in Command command)
    {
        if (command.Kind == CommandKind.Pong) return;

        // What it costs to keep: its texts, and about as much around them as any command has.
        Handle(CommandTranslation.ToClientCommand(
            command, bytes: 256 + command.Data.Length + 2 * command.Channel.Length, _context));
    }

    /// <inheritdoc />
    protected override void WritePing()
    {
        Writer.WritePing();
        Send();
    }

    /// <inheritdoc />
    protected override bool ExpectsPongs => !_context.IsUnidirectional;

    /// <inheritdoc />
    protected override void Drop()
    {
        _replies?.Release();
        _replies = null;
        if (Connection.Inbox is { SessionId: { Length: > 0 } session }) _context.Sessions?.Remove(session);
    }

    /// <inheritdoc />
    public override void NotConnected(uint id, HubError error)
    {
        if (_context.IsUnidirectional) Disconnect(CentrifugeCodes.DisconnectOf(error));
        else base.NotConnected(id, error);
    }

    // One that has ended meanwhile is not made known: no one would remove it.
    private string? OpenSession() =>
        _context.Sessions is { } sessions && Connection is { IsOpen: true, Inbox: { } inbox } ? sessions.Add(inbox)
            : _context.IsUnidirectional ? SessionDirectory.CreateId() : null;

    /// <inheritdoc />
    public override bool SendsSubscriptionsOnConnect => true;

    /// <inheritdoc />
    public override void Connected(uint id, in Admission admission)
    {
        Admit(admission.Client);
        var result = new ConnectResult
        {
            IsPush = _context.IsUnidirectional,
            Session = OpenSession(),
            Node = _context.Node,
            Client = admission.Client,
            Version = _context.Version,
            PingSeconds = (uint)_context.Clients.PingInterval.TotalSeconds,
            Pong = ExpectsPongs,
            Data = admission.Data.Span,
            Expires = admission.TimeLeft is not null,
            TtlSeconds = ResultTranslation.SecondsOf(admission.TimeLeft),
        };
        if (admission.Subscriptions is not { Count: > 0 } subscriptions)
        {
            Writer.WriteConnect(id, result);
            Send();
            return;
        }

        Writer.StartConnectWithSubscriptions(id, result);
        foreach ((Subscription subscription, SubscribeResult each) in subscriptions)
            Writer.WriteConnectSubscription(Encoding.UTF8.GetBytes(subscription.Channel), AnswerOf(subscription, each));
        Writer.EndConnect();
        Send();
    }

    /// <inheritdoc />
    public override void Subscribed(uint id, Subscription subscription, in SubscribeResult result)
    {
        if (id != 0)
        {
            Writer.WriteSubscribe(id, AnswerOf(subscription, result));
        }
        else
        {
            // What the client was sent as it connected is valid, unless the history has begun anew since then.
            if (!subscription.Options.IsReported
                || (subscription.Options.RecoverFrom is not null && result.Recoverable && !result.Recovered))
                Writer.PushSubscribe(Encoding.UTF8.GetBytes(subscription.Channel), AnswerOf(subscription, result));
            foreach (ReadOnlyMemory<byte> push in _context.Format.PushesOf(
                subscription.Channel, result.Position.Epoch, result.Missed ?? [])) Writer.WriteEncoded(push.Span);
        }

        if (Writer.Lines > 0) Send();
        Seal();
    }

    private WireSubscribeResult AnswerOf(Subscription subscription, in SubscribeResult result) =>
        ResultTranslation.Of(subscription, result, _context.Format);

    /// <inheritdoc />
    public override void History(uint id, string channel, HistoryPage page)
    {
        ArgumentNullException.ThrowIfNull(page);
        Writer.WriteHistory(
            id, _context.Format.BodiesOf(page.Top.Epoch, page.Publications, withDeltas: false), CentrifugeEpoch.Write(page.Top.Epoch),
                page.Top.Offset);
        Send();
    }

    /// <inheritdoc />
    public override void Presence(uint id, IReadOnlyCollection<ClientInfo> members)
    {
        Writer.WritePresence(id, members.Select(each => KeyValuePair.Create(each.Client, _context.Format.InfoOf(each))));
        Send();
    }

    /// <inheritdoc />
    public override void PresenceStats(uint id, PresenceCounts counts)
    {
        Writer.WritePresenceStats(id, counts.Clients, counts.Users);
        Send();
    }

    /// <inheritdoc />
    public override void Missed(Subscription subscription, IReadOnlyList<Gap> gaps)
    {
        ArgumentNullException.ThrowIfNull(subscription);
        ArgumentNullException.ThrowIfNull(gaps);
        foreach (Gap gap in gaps) Writer.PushGap(Encoding.UTF8.GetBytes(subscription.Channel), gap.From, gap.To, gap.Count);
        Send();
        Seal();
    }

    /// <inheritdoc />
    public override void Unsubscribed(uint id, uint number)
    {
        Writer.WriteUnsubscribe(id);
        Send();
    }

    /// <inheritdoc />
    public override void Refreshed(uint id, string? channel, TimeSpan? timeLeft)
    {
        Writer.WriteRefresh(id, isSubscription: channel is not null, timeLeft is not null, ResultTranslation.SecondsOf(timeLeft));
        Send();
    }

    /// <inheritdoc />
    public override void RefreshedByServer(TimeSpan? timeLeft)
    {
        Writer.PushRefresh(timeLeft is not null, ResultTranslation.SecondsOf(timeLeft));
        Send();
    }

    /// <inheritdoc />
    public override void Published(uint id, int receivers, StreamPosition position)
    {
        Writer.WritePublish(id);
        Send();
    }

    /// <inheritdoc />
    public override void Failed(uint id, int index, HubError error)
    {
        CentrifugeError coded = CentrifugeCodes.CodeOf(error);
        Connection.Loop.Counters.Requests.Add((int)coded.Code);
        WriteError(id, coded);
    }

    private void WriteError(uint id, CentrifugeError error)
    {
        Writer.WriteError(id, error);
        Send();
    }

    /// <inheritdoc />
    public bool IsSettling => Connection.IsSettling;

    /// <inheritdoc />
    public void Owe() => Connection.Owe();

    /// <inheritdoc />
    public void Settle() => Connection.Settle();

    /// <inheritdoc />
    public void Returned(uint id, ReadOnlyMemory<byte> result)
    {
        // The JSON form carries JSON and nothing else.
        if (!_context.Format.IsBinary && !result.IsEmpty && !(Utf8.IsValid(result.Span) && RawJson.IsValid(result.Span)))
        {
            Connection.Loop.Counters.Calls.Add((int)FaultCode.Internal);
            WriteError(id, CentrifugeError.NotAvailable);
            return;
        }

        Connection.Loop.Counters.Add(LoopCount.CallsReturned);
        Writer.WriteRpc(id, result.Span);
        Send();
    }

    /// <inheritdoc />
    public void Faulted(uint id, FaultCode code, string text)
    {
        Connection.Loop.Counters.Calls.Add((int)code);
        bool offersNone = code == FaultCode.UnknownMethod && _context.Methods is { IsEmpty: true };
        WriteError(id, offersNone ? CentrifugeError.NotAvailable : ResultTranslation.Of(code, text));
    }

    /// <inheritdoc />
    public override void Evicted(Subscription subscription, UnsubscribeReason reason)
    {
        ArgumentNullException.ThrowIfNull(subscription);
        Writer.PushUnsubscribe(Encoding.UTF8.GetBytes(subscription.Channel), CentrifugeCodes.CodeOf(reason));
        Send();
    }

    /// <inheritdoc />
    public override void Disconnect(DisconnectReason reason)
    {
        Seal();
        Disconnect coded = CentrifugeCodes.CodeOf(reason);
        Connection.Close((CloseCode)coded.Code, coded.Reason);
    }

    // What was just written joins the frame of this turn.
    private void Send()
    {
        IReplyWriter writer = Writer;
        if (Connection.IsOpen)
        {
            if (_replies is null) LoopTurn.Add(this);
            var batch = new ReplyBatch(_context.Format.Form, _replies);
            batch.Append(writer.Frame, LoopTurn.Pool);
            _replies = batch.Begun;
            Connection.Loop.Counters.Add(LoopCount.MessagesSent);
            if (batch.Length > FrameBytesMax) Seal();
        }

        writer.Clear();
    }

    /// <inheritdoc />
    public override void Seal()
    {
        if (_replies is null) return;
        Connection.Loop.Counters.Add(LoopCount.PayloadsSent);
        SharedBytes replies = new ReplyBatch(_context.Format.Form, _replies).Seal(out int start);
        _replies = null;
        if (_context.Format.Form.Framing != ReplyFraming.Joined)
        {
            Connection.Write(replies, start);
            replies.Release();
            return;
        }

        var frames = new FrameVariants(replies, start, Connection.Loop.Deflate);
        Connection.Write(frames.For(Connection.Deflate, out int at), at);
        frames.Release();
    }
}
