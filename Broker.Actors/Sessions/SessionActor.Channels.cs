using Broker.Actors.Recent;
using Broker.Actors.Calls;
using Broker.Actors.Calls.Inbound;
using Broker.Actors.Calls.Methods;
using Broker.Actors.Calls.Outbound;
using Broker.Actors.Channels.Delivery;
using Broker.Actors.Channels.Home;
using Akka.Actor;
using Akka.Event;
using Broker.Actors.Access;
using Broker.Actors.Channels.History;
using Broker.Actors.Channels.Namespaces;
using Broker.Actors.Limits;
using Broker.Actors.Model;
using Broker.Core.Protocol.Calls;
using Broker.Core.Filters;
using Broker.Core.Topics;
using FaultCode = Broker.Core.Protocol.Messages.FaultCode;
using static Broker.Actors.Calls.Inbound.InboundCallProtocol;
using static Broker.Actors.Calls.Outbound.OutboundCallProtocol;
using static Broker.Actors.Sessions.SessionProtocol;

namespace Broker.Actors.Sessions;

/// <content>Commands of a client about channels, and what the server does to its subscriptions.</content>
public sealed partial class SessionActor
{
    // Asks access about a command; with an answer that is there at once nothing is made.
    private void Authorize(
        AuthorizationRequest request, ClientCommand command, Action<SessionActor, ClientCommand, AuthorizationResult> then)
    {
        ValueTask<AuthorizationResult> answer;
        try
        {
            answer = _context.Access.AuthorizeAsync(request, Gone);
        }
        catch (Exception failure)
        {
            answer = ValueTask.FromException<AuthorizationResult>(failure);
        }

        if (answer.IsCompletedSuccessfully) OnAuthorized(command, answer.Result, then);
        else Access.Await(answer.AsTask(), (result, failure) => OnAuthorized(command, failure is null ? result : OnFailure(failure), then));
    }

    private AuthorizationResult OnFailure(Exception failure)
    {
        _context.Log.Error(failure, "Access could not answer a command of {0}.", _writer.Connection.Id);
        return AuthorizationResult.Reject(HubError.Internal);
    }

    private void OnAuthorized(
        ClientCommand command, AuthorizationResult result, Action<SessionActor, ClientCommand, AuthorizationResult> then)
    {
        if (result.IsAllowed)
        {
            then(this, command, result);
            return;
        }

        (command as ClientCommand.Publish)?.LongData?.Release();
        if (result.Disconnect is { } reason) Disconnect(reason, "rejected by access");
        else Reject(command, result.Error!.Value);
    }

    private void Subscribe(ClientCommand.Subscribe subscribe)
    {
        HubError? rejected = subscribe switch
        {
            _ when ChannelName.Check(subscribe.Channel, _context.Settings.ChannelBytesMax) is not null => HubError.BadRequest,
            _ when _subscriptions.TryGet(Subscription.KeyOf(subscribe.Channel, subscribe.Options.Key), out _) => HubError.AlreadySubscribed,
            _ when _subscriptions.Count >= _context.Settings.ChannelsMax => HubError.LimitExceeded,
            { Options.IsUnavailable: true } => HubError.NotAvailable,
            _ when !_context.Namespaces.TryResolve(subscribe.Channel, out _, out HubError unknown) => unknown,
            _ => null,
        };
        if (rejected is { } error)
        {
            Reject(subscribe, error);
            return;
        }

        var request =
            new AuthorizationRequest(HubAction.Subscribe, subscribe.Channel, _principal!)
                { Token = subscribe.Options.Token, Data = subscribe.Options.Data };
        Authorize(request, subscribe,
            static (session, command, result) => session.Subscribe((ClientCommand.Subscribe)command, result.Terms));
    }

    private void Subscribe(ClientCommand.Subscribe subscribe, SubscriptionTerms? terms)
    {
        if (CheckDate(terms?.ExpiresAt) is { } expired)
        {
            Reject(subscribe, expired);
            return;
        }

        TagsFilter? filter = null;
        if (!subscribe.Options.Filter.IsEmpty && !TryReadFilter(subscribe, out filter))
        {
            Reject(subscribe, HubError.BadRequest);
            return;
        }

        Send(subscribe.Channel, subscribe.Options, terms, filter, subscribe.Id, subscribe.Bytes);
    }

