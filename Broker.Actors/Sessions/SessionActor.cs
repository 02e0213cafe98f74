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
using Broker.Actors.Model;
using Broker.Core.Protocol.Calls;
using Broker.Core.Filters;
using Broker.Core.Topics;
using FaultCode = Broker.Core.Protocol.Messages.FaultCode;
using static Broker.Actors.Calls.Inbound.InboundCallProtocol;
using static Broker.Actors.Calls.Outbound.OutboundCallProtocol;
using static Broker.Actors.Sessions.SessionProtocol;

namespace Broker.Actors.Sessions;

/// <summary>One connected client, from the end of its handshake to the end of its connection.</summary>
/// <remarks>
/// <code>
/// Connecting --connect--> Authenticating --admitted--> Open --connection ended--> stopped
///     ^------ rejected with an error ------'
/// </code>
/// While it waits for an answer of access, its client is not read, and the commands that have come wait in their order.
/// Never restarted: if it fails, its client is disconnected and may come back. Publications do not pass through it.
/// </remarks>
public sealed class SessionActor : UntypedActor
{
    private readonly SessionContext _context;
    private ISessionWriter _writer = null!;         // From the first message on.
    private Subscriptions _subscriptions;
    private SessionCalls? _calls;                   // From the first call on; most clients make none.
    private CalledClient? _called;                  // From connect on, where the hub can call the client.
    private SentItems? _sent;                       // From the first call on, or the first item.
    private Principal? _principal;                  // From connect on.
    private ClientInfo? _info;                      // The principal as publications carry it, from the first one on.
    private AccessQueue? _access;                   // From the first answer of access that did not come at once.
    private SessionExpiry? _expiry;                 // From connect on, where the connection or a subscription expires.
    private Dictionary<ChannelNamespace, RateLimit>? _rates;    // From the first publication on where there is a rate.
    private UpgradeInfo? _upgrade;                  // Until connect, where access is told of it.
    private bool _wasRejected;                      // Its connect failed; what it has sent behind that is passed over.
    private bool _ended;

    /// <summary>Creates the props, the same for all sessions of a loop. The first message is <see cref="Bound"/>.</summary>
    public static Props PropsFor(SessionContext context) => Props.CreateBy(new SessionProducer(context));

    private sealed class SessionProducer(SessionContext context) : IIndirectActorProducer
    {
        public Type ActorType => typeof(SessionActor);

        public ActorBase Produce() => new SessionActor(context);

        public void Release(ActorBase actor)
        {
        }
    }

    /// <summary>Use <see cref="PropsFor"/>.</summary>
    public SessionActor(SessionContext context) => _context = context;

