using System.Text.Json;
using Broker.Actors.Access;
using Broker.Actors.Api;
using Broker.Actors.Channels.History;
using Broker.Actors.Channels.Presence;
using Broker.Actors.Model;
using Broker.Actors.Sessions;
using Broker.Cluster.Lanes;

namespace Broker.Cluster.Calls;

/// <summary>
/// The server API of a hub that is a node of a cluster: what concerns a channel goes to its home anyway; what concerns connections is asked
/// of all nodes.
/// </summary>
/// <remarks>Where a node does not answer the call fails, names it, and may have been done on the others.</remarks>
public sealed class ClusterApi : IHubApi
{
    private readonly IHubApi _local;
    private readonly LaneOwner _lanes;

    /// <summary>Makes it, and answers the other nodes from now on.</summary>
    /// <param name="local">The hub's own.</param>
    /// <param name="lanes">The ways to other nodes.</param>
    public ClusterApi(IHubApi local, LaneOwner lanes)
    {
        ArgumentNullException.ThrowIfNull(lanes);
        _local = local;
        _lanes = lanes;
        lanes.Answer = AnswerAsync;
    }

    /// <inheritdoc />
    public Task<PublishAnswer> PublishAsync(string channel, PublishRequest request, CancellationToken cancellationToken = default) =>
        _local.PublishAsync(channel, request, cancellationToken);

    /// <inheritdoc />
    public Task<IReadOnlyList<BroadcastAnswer>> BroadcastAsync(
        IReadOnlyList<string> channels, PublishRequest request, CancellationToken cancellationToken = default) =>
        _local.BroadcastAsync(channels, request, cancellationToken);

    /// <inheritdoc />
    public Task<IReadOnlyCollection<ClientInfo>> PresenceAsync(string channel, CancellationToken cancellationToken = default) =>
        _local.PresenceAsync(channel, cancellationToken);

    /// <inheritdoc />
    public Task<PresenceCounts> PresenceStatsAsync(string channel, CancellationToken cancellationToken = default) =>
        _local.PresenceStatsAsync(channel, cancellationToken);

    /// <inheritdoc />
    public Task<HistoryPage> HistoryAsync(string channel, HistoryQuery query, CancellationToken cancellationToken = default) =>
        _local.HistoryAsync(channel, query, cancellationToken);

    /// <inheritdoc />
    public Task RemoveHistoryAsync(string channel, CancellationToken cancellationToken = default) =>
        _local.RemoveHistoryAsync(channel, cancellationToken);

    /// <inheritdoc />
    public Task<HubFigures> InfoAsync(CancellationToken cancellationToken = default) => _local.InfoAsync(cancellationToken);

    /// <inheritdoc />
    public Task SubscribeAsync(
        UserConnections target, ServerSubscription subscription, StreamPosition? recoverSince = null, CancellationToken cancellationToken =
            default) => Task.WhenAll(
        _local.SubscribeAsync(target, subscription, recoverSince, cancellationToken),
        AskAllAsync(
            CommandFor("subscribe", target) with { Subscription = CommandSubscription.Of(subscription), SinceEpoch = recoverSince?.Epoch,
                SinceOffset = recoverSince?.Offset ?? 0 },
            cancellationToken));

    /// <inheritdoc />
    public Task UnsubscribeAsync(UserConnections target, string channel, CancellationToken cancellationToken = default) => Task.WhenAll(
        _local.UnsubscribeAsync(target, channel, cancellationToken),
        AskAllAsync(CommandFor("unsubscribe", target) with { Channel = channel }, cancellationToken));

    /// <inheritdoc />
    public Task DisconnectAsync(
        UserConnections target, DisconnectReason reason, IReadOnlyCollection<string>? except = null, CancellationToken cancellationToken =
            default) => Task.WhenAll(
        _local.DisconnectAsync(target, reason, except, cancellationToken),
        AskAllAsync(CommandFor("disconnect", target) with { Reason = CommandReason.Of(reason), Except = [.. except ?? []] },
            cancellationToken));

    /// <inheritdoc />
    public Task RefreshAsync(UserConnections target, ConnectionExpiry expiry, CancellationToken cancellationToken = default) =>
        Task.WhenAll(
        _local.RefreshAsync(target, expiry, cancellationToken),
        AskAllAsync(
            CommandFor("refresh", target) with { ExpiresAt = expiry.At, HasExpired = expiry.HasExpired,
                ConnectionInfo = expiry.ConnectionInfo?.ToArray() },
            cancellationToken));

    /// <inheritdoc />
    public async Task<IReadOnlyDictionary<string, int>> ChannelsAsync(string? pattern = null, CancellationToken cancellationToken = default)
    {
        Task<IReadOnlyDictionary<string, int>> here = _local.ChannelsAsync(pattern, cancellationToken);
        var all = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach ((_, NodeAnswer answer) in await AskAllAsync(new NodeCommand { Method = "channels", Pattern = pattern }, cancellationToken)
            .ConfigureAwait(false))
        {
            foreach ((string channel, int count) in answer.Channels ?? []) all[channel] = all.GetValueOrDefault(channel) + count;
        }

        foreach ((string channel, int count) in await here.ConfigureAwait(false)) all[channel] = all.GetValueOrDefault(channel) + count;
        return all;
    }