    private bool TryReadFilter(ClientCommand.Subscribe subscribe, out TagsFilter? filter)
    {
        filter = null;
        if (!_context.Namespaces.TryResolve(subscribe.Channel, out ChannelNamespace? options, out _) || !options.TagsFilter) return false;
        string? problem = TagsFilterReader.Read(subscribe.Options.Filter.Span, out filter);
        if (problem is not null && _context.Log.IsDebugEnabled)
            _context.Log.Debug("{0} has a filter that is refused: {1}", _writer.Connection.Id, problem);
        return problem is null;
    }

    private void UnsubscribeByServer(string channel)
    {
        if (!_ended && _subscriptions.TryGet(channel, out Subscription? subscription))
            OnEvicted(new ChannelProtocol.Evicted(subscription, UnsubscribeReason.ByServer));
    }

    private void RefreshByServer(ConnectionExpiry expiry)
    {
        if (_ended || _principal is null) return;
        if (expiry.HasExpired)
        {
            Disconnect(DisconnectReason.Expired, "by the server");
            return;
        }

        Expiry.Set("", expiry.At);
        _writer.RefreshedByServer(Expiry.Left(expiry.At));
    }

    private void SubscribeByServer(ServerSubscription wanted, StreamPosition? recoverSince, bool isReported = false)
    {
        if (_ended || !_writer.TakesServerSubscriptions || _subscriptions.TryGet(wanted.Channel, out _)) return;
        SubscriptionTerms terms = ServerSubscriptions.TermsOf(wanted);
        Send(wanted.Channel, new SubscribeOptions { IsServerSide = true, IsReported = isReported, RecoverFrom = recoverSince }, terms,
            filter: null, id: 0, bytes: 0);
    }

    private void Send(string channel, SubscribeOptions options, SubscriptionTerms? terms, TagsFilter? filter, uint id, int bytes)
    {
        // A channel of the server's own choice may have a namespace that is not configured: the home answers that.
        ChannelNamespace known =
            _context.Namespaces.TryResolve(channel, out ChannelNamespace? found, out _) ? found : _context.Namespaces.WithoutNamespace;
        bool isSeen = terms?.Presence ?? known.Presence;
        var subscription = new Subscription(channel, _writer.Connection.Id.Loop, Self, _writer)
        {
            Options = options,
            Namespace = known,
            Filter = filter,
            FilterText = filter is null ? "" : System.Text.Encoding.UTF8.GetString(options.Filter.Span),
            Info = !isSeen ? null : terms is { ChannelInfo.IsEmpty: false } ? Info with { ChannelInfo = terms.ChannelInfo } : Info,
        };
        _subscriptions.Add(subscription);
        SubscribeResult result = default;
        if (terms is not null)
        {
            if (terms.ExpiresAt is not null) Expiry.Set(subscription.Key, terms.ExpiresAt, terms.ClientRefreshes);
            result = new SubscribeResult { Data = terms.Data, TimeLeft = terms.ClientRefreshes && terms.ExpiresAt is not null
                ? Expiry.Left(terms.ExpiresAt) : null };
        }

        _context.Routes.HomeOf(channel)
            .Tell(new ChannelProtocol.Subscribe(subscription, id, bytes) { Terms = result, Granted = terms }, ActorRefs.NoSender);
    }

    private void Unsubscribe(ClientCommand.Unsubscribe unsubscribe)
    {
        // A client that was not subscribed is told that it is not: the same answer, as the official server gives it.
        if (_subscriptions.Remove(Subscription.KeyOf(unsubscribe.Channel, unsubscribe.Key), out Subscription? subscription))
        {
            _extras?.Expiry?.Set(subscription.Key, date: null);
            subscription.End = SubscriptionEnd.ByClient;
            _context.Routes.HomeOf(subscription.Channel)
                .Tell(new ChannelProtocol.Unsubscribe(subscription, unsubscribe.Id, unsubscribe.Bytes), ActorRefs.NoSender);
            return;
        }

        _writer.Unsubscribed(unsubscribe.Id, unsubscribe.Number);
        _writer.Done(unsubscribe.Bytes);
    }

    private void Publish(ClientCommand.Publish publish)
    {
        if ((publish.IsJson && publish.Data.IsEmpty) || ChannelName.Check(publish.Channel, _context.Settings.ChannelBytesMax) is not null)
        {
            publish.LongData?.Release();
            Reject(publish, HubError.BadRequest);
            return;
        }

        if (Limit(publish) is { } limited)
        {
            publish.LongData?.Release();
            Reject(publish, limited);
            return;
        }

        var request =
            new AuthorizationRequest(HubAction.Publish, publish.Channel, _principal!)
                { Data = publish.Data, IsSubscribed = _subscriptions.TryGet(publish.Channel, out _) };
        Authorize(request, publish, static (session, command, result) => session.Send((ClientCommand.Publish)command, result.Publication));
    }

