using Broker.Actors.Calls.Methods;
using Broker.Actors.Channels.Delivery;
using Broker.Actors.Channels.History;
using Broker.Actors.Model;
using Broker.Actors.Sessions;
using Broker.Core.Protocol.Messages;
using Broker.Dialects.Centrifuge.Forms;
using Broker.Dialects.Centrifuge.Wire;
using SubscribeOptions = Broker.Actors.Channels.Delivery.SubscribeOptions;

namespace Broker.Dialects.Centrifuge;

/// <summary>Translates commands of the wire to those of a session. Pure.</summary>
internal static class CommandTranslation
{
    /// <summary>The session's form of a command, which keeps nothing of the message that it came in.</summary>
    /// <param name="command">The command.</param>
    /// <param name="bytes">What it counts while it is pending.</param>
    /// <param name="context">Of the dialect.</param>
    internal static ClientCommand ToClientCommand(in Command command, int bytes, CentrifugeContext context) => command.Kind switch
    {
        CommandKind.Publish when command.Type == 0 && command.Data.IsEmpty => new ClientCommand.Invalid(command.Id, bytes),
        CommandKind.Publish when command.Type == 0 =>
            new ClientCommand.Publish(command.Id, bytes, Command.Keep(command.Channel), command.Data.ToArray())
                { IsJson = !context.Format.IsBinary },
        CommandKind.Subscribe => new ClientCommand.Subscribe(command.Id, bytes, Command.Keep(command.Channel), OptionsOf(command)),
        CommandKind.History => new ClientCommand.History(command.Id, bytes, Command.Keep(command.Channel), QueryOf(command)),
        CommandKind.Presence or CommandKind.PresenceStats =>
            new ClientCommand.Presence(
                command.Id, bytes, Command.Keep(command.Channel), CountsOnly: command.Kind == CommandKind.PresenceStats),
        CommandKind.Unsubscribe => new ClientCommand.Unsubscribe(command.Id, bytes, Command.Keep(command.Channel)),
        CommandKind.Connect => new ClientCommand.Connect(command.Id, bytes, CredentialsOf(command)),
        CommandKind.Send => new ClientCommand.Send(bytes),
        CommandKind.Rpc => ToCall(command, bytes, context.Methods),
        CommandKind.Refresh => new ClientCommand.Refresh(command.Id, bytes + command.Token.Length, command.Token.ToArray(), Channel: null),
        CommandKind.SubRefresh when command.Type == 0 && command.Token.IsEmpty => new ClientCommand.Invalid(command.Id, bytes),
        CommandKind.SubRefresh when command.Type == 0 =>
            new ClientCommand.Refresh(command.Id, bytes + command.Token.Length, command.Token.ToArray(), Command.Keep(command.Channel)),
        _ => new ClientCommand.Unavailable(command.Id, bytes),
    };

    private static ClientCommand.Call ToCall(in Command command, int bytes, MethodRegistry? registry)
    {
        MethodId method = MethodId.Of(command.Method);
        string? name =
            registry is { Fallback: not null } methods && !methods.TryGet(method, out _) ? Command.Keep(command.Method) : null;
        return new ClientCommand.Call(command.Id, bytes, method, command.Data.ToArray()) { Name = name };
    }

    private static ConnectCredentials? CredentialsOf(in Command command)
    {
        if (command.Token.IsEmpty && command.Data.IsEmpty && command.Name.IsEmpty && command.Version.IsEmpty && command.Subs.IsEmpty
            && command.Headers.IsEmpty) return null;
        return new ConnectCredentials
        {
            Token = command.Token.ToArray(),
            Data = command.Data.ToArray(),
            Name = Command.Keep(command.Name),
            Version = Command.Keep(command.Version),
            Headers = ConnectMembers.HeadersOf(command.Headers),
            Positions = ConnectMembers.PositionsOf(command.Subs),
            Channels = ConnectMembers.ChannelsOf(command.Subs),
        };
    }

    private static HistoryQuery QueryOf(in Command command) =>
        new(command.Since ? new StreamPosition(CentrifugeEpoch.Read(command.Epoch), command.Offset) : null, command.Limit, command.Reverse);

    private static SubscribeOptions OptionsOf(in Command command)
    {
        bool isPlain =
            command.Type == 0 && command.Token.IsEmpty && command.TagsFilter.IsEmpty && command.Data.IsEmpty && command.Delta.IsEmpty
            && !command.Recover && !command.Positioned && !command.Recoverable && !command.JoinLeave;
        return isPlain ? SubscribeOptions.None : new SubscribeOptions
        {
            RecoverFrom = command.Recover ? new StreamPosition(CentrifugeEpoch.Read(command.Epoch), command.Offset) : null,
            FailsUnrecovered = (command.Flags & 2) != 0,
            Positioned = command.Positioned,
            Recoverable = command.Recoverable,
            JoinLeave = command.JoinLeave,
            Delta = Command.Keep(command.Delta),
            Filter = command.TagsFilter.ToArray(),
            Data = command.Data.ToArray(),
            Token = command.Token.ToArray(),
            IsUnavailable = command.Type != 0,
        };
    }
}
