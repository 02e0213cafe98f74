using System.Buffers;
using System.Text.Unicode;
using Broker.Actors.Routing;
using Broker.Actors.Rpc;
using Broker.Actors.Sessions;
using Broker.Actors.Settings;
using Broker.Actors.Streams;
using Broker.Core.Buffers;
using Broker.Core.Centrifuge;
using Broker.Core.Counting;
using Broker.Core.Framing;
using Broker.Core.Protocol.Messages;
using Broker.Reactor.Loops;
using Unsubscribed = Broker.Core.Centrifuge.Unsubscribed;

namespace Broker.Actors.Centrifuge;

/// <summary>The Centrifuge JSON dialect on one connection: its client's lines to commands, its session's answers to lines.</summary>
/// <remarks>For the loop's thread. Nothing of a frame is kept but what a command carries on.</remarks>
public sealed class CentrifugeConversation : Conversation, ICallOutlet
{
    private const uint ApplicationErrorMin = 400;

    private readonly CentrifugeSettings _settings;
    private readonly string _version;
    private TextBatch _frame;                   // What the session has said in this turn of the loop.

    /// <summary>Makes the dialect of one connection.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="replies">What sessions of its loop say in a turn.</param>
    /// <param name="settings">Times and bounds.</param>
    /// <param name="version">Of this hub, told to clients.</param>
    public CentrifugeConversation(Connection connection, LoopReplies replies, CentrifugeSettings settings, string version)
        : base(connection, replies, settings, settings.CommandBytesMax)
    {
        _settings = settings;
        _version = version;
    }

    /// <inheritdoc />
    public override WireFormat Format => WireFormat.Json;

    /// <inheritdoc />
    public override ICallOutlet Calls => this;

    private protected override int Read(in Message frame)
    {
        int commands = 0;
        var reader = new CommandReader(frame.Payload);
        while (true)
        {
            switch (reader.Read(out Command command))
            {
                case OperationStatus.Done when reader.Index >= _settings.CommandsPerFrameMax:
                    SendAway(Core.Centrifuge.Disconnect.BadRequest, $"more than {_settings.CommandsPerFrameMax} commands in one frame");
                    return commands;
                case OperationStatus.Done when BreaksDialect(command) is { } detail:
                    SendAway(Core.Centrifuge.Disconnect.BadRequest, detail);
                    return commands;
                case OperationStatus.Done:
                    Take(command);
                    commands++;
                    break;
                case OperationStatus.InvalidData:
                    SendAway(Core.Centrifuge.Disconnect.BadRequest, reader.Reason ?? "not a command");
                    return commands;
                default:
                    return commands;
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
        Obey(ToClientCommand(command, bytes: 256 + command.Data.Length + 2 * command.Channel.Length));
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

    private protected override void SayPing()
    {
        Replies.Writer.WritePing();
        Say();
    }

    private protected override void Drop() => _frame.Clear();

    /// <inheritdoc />
    public override void Connected(uint id, string client)
    {
        LetIn();
        Replies.Writer.WriteConnect(id, new ConnectResult
        {
            Client = client,
            Version = _version,
            PingSeconds = (uint)_settings.PingInterval.TotalSeconds,
            Pong = true,
        });
        Say();
    }

    /// <inheritdoc />
    public override void Subscribed(uint id, string channel, ChannelPlace place)
    {
        Replies.Writer.WriteSubscribe(id, default);
        Say();
        Seal();
    }

    /// <inheritdoc />
    public override void Unsubscribed(uint id, uint number)
    {
        Replies.Writer.WriteUnsubscribe(id);
        Say();
    }

    /// <inheritdoc />
    public override void Published(uint id, int receivers, ulong offset)
    {
        Replies.Writer.WritePublish(id);
        Say();
    }

    /// <inheritdoc />
    public override void Failed(uint id, int index, CentrifugeError error)
    {
        Connection.Loop.Counters.Requests.Add((int)error.Code);
        SayError(id, error);
    }

    private void SayError(uint id, CentrifugeError error)
    {
        Replies.Writer.WriteError(id, error);
        Say();
    }

    /// <inheritdoc />
    public void Returned(uint id, ReadOnlyMemory<byte> result)
    {
        // The dialect carries JSON and nothing else.
        if (!result.IsEmpty && !(Utf8.IsValid(result.Span) && RawJson.IsValid(result.Span)))
        {
            Connection.Loop.Counters.Calls.Add((int)FaultCode.Internal);
            SayError(id, CentrifugeError.NotAvailable);
            return;
        }

        Connection.Loop.Counters.Add(LoopCount.CallsReturned);
        Replies.Writer.WriteRpc(id, result.Span);
        Say();
    }

    /// <inheritdoc />
    public void Faulted(uint id, FaultCode code, string text)
    {
        Connection.Loop.Counters.Calls.Add((int)code);
        SayError(id, ErrorOf(code, text));
    }

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
    public override void Evicted(string channel, uint number, Unsubscribed why)
    {
        Replies.Writer.PushUnsubscribe(System.Text.Encoding.UTF8.GetBytes(channel), why);
        Say();
    }

    /// <inheritdoc />
    public override void Disconnect(Disconnect why)
    {
        Seal();
        Connection.Close((CloseCode)why.Code, why.Reason);
    }

    // The line just written joins the frame of this turn.
    private void Say()
    {
        ReplyWriter writer = Replies.Writer;
        if (Connection.IsOpen)
        {
            if (_frame.IsEmpty) Replies.Add(this);
            _frame.Append(writer.Frame, Replies.Pool);
            Connection.Loop.Counters.Add(LoopCount.MessagesSent);
            if (_frame.Length > FrameBytesMax) Seal();
        }

        writer.Clear();
    }

    /// <inheritdoc />
    public override void Seal()
    {
        if (_frame.IsEmpty) return;
        Connection.Loop.Counters.Add(LoopCount.PayloadsSent);
        var frames = new FrameVariants(_frame.Seal(out int start), start, Connection.Loop.Deflate);
        Connection.Write(frames.For(Connection.Deflate, out int at), at);
        frames.LetGo();
    }
}
