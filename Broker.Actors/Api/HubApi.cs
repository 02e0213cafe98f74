using Broker.Actors.Channels;
using Broker.Actors.Channels.Delivery;
using Broker.Actors.Channels.Home;
using System.IO.Enumeration;
using Akka.Actor;
using Broker.Actors.Access;
using Broker.Actors.Channels.History;
using Broker.Actors.Channels.Namespaces;
using Broker.Actors.Channels.Presence;
using Broker.Actors.Model;
using Broker.Actors.Sessions;
using Broker.Core.Topics;

namespace Broker.Actors.Api;

/// <summary>What the calls of a hub's server go to.</summary>
/// <param name="Clients">What one client may do and hold: the rules of names.</param>
/// <param name="Namespaces">What channels keep, allow and bound.</param>
/// <param name="Routes">Where channels live.</param>
/// <param name="Homes">The homes of all channels.</param>
/// <param name="Sessions">The parents of the sessions of each loop.</param>
/// <param name="Version">Of the hub.</param>
/// <param name="Time">The clock.</param>
internal sealed record HubApiContext(
    ClientSettings Clients, ChannelNamespaces Namespaces, ChannelRoutes Routes, IReadOnlyList<IActorRef> Homes,
        IReadOnlyList<IActorRef> Sessions, string Version, TimeProvider Time)
{
    /// <summary>When the hub started.</summary>
    internal long Started { get; } = Time.GetTimestamp();
}

/// <summary>The hub's answers to its server, from the start of the hub on.</summary>
internal sealed class HubApi : IHubApi
{
    private const int KeyCharactersMax = 128;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private volatile HubApiContext? _context;

    private HubApiContext Context => _context ?? throw new InvalidOperationException("The hub has not started.");

    /// <summary>The hub has started.</summary>
    internal void Start(HubApiContext context) => _context = context;

    /// <inheritdoc />
    public async Task<PublishAnswer> PublishAsync(string channel, PublishRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ChannelNamespace options = Resolve(channel);
        if (request.Data.IsEmpty) throw new HubApiException(HubError.BadRequest, "The publication has no data.");
        if (request.Data.Length > options.MessageBytesMax)
            throw new HubApiException(HubError.LimitExceeded, $"The data of a publication passes {options.MessageBytesMax} bytes.");
        if (request.IdempotencyKey is { Length: > KeyCharactersMax })
            throw new HubApiException(HubError.BadRequest, $"The idempotency key passes {KeyCharactersMax} characters.");

        bool hasExtras = request.Tags.Count > 0 || request.Version != 0 || !string.IsNullOrEmpty(request.Key);
        var publication = new Publication
        {
            Data = request.Data,
            IsJson = request.IsJson,
            Extras = hasExtras ? new PublicationExtras { Tags = request.Tags, Version = request.Version, Key = request.Key ?? "" } : null,
        };
        var how = new PublishOptions
        {
            IdempotencyKey = request.IdempotencyKey ?? "",
            Version = request.Version,
            VersionEpoch = request.VersionEpoch ?? "",
            UsesDelta = request.Delta,
            SkipsHistory = request.SkipHistory,
        };
        var published = await AskAsync<ChannelProtocol.Published>(
            Context.Routes.HomeOf(channel), replyTo =>
                new ChannelProtocol.Publish(channel, publication, replyTo, Id: 0, Bytes: 0) { Options = how }, cancellationToken)
                    .ConfigureAwait(false);
        return new PublishAnswer(options.History.IsOn ? published.Position : default, published.Receivers, published.Suppressed);
    }

    /// <inheritdoc />
    public async Task<IReadOnlyList<BroadcastAnswer>> BroadcastAsync(
        IReadOnlyList<string> channels, PublishRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(channels);
        return await Task.WhenAll(channels.Select(PublishToAsync)).ConfigureAwait(false);

        async Task<BroadcastAnswer> PublishToAsync(string channel)
        {
            try
            {
                return new BroadcastAnswer(await PublishAsync(channel, request, cancellationToken).ConfigureAwait(false), null);
            }
            catch (HubApiException failed)
            {
                return new BroadcastAnswer(default, failed.Error);
            }
        }
    }

    /// <inheritdoc />
    public async Task SubscribeAsync(
        UserConnections target, ServerSubscription subscription, StreamPosition? recoverSince = null, CancellationToken cancellationToken =
            default)
    {
        ArgumentNullException.ThrowIfNull(subscription);
        Resolve(subscription.Channel);
        await NotifyAsync(target, new SessionProtocol.SubscribeClient(subscription, recoverSince), except: null, cancellationToken)
            .ConfigureAwait(false);
    }

