using Broker.Actors.Calls;
using Broker.Actors.Calls.Inbound;
using Broker.Actors.Calls.Methods;
using Broker.Actors.Calls.Outbound;
using Broker.Actors.Channels.Delivery;
using Broker.Actors.Channels.Home;
using System.Net;
using Akka.Actor;
using Akka.Event;
using Broker.Actors.Access;
using Broker.Actors.Channels.History;
using Broker.Actors.Channels.Namespaces;
using Broker.Actors.Limits;
using Broker.Actors.Recent;
using Broker.Reactor.Loops;
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
public sealed partial class SessionActor : UntypedActor
{
    private readonly SessionContext _context;
    private ISessionWriter _writer = null!;         // From the first message on.
    private Subscriptions _subscriptions;
    private SessionCalls? _calls;                   // From the first call on; most clients make none.
    private CalledClient? _called;                  // From connect on, where the hub can call the client.
    private Principal? _principal;                  // From connect on.
    private ClientLimits.SessionLimits? _limits;    // From the first message on, where clients have rates.
    private SessionExtras? _extras;                 // From the first use of one of them on.
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
            case Bound bound: Bind(bound); break;
            case DescribeClient describe: Describe(describe); break;
            case Ended ended: OnEnded(ended.Closure); break;
            default: Unhandled(message); break;
        }
    }

    private void Bind(Bound bound)
    {
        _writer = bound.Writer;
        if (bound.Upgrade is not null) Extras.Upgrade = bound.Upgrade;
        if (_context.Limits is { } limits) _limits = limits.Begin(limits.NeedsAddress ? _writer.Connection.Remote.Address : IPAddress.None);
    }

    private SessionCalls Calls =>
        _calls ??= new SessionCalls(Self, _writer.Calls, _writer.Connection.Loop, Sent, _context.Calls, _context.Log);

    private SessionExtras Extras => _extras ??= new SessionExtras();

    private SentItems Sent =>
        Extras.SentItems ??= new SentItems(_writer.Calls, _called?.UnreadBudget ?? new ItemBudget(_context.Calls.ItemBytesMax));

    private AccessQueue Access =>
        Extras.Access ??= new AccessQueue(Self, _writer, _context.Settings.ConnectLimit, _context.Calls.Time);

    private SessionExpiry Expiry => Extras.Expiry ??=
        new SessionExpiry(_writer.Connection.Loop, _context.Calls.Time, _context.Settings.ExpiredCloseDelay, OnExpired);

    private bool IsWaiting => _extras?.Access is { IsWaiting: true };

    // The hub's own access answers at once, and never looks.
    private CancellationToken Gone => _context.HasOwnAccess ? Access.Gone : CancellationToken.None;

    private void Handle(Commands commands)
    {
        foreach (ClientCommand command in commands.InOrder)
        {
            if (IsWaiting) Access.Enqueue(command);
            else Handle(command);
        }

        _calls?.Begin();
    }

    private void OnAccess(AccessAnswered answered)
    {
        if (_ended) return;
        answered.Then();
        while (!IsWaiting && Access.TryDequeue(out ClientCommand? next)) Handle(next);
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
            case not null when _limits is not null && IsRefused(command): return;
            case ClientCommand.Publish publish: Publish(publish); return;
            case ClientCommand.Subscribe subscribe: Subscribe(subscribe); return;
            case ClientCommand.Unsubscribe unsubscribe: Unsubscribe(unsubscribe); return;
            case ClientCommand.History history: Read(history, history.Channel, HubAction.History); return;
            case ClientCommand.Presence presence: Read(presence, presence.Channel, HubAction.Presence); return;
            case ClientCommand.Refresh refresh: Refresh(refresh); return;
            case ClientCommand.InlineCalls inline when _context.HasOwnAccess: StartEach(inline.Run, _limits is null ? Authorize : Handle);
            return;
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

    // Takes a command's share of the client's rates; beyond them the client is answered here. Items of a call count with the call.
    private bool IsRefused(ClientCommand command)
    {
        (int count, LimitKind kind) = command switch
        {
            ClientCommand.Item or ClientCommand.ItemsEnd or ClientCommand.Grant or ClientCommand.Cancel or ClientCommand.Answer =>
                (0, LimitKind.Commands),
            ClientCommand.InlineCalls when _context.HasOwnAccess => (0, LimitKind.Commands),     // Each becomes a command of its own.
            ClientCommand.InlineCalls inline => (inline.Run.Calls.Length, LimitKind.Commands),
            ClientCommand.Publish => (1, LimitKind.Publishes),
            ClientCommand.Subscribe => (1, LimitKind.Subscribes),
            _ => (1, LimitKind.Commands),
        };
        if (count == 0 || _limits!.TryTake(count, kind, Math.Max(command.Bytes, (command as ClientCommand.Publish)?.LongData?.Bytes ?? 0)))
            return false;
        if (_limits.IsOver)
        {
            (command as ClientCommand.Publish)?.LongData?.Release();
            (command as ClientCommand.Call)?.Reservation?.Dispose();
            Disconnect(DisconnectReason.TooManyRequests, "too many commands were refused for their rate");
            _writer.Done(command.Bytes);
            return true;
        }

        switch (command)
        {
            // To refuse these would leave a client in a state that it wants to leave: they are served, and count.
            case ClientCommand.Unsubscribe or ClientCommand.Refresh: return false;
            case ClientCommand.InlineCalls inline when inline.Run.Calls.Length > 1: StartEach(inline.Run, Handle); return true;
            case ClientCommand.InlineCalls inline: StartEach(inline.Run, Refuse); return true;
            case ClientCommand.Call call: Refuse(call); return true;
            case ClientCommand.Send: _writer.Done(command.Bytes); return true;
            case ClientCommand.Publish publish: publish.LongData?.Release(); break;
            default: break;
        }

        Reject(command, HubError.TooManyRequests);
        return true;
    }

    private void Refuse(ClientCommand.Call call)
    {
        call.Reservation?.Dispose();
        _writer.Calls.Faulted(call.Id, FaultCode.Overloaded, HubError.TooManyRequests.Message);
        _writer.Done(call.Bytes);
    }

    private void OnEnded(Closure closure)
    {
        _ended = true;
        if (_principal is { } principal)
        {
            // A client that closes in good order, or is closed so, has been sent everything before that.
            bool mayHaveLost = closure.Cause is not (ClosureCause.ClosedByClient or ClosureCause.ClosedByServer or ClosureCause.Shutdown);
            string cause = Broker.Core.Counting.CodeTable.SnakeOf(closure.Cause.ToString()).Replace('_', ' ');
            _context.Ends.AddConnection(
                principal.Client, principal.User, (int)closure.Code, closure.Reason.Length == 0 ? cause : $"{cause}: {closure.Reason}",
                    mayHaveLost);
        }

        Context.Stop(Self);
    }

    private void Describe(DescribeClient describe)
    {
        var client = new ClientDescription(_principal?.User ?? "", _writer.Connection.QueuedBytes, Subscription: null);
        if (!_subscriptions.TryGet(describe.Channel, out Subscription? subscription)) describe.Then(client);
        else
            _context.FanOut.Tell(
                new ChannelProtocol.DescribeSubscriber(subscription, found => describe.Then(client with { Subscription = found })),
                    ActorRefs.NoSender);
    }

    private void AddRefusal(string channel, HubError error) =>
        _context.Ends.AddRefusal(
            _principal?.Client ?? "", channel, error.Kind == HubErrorKind.Application ? error.ApplicationCode : 100 + (int)error.Kind,
                error.Message);

    private void Reject(ClientCommand command, HubError error)
    {
        if (command is ClientCommand.Subscribe subscribe && error.Kind != HubErrorKind.AlreadySubscribed)
            AddRefusal(subscribe.Channel, error);
        _writer.Failed(command.Id, command.Index, error);
        _writer.Done(command.Bytes);
    }

    private void OnFailed(ChannelProtocol.Failed failed)
    {
        bool isServerSide = failed.Subscription is { Options.IsServerSide: true };
        if (failed.Subscription is { } subscription && IsHeld(subscription))
        {
            _subscriptions.Remove(subscription.Key, out _);
            AddRefusal(subscription.Channel, failed.Error);
        }

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
        _extras?.Expiry?.Set(subscription.Key, date: null);
        subscription.End = EndOf(evicted.Reason.Kind);
        Leave(subscription);

        // A client does not renew by itself what the server has subscribed it to: it has to connect again.
        if (subscription.Options.IsServerSide && evicted.Reason.Kind == UnsubscribeKind.InsufficientState)
            Disconnect(DisconnectReason.InsufficientState, $"a publication of {subscription.Channel} was lost");
        else _writer.Evicted(subscription, evicted.Reason);
    }

    private static SubscriptionEnd EndOf(UnsubscribeKind kind) => kind switch
    {
        UnsubscribeKind.ByServer => SubscriptionEnd.ByServer,
        UnsubscribeKind.Expired => SubscriptionEnd.Expired,
        UnsubscribeKind.StateInvalidated => SubscriptionEnd.StateInvalidated,
        _ => SubscriptionEnd.InsufficientState,
    };

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
        if (_principal is { } principal) _context.Connected?.Remove(principal);
        foreach (Subscription subscription in _subscriptions.All)
        {
            subscription.End = SubscriptionEnd.ConnectionEnded;
            Leave(subscription);
        }

        _subscriptions.Clear();
        _calls?.AbandonAll();
        _called?.Close();
        _extras?.Access?.Close();
        _extras?.Expiry?.Stop();
        _limits?.End();

        // A session that failed has not seen the end of its connection: the client is disconnected, and may come back.
        _writer.Disconnect(DisconnectReason.ServerError);
    }
}