    /// <inheritdoc />
    public async Task<IReadOnlyList<NodeFigures>> InfoOfNodesAsync(CancellationToken cancellationToken = default)
    {
        var all = new List<NodeFigures> { new(_lanes.Address, await _local.InfoAsync(cancellationToken).ConfigureAwait(false)) };
        foreach ((string node, NodeAnswer answer) in await AskAllAsync(new NodeCommand { Method = "info" }, cancellationToken)
            .ConfigureAwait(false))
        {
            if (answer.Figures is { } figures) all.Add(new NodeFigures(node, figures.ToFigures()));
        }

        return all;
    }

    /// <inheritdoc />
    public async Task<Explanation> ExplainAsync(
        string client, string channel, ulong? offset = null, CancellationToken cancellationToken = default)
    {
        Explanation here = await _local.ExplainAsync(client, channel, offset, cancellationToken).ConfigureAwait(false);
        if (here.Kind != ExplanationKind.ClientUnknown) return here;

        // The node that has the client, or that remembers it, knows.
        var command = new NodeCommand { Method = "explain", Client = client, Channel = channel, Offset = offset };
        foreach ((_, NodeAnswer answer) in await AskAllAsync(command, cancellationToken).ConfigureAwait(false))
        {
            if (answer.Explanation is { Kind: not ExplanationKind.ClientUnknown } explanation) return explanation;
        }

        return here;
    }

    /// <summary>Called when another node asks this one to leave.</summary>
    public Action? LeaveAsked { get; set; }

    /// <summary>Asks another node to leave in order.</summary>
    /// <param name="node">HOST:PORT of a member.</param>
    /// <returns>False if it has not answered.</returns>
    public async Task<bool> AskToLeaveAsync(string node) =>
        await _lanes.AskAsync(node, new NodeCommand { Method = "leave" }.ToBytes(), CancellationToken.None)
            .ConfigureAwait(false) is { } bytes
            && JsonSerializer.Deserialize(bytes, CommandJson.Default.NodeAnswer) is { Error: null };

    private static NodeCommand CommandFor(string method, UserConnections target) =>
        new() { Method = method, User = target.User, Client = target.Client };

    private async Task<IReadOnlyList<(string Node, NodeAnswer Answer)>> AskAllAsync(
        NodeCommand command, CancellationToken cancellationToken)
    {
        List<(string Node, NodeAnswer Answer)> answers = [];
        foreach ((string node, byte[]? bytes) in await _lanes.AskAllAsync(command.ToBytes(), cancellationToken).ConfigureAwait(false))
        {
            NodeAnswer? answer = bytes is null ? null : JsonSerializer.Deserialize(bytes, CommandJson.Default.NodeAnswer);
            if (answer is null)
                throw new HubApiException(HubError.Internal, $"The node {node} did not answer. The others may have done it.");
            if (answer.Error is { } error) throw error.ToException();
            answers.Add((node, answer));
        }

        return answers;
    }

    // Another node asks.
    private async Task<byte[]> AnswerAsync(byte[] request)
    {
        try
        {
            NodeCommand command = JsonSerializer.Deserialize(request, CommandJson.Default.NodeCommand)!;
            return (await AnswerAsync(command).ConfigureAwait(false)).ToBytes();
        }
        catch (HubApiException refused)
        {
            return new NodeAnswer { Error = CommandError.Of(refused.Error, refused.Message) }.ToBytes();
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException or ArgumentException)
        {
            return new NodeAnswer { Error = CommandError.Of(HubError.Internal, failure.Message) }.ToBytes();
        }
    }

    private async Task<NodeAnswer> AnswerAsync(NodeCommand command)
    {
        switch (command.Method)
        {
            case "subscribe" when command.Subscription is { } subscription:
                StreamPosition? since = command.SinceEpoch is { } epoch ? new StreamPosition(epoch, command.SinceOffset) : null;
                await _local.SubscribeAsync(command.Target, subscription.ToSubscription(), since).ConfigureAwait(false);
                break;
            case "unsubscribe":
                await _local.UnsubscribeAsync(command.Target, command.Channel).ConfigureAwait(false);
                break;
            case "disconnect" when command.Reason is { } reason:
                await _local.DisconnectAsync(command.Target, reason.ToReason(), command.Except).ConfigureAwait(false);
                break;
            case "refresh":
                await _local.RefreshAsync(
                    command.Target, new ConnectionExpiry(command.ExpiresAt, command.HasExpired, command.ConnectionInfo))
                        .ConfigureAwait(false);
                break;
            case "channels":
                return new NodeAnswer { Channels = new Dictionary<string,
                    int>(await _local.ChannelsAsync(command.Pattern).ConfigureAwait(false)) };
            case "info":
                return new NodeAnswer { Figures = CommandFigures.Of(await _local.InfoAsync().ConfigureAwait(false)) };
            case "leave" when LeaveAsked is { } asked:
                asked();
                break;
            case "explain" when command.Client is { } client:
                return new NodeAnswer
                {
                    Explanation = await _local.ExplainAsync(client, command.Channel, command.Offset).ConfigureAwait(false),
                };
            default:
                return new NodeAnswer { Error =
                    CommandError.Of(HubError.MethodNotFound, $"this node does not know the command {command.Method} of another version") };
        }

        return new NodeAnswer();
    }
}
