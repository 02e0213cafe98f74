using Broker.Actors.Channels.Delivery;
using Broker.Actors.Channels.Home;
using Broker.Actors.Model;
using static Broker.Actors.Channels.Delivery.ChannelProtocol;

namespace Broker.Actors.Channels.Relay;

/// <summary>How each command of a channel is put to a home that may be on another node.</summary>
internal static class NodeMethods
{
    internal static NodeMethod<(Subscribe Subscribe, RelayChannel Channel, StreamPosition? After),
        ChannelHomeProtocol.Attached> Attach { get; } = new()
    {
        Write = static (asked, request) =>
            ChannelHomeSerializer.Write(new ChannelHomeProtocol.Attach(asked.Channel.Name, request) { After = asked.After }),
        Read = ChannelHomeSerializer.TryRead,
        AskHere = static (relay, asked) => relay.AttachHere(asked.Channel, asked.Subscribe.Id, asked.After),
        Fail = static error => new ChannelHomeProtocol.Attached(0, default) { Error = error },
        Then = static (relay, asked, answer) => relay.OnAttached(asked.Subscribe, asked.Channel, answer),
    };

    internal static NodeMethod<(RelayChannel Channel, MoveChannel Move), ChannelHomeProtocol.Attached> Move { get; } = new()
    {
        Write = static (asked, request) =>
            ChannelHomeSerializer.Write(new ChannelHomeProtocol.Attach(asked.Channel.Name, request) { After = asked.Channel.RecoverFrom }),
        Read = ChannelHomeSerializer.TryRead,
        AskHere = static (relay, asked) => relay.AttachHere(asked.Channel, 0, asked.Channel.RecoverFrom),
        Fail = static error => new ChannelHomeProtocol.Attached(0, default) { Error = error },
        Then = static (relay, asked, answer) => relay.OnMoved(asked.Channel, answer),
    };

    internal static NodeMethod<RelayChannel, ChannelHomeProtocol.PositionChecked> Check { get; } = new()
    {
        Write = static (channel, request) => ChannelHomeSerializer.Write(new ChannelHomeProtocol.CheckPosition(channel.Name, request)),
        Read = ChannelHomeSerializer.TryRead,
        AskHere = static (relay, channel) => relay.Positions.AskHome(channel),
        Fail = static error => new ChannelHomeProtocol.PositionChecked(0, default) { Error = error },
        Then = static (relay, channel, answer) => relay.Positions.OnChecked(channel, answer),
    };

    internal static NodeMethod<Publish, ChannelHomeProtocol.Published> Publish { get; } = new()
    {
        IsAppend = true,
        MayRepeat = static publish => publish.Options.IdempotencyKey.Length > 0,
        Write = static (publish, request) =>
            ChannelHomeSerializer.Write(new ChannelHomeProtocol.Publish(publish.Channel, request, publish.Publication, publish.Options)),
        Read = ChannelHomeSerializer.TryRead,
        AskHere = static (relay, publish) => relay.PublishHere(publish),
        Fail = static error => new ChannelHomeProtocol.Published(0, default, 0) { Error = error },
        Then = static (relay, publish, answer) => relay.OnPublished(publish, answer),
        Release = static publish => publish.Publication.LongData?.Release(),
    };

    internal static NodeMethod<ReadHistory, HistoryAnswer> ReadHistory { get; } = new()
    {
        Write = static (read, request) => NodeSerializer.Write(new NodeProtocol.ReadHistory(read.Channel, request, read.Query)),
        Read = static (ReadOnlySpan<byte> bytes, out HistoryAnswer answer) =>
        {
            bool isGood = NodeSerializer.TryRead(bytes, out NodeProtocol.HistoryRead read);
            answer = new HistoryAnswer(read.Page, read.Error);
            return isGood;
        },
        AskHere = static (relay, read) => relay.ReadHere(read),
        Fail = static error => new HistoryAnswer(null, error),
        Then = static (_, read, answer) => RelayReplies.OnRead(read, answer),
    };

    internal static NodeMethod<RemoveHistory, HubError?> RemoveHistory { get; } = new()
    {
        Write = static (remove, request) => NodeSerializer.Write(new NodeProtocol.RemoveHistory(remove.Channel, request)),
        Read = static (ReadOnlySpan<byte> bytes, out HubError? answer) =>
        {
            bool isGood = NodeSerializer.TryRead(bytes, out NodeProtocol.HistoryRemoved removed);
            answer = removed.Error;
            return isGood;
        },
        AskHere = static (relay, remove) => relay.RemoveHere(remove),
        Fail = static error => error,
        Then = static (_, remove, answer) => RelayReplies.OnRemoved(remove, answer),
    };

    internal static NodeMethod<ReadPresence, NodeProtocol.PresenceRead> ReadPresence { get; } = new()
    {
        Write = static (read, request) => NodeSerializer.Write(new NodeProtocol.ReadPresence(read.Channel, request, read.CountsOnly)),
        Read = NodeSerializer.TryRead,
        AskHere = static (relay, read) => new(relay.PresenceHere(read)),
        Fail = static error => new NodeProtocol.PresenceRead(0, default, null, error),
        Then = static (_, read, answer) => RelayReplies.OnPresenceRead(read, answer),
    };
}