    // What the channel's namespace bounds, the publisher.
    private HubError? Limit(ClientCommand.Publish publish)
    {
        if (!_context.Namespaces.TryResolve(publish.Channel, out ChannelNamespace? options, out HubError unknown)) return unknown;
        if ((publish.LongData?.Bytes ?? publish.Data.Length) > options.MessageBytesMax) return HubError.LimitExceeded;
        if (options.PublishRate == 0) return null;
        ref TokenBucket bucket =
            ref System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(Extras.PublishRates ??= [], options, out _);
        return bucket.TryTake(TokenRate.Of(options.PublishRate), 1, _writer.Connection.Loop.NowMilliseconds) ? null
            : HubError.TooManyRequests;
    }

    private ClientInfo Info => Extras.Info ??=
        new ClientInfo(_principal!.User, _principal.Client) { ConnectionInfo = _principal.ConnectionInfo };

    // History and presence are asked of the channel's home, if access lets the client.
    private void Read(ClientCommand command, string channel, HubAction action)
    {
        if (ChannelName.Check(channel, _context.Settings.ChannelBytesMax) is not null)
        {
            Reject(command, HubError.BadRequest);
            return;
        }

        var request = new AuthorizationRequest(action, channel, _principal!) { IsSubscribed = _subscriptions.TryGet(channel, out _) };
        Authorize(request, command, static (session, asked, _) => session.Read(asked));
    }

    private void Read(ClientCommand command)
    {
        object message = command switch
        {
            ClientCommand.History history =>
                new ChannelProtocol.ReadHistory(history.Channel, Bounded(history.Query), Self, history.Id, history.Bytes),
            ClientCommand.Presence presence =>
                new ChannelProtocol.ReadPresence(presence.Channel, presence.CountsOnly, Self, presence.Id, presence.Bytes),
            _ => throw new ArgumentException($"{command} reads nothing.", nameof(command)),
        };
        string channel = (command as ClientCommand.History)?.Channel ?? ((ClientCommand.Presence)command).Channel;
        _context.Routes.HomeOf(channel).Tell(message, ActorRefs.NoSender);
    }

    private HistoryQuery Bounded(HistoryQuery query) =>
        query.Limit < 0 || query.Limit > _context.History.PageMax ? query with { Limit = _context.History.PageMax } : query;

    private void OnPresence(ChannelProtocol.PresenceRead read)
    {
        // A list that would not fit the client's queue would end its connection: the counts are there for that.
        if (read.Members is not { } members) _writer.PresenceStats(read.Id, read.Counts);
        else if (members.Sum(
            static each =>
                80L + each.User.Length + each.Client.Length + each.ConnectionInfo.Length
                    + each.ChannelInfo.Length) > _writer.Connection.Loop.Settings.QueueBytesMax / 2) _writer.Failed(
                    read.Id, index: 0, HubError.LimitExceeded);
        else _writer.Presence(read.Id, members);
        _writer.Done(read.Bytes);
    }

    private void Send(ClientCommand.Publish publish, PublicationTerms? terms)
    {
        var publication =
            new Publication { Data = publish.Data, LongData = publish.LongData, IsJson = publish.IsJson, Info = Info,
                Extras = publish.Extras };
        if (terms is not null) publication = Change(publication, terms);
        PublishOptions options = terms?.Options ?? publish.Options;
        _context.Routes.HomeOf(publish.Channel)
            .Tell(new ChannelProtocol.Publish(publish.Channel, publication, Self, publish.Id, publish.Bytes)
            { Options = options }, ActorRefs.NoSender);
    }

    private static Publication Change(in Publication publication, PublicationTerms terms)
    {
        Publication changed = publication;
        if (terms.Data is { } data)
        {
            changed.LongData?.Release();
            changed = changed with { Data = data, LongData = null, IsJson = terms.IsJson };
        }

        bool hasExtras = terms.Tags.Count > 0 || terms.Options.Version != 0;
        return hasExtras
            ? changed with { Extras =
            (changed.Extras ?? new PublicationExtras()) with { Tags = terms.Tags, Version = terms.Options.Version } } : changed;
    }
}