    /// <inheritdoc />
    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case Commands commands: Handle(commands); break;
            case ChannelProtocol.Published published: _writer.Published(published.Id, published.Receivers, published.Position);
            _writer.Done(published.Bytes); break;
            case ChannelProtocol.Failed failed: OnFailed(failed); break;
            case CallReturned returned: _calls!.OnReturned(returned); break;
            case CallsReturned several: foreach (CallReturned each in several.InOrder) _calls!.OnReturned(each); break;
            case CallItemSent sent: _calls!.OnItemSent(sent); break;
            case CallItemsRead took: _calls!.OnItemsRead(took); break;
            case CallClient call: Call(call); break;
            case SendItemToClient send: SendItemToClient(send); break;
            case EndItemsToClient end when _called!.IsWaiting(end.Id): _writer.Calls.EndItems(end.Id); break;
            case GrantClientItems grant when _called!.IsWaiting(grant.Id): _writer.Calls.Granted(grant.Id, grant.Items); break;
            case EndItemsToClient or GrantClientItems: break;
            case CancelClientCall cancel: _writer.Calls.Cancelled(cancel.Id); break;
            case ChannelProtocol.Evicted evicted: OnEvicted(evicted); break;
            case AccessAnswered answered: OnAccess(answered); break;
            case ChannelProtocol.HistoryRead read: _writer.History(read.Id, read.Channel, read.Page); _writer.Done(read.Bytes); break;
            case ChannelProtocol.PresenceRead read: OnPresence(read); break;
            case SubscribeClient subscribe: SubscribeByServer(subscribe.Subscription, subscribe.RecoverSince); break;
            case UnsubscribeClient unsubscribe: UnsubscribeByServer(unsubscribe.Channel); break;
            case DisconnectClient disconnect when !_ended: Disconnect(disconnect.Reason, "by the server"); break;
            case DisconnectClient: break;
            case RefreshClient refresh: RefreshByServer(refresh.Expiry); break;
            case Bound bound: (_writer, _upgrade) = (bound.Writer, bound.Upgrade); break;
            case Ended: _ended = true; Context.Stop(Self); break;
            default: Unhandled(message); break;
        }
    }

    private SessionCalls Calls =>
        _calls ??= new SessionCalls(Self, _writer.Calls, _writer.Connection.Loop, Sent, _context.Calls, _context.Log);

    private SentItems Sent => _sent ??= new SentItems(_writer.Calls, _called?.UnreadBudget ?? new ItemBudget(_context.Calls.ItemBytesMax));

    private AccessQueue Access => _access ??= new AccessQueue(Self, _writer, _context.Settings.ConnectLimit, _context.Calls.Time);

    private SessionExpiry Expiry =>
        _expiry ??= new SessionExpiry(_writer.Connection.Loop, _context.Calls.Time, _context.Settings.ExpiredCloseDelay, OnExpired);

    private bool IsWaiting => _access is { IsWaiting: true };

    // The hub's own access answers at once, and never looks.
    private CancellationToken Gone => _context.HasOwnAccess ? Access.Gone : CancellationToken.None;

    private void Handle(Commands commands)
    {
        foreach (ClientCommand command in commands.InOrder)
        {
            if (IsWaiting) _access!.Enqueue(command);
            else Handle(command);
        }

        _calls?.Begin();
    }

    private void OnAccess(AccessAnswered answered)
    {
        if (_ended) return;
        answered.Then();
        while (!IsWaiting && _access!.TryDequeue(out ClientCommand? next)) Handle(next);
        _calls?.Begin();
    }

    // One arm a command. What is answered here is done here; what goes on to a channel's home is done when that answers.
    private void Handle(ClientCommand command)
    {
        if (_ended) return;
        switch (command)
        {
            case ClientCommand.Misuse misuse: Disconnect(misuse.Reason, misuse.Detail); return;
            case ClientCommand.Leave: _ended = true; _writer.Done(command.Bytes); _writer.CloseByClient(); return;
            case ClientCommand.Connect connect: Connect(connect); return;
            case not null when _principal is null && _wasRejected: break;
            case not null when _principal is null: Disconnect(DisconnectReason.BadRequest, "a command before connect"); return;
            case ClientCommand.Publish publish: Publish(publish); return;
            case ClientCommand.Subscribe subscribe: Subscribe(subscribe); return;
            case ClientCommand.Unsubscribe unsubscribe: Unsubscribe(unsubscribe); return;
            case ClientCommand.History history: Read(history, history.Channel, HubAction.History); return;
            case ClientCommand.Presence presence: Read(presence, presence.Channel, HubAction.Presence); return;
            case ClientCommand.Refresh refresh: Refresh(refresh); return;
            case ClientCommand.InlineCalls inline when _context.HasOwnAccess: StartEach(inline.Run); return;
            case ClientCommand.Call call when _context.HasOwnAccess: Authorize(call); return;
            case ClientCommand.Invalid invalid: _writer.Failed(command.Id, command.Index, invalid.Error); break;
            case ClientCommand.Send: break;
            case ClientCommand.InlineCalls inline: Calls.Start(inline.Run, _principal); break;
            case ClientCommand.Call call: Calls.Start(call.Request, _principal); break;
            case ClientCommand.Item item when CallIds.IsServers(item.Id): _called?.OnItem(item.Id, item.Data); break;
            case ClientCommand.Item item: _calls?.OnItem(item.Id, item.Data); break;
            case ClientCommand.ItemsEnd: _calls?.OnItemsEnd(command.Id); break;
            case ClientCommand.Grant grant when CallIds.IsServers(grant.Id): _called?.OnGranted(grant.Id, grant.Items); break;
            case ClientCommand.Grant grant: _calls?.OnGranted(grant.Id, grant.Items); break;
            case ClientCommand.Cancel: _calls?.Cancel(command.Id); break;
            case ClientCommand.Answer answer: _called?.Answer(answer.Id, answer.Code, answer.Result, answer.Text); break;
            default: _writer.Failed(command!.Id, command.Index, HubError.NotAvailable); break;
        }

        _writer.Done(command.Bytes);
    }

    private void Connect(ClientCommand.Connect connect)
    {
        if (_principal is not null)
        {
            Disconnect(DisconnectReason.BadRequest, "connect sent twice");
            _writer.Done(connect.Bytes);
            return;
        }

        string client = Guid.NewGuid().ToString();
        ValueTask<AuthenticationResult> answer;
        try
        {
            answer = _context.Access.AuthenticateAsync(RequestOf(connect, client), Gone);
        }
        catch (Exception failure)
        {
            answer = ValueTask.FromException<AuthenticationResult>(failure);
        }

        if (answer.IsCompletedSuccessfully) OnAuthenticated(connect, client, answer.Result, failure: null);
        else Access.Await(answer.AsTask(), (result, failure) => OnAuthenticated(connect, client, result, failure));
    }

    private void OnAuthenticated(ClientCommand.Connect connect, string client, AuthenticationResult? result, Exception? failure)
    {
        if (result is null)
        {
            _context.Log.Error(failure!, "Access could not answer the connect of {0}.", _writer.Connection.Id);
            Disconnect(DisconnectReason.ServerError, "access failed");
        }
        else if (result.Disconnect is { } reason)
        {
            Disconnect(reason, "connect rejected");
        }
        else if ((result.Error ?? CheckDate(result.ExpiresAt)) is { } error)
        {
            _wasRejected = true;
            _writer.NotConnected(connect.Id, error);
        }
        else
        {
            Admit(connect, client, result);
        }

        _writer.Done(connect.Bytes);
    }

    private void Admit(ClientCommand.Connect connect, string client, AuthenticationResult result)
    {
        _principal = new Principal(result.User, client) { ConnectionInfo = result.ConnectionInfo, State = result.State };
        _wasRejected = false;
        TimeSpan? left = null;
        if (result.ExpiresAt is { } date)
        {
            left = Expiry.Left(date);
            Expiry.Set("", date, result.ClientRefreshes);
        }

        _upgrade = null;
        IReadOnlyList<string> wanted = result.GrantsWantedChannels ? connect.Credentials?.Channels ?? [] : [];
        if (wanted.Count == 0 || !_writer.SendsSubscriptionsOnConnect) AdmitWith(connect, client, result, left);
        else AddWanted(connect, client, result, left, wanted);
    }

    // A client may name channels as it connects. It is subscribed to those that it could subscribe to by itself; the others are left out.
    private void AddWanted(
        ClientCommand.Connect connect, string client, AuthenticationResult result, TimeSpan? left, IReadOnlyList<string> wanted)
    {
        ValueTask<WantedChannels> asking = WantedChannels.AskAsync(wanted, result.Subscriptions, _principal!, _context, Gone);
        if (asking.IsCompletedSuccessfully) OnWanted(asking.Result, failure: null);
        else Access.Await(asking.AsTask(), OnWanted);

        void OnWanted(WantedChannels? answer, Exception? failure)
        {
            if (failure is not null)
                _context.Log.Error(failure, "Access could not answer for the channels that {0} wants.", _writer.Connection.Id);
            if (answer is null) Disconnect(DisconnectReason.ServerError, "access failed");
            else if (answer.Disconnect is { } reason) Disconnect(reason, "channels of the connect were rejected");
            else AdmitWith(connect, client, result with { Subscriptions = answer.Subscriptions }, left);
        }
    }

    private void AdmitWith(ClientCommand.Connect connect, string client, AuthenticationResult result, TimeSpan? left)
    {
        var admission = new Admission(client, result.User) { Data = result.Data, TimeLeft = result.ClientRefreshes ? left : null };
        if (result.Subscriptions.Count == 0 || !_writer.SendsSubscriptionsOnConnect)
        {
            Welcome(connect, result, admission);
            return;
        }

        // The answer says where each channel stands; what is published from there on is sent as the subscriptions are made.
        ServerSubscriptions reported =
            ServerSubscriptions.Of(result.Subscriptions, connect.Credentials?.Positions, Self, _writer, _context);
        if (reported.ReadAsync() is not { } reading) Welcome(connect, result, admission, reported);
        else Access.Await(reading, (_, failure) => OnPositions(connect, result, admission, reported, failure));
    }

    private void OnPositions(
        ClientCommand.Connect connect, AuthenticationResult result, Admission admission, ServerSubscriptions reported, Exception? failure)
    {
        if (failure is null)
        {
            Welcome(connect, result, admission, reported);
            return;
        }

        _context.Log.Error(failure, "The channels of the server could not be read for {0}.", _writer.Connection.Id);
        Disconnect(DisconnectReason.ServerError, "a subscription by the server failed");
    }

    private void Welcome(
        ClientCommand.Connect connect, AuthenticationResult result, Admission admission, ServerSubscriptions? reported = null)
    {
        string client = admission.Client;
        _writer.Connected(connect.Id, reported is null ? admission : admission with { Subscriptions = reported.Results });
        if (_writer.WindowsOfHubCalls is { } windows)
            _called = _context.Calls.Clients.Add(client, Self, new ItemBounds(windows, _context.Calls.ItemBytesMax));
        if (_context.Log.IsDebugEnabled)
            _context.Log.Debug("{0} from {1} is client {2}.", _writer.Connection.Id, _writer.Connection.Remote, client);
        _context.Connected?.Add(result.User, client, Self);
        foreach (ServerSubscription subscription in result.Subscriptions)
        {
            StreamPosition? since =
                reported is null ? connect.Credentials?.Positions?.GetValueOrDefault(subscription.Channel)
                    : reported.PositionOf(subscription.Channel);
            SubscribeByServer(subscription, since, isReported: reported is not null);
        }
    }

    private HubError? CheckDate(DateTimeOffset? date) =>
        date is not null && date <= _context.Calls.Time.GetUtcNow() ? HubError.Expired : null;

    private AuthenticationRequest RequestOf(ClientCommand.Connect connect, string client)
    {
        var request =
            new AuthenticationRequest { Dialect = _writer.Dialect, Client = client, Remote = _writer.Connection.Remote,
                Transport = _writer.Transport };
        if (_upgrade is { } upgrade) request = request with { Target = upgrade.Target, UpgradeHeaders = upgrade.Headers };
        return connect.Credentials is not { } shown ? request : request with
        {
            Token = shown.Token,
            Data = shown.Data,
            Name = shown.Name,
            Version = shown.Version,
            Headers = shown.Headers ?? request.Headers,
            Channels = shown.Channels,
        };
    }

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
            _expiry?.Set(subscription.Key, date: null);
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
        ref RateLimit rate =
            ref System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(_rates ??= [], options, out bool isKnown);
        if (!isKnown) rate = new RateLimit(options.PublishRate);
        return rate.TryTake(_writer.Connection.Loop.NowMilliseconds) ? null : HubError.TooManyRequests;
    }

    private ClientInfo Info => _info ??= new ClientInfo(_principal!.User, _principal.Client) { ConnectionInfo = _principal.ConnectionInfo };

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

    private void Authorize(ClientCommand.Call call)
    {
        string name = _context.Calls.Methods.TryGet(call.Method, out Method? method) ? method.Name : "";
        var request = new AuthorizationRequest(HubAction.Call, name, _principal!) { Data = call.Arguments };
        ValueTask<AuthorizationResult> answer;
        try
        {
            answer = method is null ? default : _context.Access.AuthorizeAsync(request, Gone);
        }
        catch (Exception failure)
        {
            answer = ValueTask.FromException<AuthorizationResult>(failure);
        }

        if (answer.IsCompletedSuccessfully) Start(call, answer.Result);
        else Access.Await(answer.AsTask(), (result, failure) => Start(call, failure is null ? result : OnFailure(failure)));
    }

    private void StartEach(InlineRun run)
    {
        // The run was owed one answer as a whole; each of its calls is answered for itself.
        bool isOwed = true;
        foreach (ref readonly InlineEntry entry in run.Calls)
        {
            if (entry.Bytes > 0 && !isOwed) _writer.Calls.Owe();
            if (entry.Bytes > 0) isOwed = false;
            ClientCommand.Call call = ClientCommand.Call.Of(run.RequestOf(entry), entry.Bytes);
            if (IsWaiting) _access!.Enqueue(call);
            else Authorize(call);
        }

        run.Return();
    }

    private void Start(ClientCommand.Call call, AuthorizationResult result)
    {
        if (result.IsAllowed)
        {
            Calls.Start(call.Request, _principal!);
        }
        else
        {
            call.Reservation?.Dispose();
            if (result.Disconnect is { } reason) Disconnect(reason, "rejected by access");
            else
                _writer.Calls.Faulted(
                    call.Id, result.Error!.Value.Kind == HubErrorKind.Internal ? FaultCode.Internal : FaultCode.PermissionDenied,
                        result.Error.Value.Message);
        }

        _writer.Done(call.Bytes);
    }

    private void Refresh(ClientCommand.Refresh refresh)
    {
        if (refresh.Channel is { } channel && !_subscriptions.TryGet(channel, out _))
        {
            Reject(refresh, HubError.PermissionDenied);
            return;
        }

        ValueTask<RefreshResult> answer;
        try
        {
            answer = _context.Access.RefreshAsync(new RefreshRequest(_principal!, refresh.Token) { Channel = refresh.Channel }, Gone);
        }
        catch (Exception failure)
        {
            answer = ValueTask.FromException<RefreshResult>(failure);
        }

        if (answer.IsCompletedSuccessfully) OnRefreshed(refresh, answer.Result);
        else Access.Await(answer.AsTask(), (result, failure) => OnRefreshed(refresh, failure is null ? result : OnFailedRefresh(failure)));
    }

    private RefreshResult OnFailedRefresh(Exception failure)
    {
        _context.Log.Error(failure, "Access could not answer a refresh of {0}.", _writer.Connection.Id);
        return RefreshResult.Reject(HubError.Internal);
    }

    private void OnRefreshed(ClientCommand.Refresh refresh, RefreshResult result)
    {
        if (result.Disconnect is { } reason)
        {
            Disconnect(reason, "refresh rejected");
        }
        else if ((result.Error ?? CheckDate(result.ExpiresAt)) is { } error)
        {
            _writer.Failed(refresh.Id, refresh.Index, error);
        }
        else
        {
            Expiry.Set(refresh.Channel ?? "", result.ExpiresAt);
            _writer.Refreshed(refresh.Id, refresh.Channel, Expiry.Left(result.ExpiresAt));
        }

        _writer.Done(refresh.Bytes);
    }

    private void OnExpired(string key)
    {
        if (_ended) return;
        if (_context.HasOwnAccess && Expiry.IsByHub(key) && !IsWaiting) RefreshByHub(key);
        else if (_context.HasOwnAccess && Expiry.IsByHub(key))
            Expiry.Set(key, _context.Calls.Time.GetUtcNow().AddSeconds(1), clientRefreshes: false);
        else End(key);
    }

    // What the client does not refresh by itself: access is asked whether it may stay.
    private void RefreshByHub(string key)
    {
        string? channel = key.Length == 0 ? null : _subscriptions.TryGet(key, out Subscription? subscription) ? subscription.Channel : "";
        if (channel is "") return;
        ValueTask<RefreshResult> answer;
        try
        {
            answer = _context.Access.RefreshAsync(new RefreshRequest(_principal!, default) { Channel = channel }, Gone);
        }
        catch (Exception failure)
        {
            answer = ValueTask.FromException<RefreshResult>(failure);
        }

        if (answer.IsCompletedSuccessfully) OnRefreshedByHub(key, answer.Result);
        else Access.Await(answer.AsTask(), (result, failure) => OnRefreshedByHub(key, failure is null ? result : OnFailedRefresh(failure)));
    }

    private void OnRefreshedByHub(string key, RefreshResult result)
    {
        if (result.Error is null && result.Disconnect is null && CheckDate(result.ExpiresAt) is null)
            Expiry.Set(key, result.ExpiresAt, clientRefreshes: false);
        else End(key);
    }

    private void End(string key)
    {
        if (key.Length == 0)
        {
            Disconnect(DisconnectReason.Expired, "the connection has expired");
        }
        else if (_subscriptions.TryGet(key, out Subscription? subscription))
        {
            if (subscription.Options.IsServerSide) Disconnect(DisconnectReason.SubscriptionExpired, "a subscription has expired");
            else OnEvicted(new ChannelProtocol.Evicted(subscription, UnsubscribeReason.Expired));
        }
    }

    private void Call(CallClient call)
    {
        FaultCode refused = _writer.Calls.Call(call.Id, call.Method, call.Deadline, call.Arguments, call.Options);
        if (refused != FaultCode.None) _called?.Answer(call.Id, refused, default, "the call could not be sent");
    }

    // It has taken room in any case, and gives it back when it is gone.
    private void SendItemToClient(SendItemToClient send)
    {
        if (_called!.IsWaiting(send.Id) && !_writer.Calls.Sent(send.Id, send.Item)) _called.OnTooLong(send.Id, send.Item.Length);
        Sent.Add(send.Item.Length);
    }

    private void Reject(ClientCommand command, HubError error)
    {
        _writer.Failed(command.Id, command.Index, error);
        _writer.Done(command.Bytes);
    }

    private void OnFailed(ChannelProtocol.Failed failed)
    {
        bool isServerSide = failed.Subscription is { Options.IsServerSide: true };
        if (failed.Subscription is { } subscription && IsHeld(subscription)) _subscriptions.Remove(subscription.Key, out _);
        if (isServerSide) Disconnect(DisconnectReason.ServerError, "a subscription by the server failed");
        else _writer.Failed(failed.Id, index: 0, failed.Error);
        _writer.Done(failed.Bytes);
    }

    private void OnEvicted(ChannelProtocol.Evicted evicted)
    {
        // One that the client has ended meanwhile, or has made anew, is not evicted.
        Subscription subscription = evicted.Subscription;
        if (!IsHeld(subscription)) return;
        _subscriptions.Remove(subscription.Key, out _);
        _expiry?.Set(subscription.Key, date: null);
        Leave(subscription);

        // What the server has subscribed the client to, the client cannot subscribe to again.
        if (subscription.Options.IsServerSide && evicted.Reason == UnsubscribeReason.InsufficientState)
            Disconnect(DisconnectReason.InsufficientState, "a subscription by the server is lost");
        else _writer.Evicted(subscription, evicted.Reason);
    }

    private bool IsHeld(Subscription subscription) =>
        _subscriptions.TryGet(subscription.Key, out Subscription? held) && ReferenceEquals(held, subscription);

    // The one that evicted it, the home or the fan-out: the other one may still count it.
    private void Leave(Subscription subscription) =>
        _context.Routes.HomeOf(subscription.Channel)
            .Tell(new ChannelProtocol.Unsubscribe(subscription, Id: 0, Bytes: 0), ActorRefs.NoSender);

    private void Disconnect(DisconnectReason reason, string detail)
    {
        _ended = true;
        _context.Log.Debug("{0} is disconnected: {1} ({2}): {3}.", _writer.Connection.Id, reason.Kind, reason.Text, detail);
        _writer.Disconnect(reason);
    }

    /// <summary>The end of every session, however it ended: its subscriptions end.</summary>
    protected override void PostStop()
    {
        if (_principal is { } principal) _context.Connected?.Remove(principal.User, principal.Client);
        foreach (Subscription subscription in _subscriptions.All) Leave(subscription);
        _subscriptions.Clear();
        _calls?.AbandonAll();
        _called?.Close();
        _access?.Close();
        _expiry?.Stop();

        // A session that failed has not seen the end of its connection: the client is disconnected, and may come back.
        _writer.Disconnect(DisconnectReason.ServerError);
    }
}