    /// <inheritdoc />
    public async Task UnsubscribeAsync(UserConnections target, string channel, CancellationToken cancellationToken = default)
    {
        Resolve(channel);
        await NotifyAsync(target, new SessionProtocol.UnsubscribeClient(channel), except: null, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc />
    public Task DisconnectAsync(
        UserConnections target, DisconnectReason reason, IReadOnlyCollection<string>? except = null, CancellationToken cancellationToken =
            default) =>
        NotifyAsync(target, new SessionProtocol.DisconnectClient(reason), except, cancellationToken);

    /// <inheritdoc />
    public Task RefreshAsync(UserConnections target, ConnectionExpiry expiry, CancellationToken cancellationToken = default) =>
        NotifyAsync(target, new SessionProtocol.RefreshClient(expiry), except: null, cancellationToken);

    /// <inheritdoc />
    public async Task<IReadOnlyCollection<ClientInfo>> PresenceAsync(string channel, CancellationToken cancellationToken = default) =>
        (await ReadPresenceAsync(channel, countsOnly: false, cancellationToken).ConfigureAwait(false)).Members!;

    /// <inheritdoc />
    public async Task<PresenceCounts> PresenceStatsAsync(string channel, CancellationToken cancellationToken = default) =>
        (await ReadPresenceAsync(channel, countsOnly: true, cancellationToken).ConfigureAwait(false)).Counts;

    private Task<ChannelProtocol.PresenceRead> ReadPresenceAsync(string channel, bool countsOnly, CancellationToken cancellationToken)
    {
        Resolve(channel);
        return AskAsync<ChannelProtocol.PresenceRead>(
            Context.Routes.HomeOf(channel), replyTo =>
                new ChannelProtocol.ReadPresence(channel, countsOnly, replyTo, Id: 0, Bytes: 0), cancellationToken);
    }

    /// <inheritdoc />
    public async Task<HistoryPage> HistoryAsync(string channel, HistoryQuery query, CancellationToken cancellationToken = default)
    {
        Resolve(channel);
        return (await AskAsync<ChannelProtocol.HistoryRead>(
            Context.Routes.HomeOf(channel), replyTo =>
                new ChannelProtocol.ReadHistory(channel, query, replyTo, Id: 0, Bytes: 0), cancellationToken).ConfigureAwait(false)).Page;
    }

    /// <inheritdoc />
    public Task RemoveHistoryAsync(string channel, CancellationToken cancellationToken = default)
    {
        Resolve(channel);
        return AskAsync<ChannelProtocol.HistoryRemoved>(
            Context.Routes.HomeOf(channel), replyTo => new ChannelProtocol.RemoveHistory(channel, replyTo), cancellationToken);
    }

    /// <inheritdoc />
    public async Task<IReadOnlyDictionary<string, int>> ChannelsAsync(string? pattern = null, CancellationToken cancellationToken = default)
    {
        Func<string, bool> accepts = pattern is null ? static _ => true : name =>
            FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase: false);
        ChannelProtocol.ChannelsListed[] lists = await Task.WhenAll(Context.Homes.Select(
            home => AskAsync<ChannelProtocol.ChannelsListed>(
                home, replyTo => new ChannelProtocol.ListChannels(accepts, replyTo), cancellationToken))).ConfigureAwait(false);
        return lists.SelectMany(static list => list.Channels).ToDictionary(StringComparer.Ordinal);
    }

    /// <inheritdoc />
    public async Task<HubFigures> InfoAsync(CancellationToken cancellationToken = default)
    {
        SessionsProtocol.Counted[] counted = await Task.WhenAll(Context.Sessions.Select(
            each => AskAsync<SessionsProtocol.Counted>(each, static replyTo => new SessionsProtocol.Count(replyTo), cancellationToken)))
                .ConfigureAwait(false);
        IReadOnlyDictionary<string, int> channels = await ChannelsAsync(pattern: null, cancellationToken).ConfigureAwait(false);
        return new HubFigures(
            counted.Sum(static each => each.Clients),
            counted.SelectMany(static each => each.Users).Distinct(StringComparer.Ordinal).Count(),
            channels.Values.Sum(),
            channels.Count,
            Context.Version,
            Context.Time.GetElapsedTime(Context.Started));
    }

    private ChannelNamespace Resolve(string channel)
    {
        ArgumentNullException.ThrowIfNull(channel);
        if (ChannelName.Check(channel, Context.Clients.ChannelBytesMax) is { } rule) throw new HubApiException(HubError.BadRequest, rule);
        if (!Context.Namespaces.TryResolve(channel, out ChannelNamespace? options, out HubError error))
            throw new HubApiException(
                error, error.Kind == HubErrorKind.UnknownChannel ? "The namespace of the channel is not configured."
                    : "The name of the channel does not match its namespace's pattern.");
        return options;
    }

    private Task<SessionsProtocol.Notified[]> NotifyAsync(
        UserConnections target, object message, IReadOnlyCollection<string>? except, CancellationToken cancellationToken) =>
            Task.WhenAll(Context.Sessions.Select(
        each => AskAsync<SessionsProtocol.Notified>(
            each, replyTo => new SessionsProtocol.NotifyClients(target, except ?? [], message, replyTo), cancellationToken)));

    // A home answers whatever becomes of a command; the patience is for a hub that stops meanwhile.
    private static async Task<T> AskAsync<T>(IActorRef actor, Func<IActorRef, object> message, CancellationToken cancellationToken)
    {
        object answer;
        try
        {
            answer = await actor.Ask<object>(message, s_patience, cancellationToken).ConfigureAwait(false);
        }
        catch (AskTimeoutException)
        {
            throw new HubApiException(HubError.Internal, "The hub did not answer.");
        }

        return answer switch
        {
            T good => good,
            ChannelProtocol.Failed failed => throw new HubApiException(failed.Error, "The channel's home refused."),
            _ => throw new HubApiException(HubError.Internal, $"The hub answered with {answer.GetType().Name}."),
        };
    }
}
