using Broker.Actors.Model;
using Akka.Actor;
using Akka.Event;
using Broker.Actors.Routing;
using Broker.Actors.Rpc;
using Broker.Core.Centrifuge;
using Broker.Core.Protocol.Calls;
using Broker.Core.Topics;
using Broker.Reactor.Loops;
using static Broker.Actors.Sessions.SessionProtocol;
using FaultCode = Broker.Core.Protocol.Messages.FaultCode;

namespace Broker.Actors.Sessions;

/// <summary>One connected client, from the end of its handshake to the end of its connection.</summary>
/// <remarks>
/// Waiting --connect--> Open --connection ended--> stopped. Never restarted: if it fails, its client is sent away and may
/// come back. It decides and keeps; publications do not pass through it.
/// </remarks>
public sealed class SessionActor : UntypedActor
{
    private readonly SessionEnvironment _around;
    private ISessionOutlet _outlet = null!;         // From the first message on.
    private Memberships _memberships;
    private SessionCalls? _calls;                   // From the first call on; most clients make none.
    private CalledClient? _called;                  // From connect on, where the hub can call the client.
    private SaidItems? _said;                       // From the first call on, or the first item.
    private Principal? _principal;                  // From connect on.
    private ReadOnlyMemory<byte> _info;             // The principal as publications carry it, from the first one on.
    private bool _ended;

    /// <summary>How it is made; the same for all sessions of a loop. The first that it hears is <see cref="Bound"/>.</summary>
    public static Props PropsFor(SessionEnvironment around) => Props.CreateBy(new SessionProducer(around));

    private sealed class SessionProducer(SessionEnvironment around) : IIndirectActorProducer
    {
        public Type ActorType => typeof(SessionActor);

        public ActorBase Produce() => new SessionActor(around);

        public void Release(ActorBase actor)
        {
        }
    }

    /// <summary>Use <see cref="PropsFor"/>.</summary>
    public SessionActor(SessionEnvironment around) => _around = around;

    /// <inheritdoc />
    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case Commands commands: Obey(commands); break;
            case Published published: _outlet.Published(published.Id, published.Receivers, published.Offset); _outlet.Done(published.Bytes); break;
            case Failed failed: OnFailed(failed); break;
            case CallReturned returned: _calls!.OnReturned(returned); break;
            case CallsReturned several: foreach (CallReturned each in several.InOrder) _calls!.OnReturned(each); break;
            case CallSaid said: _calls!.OnSaid(said); break;
            case CallTook took: _calls!.OnTook(took); break;
            case CallClient call: Call(call); break;
            case SayToClient say: SayToClient(say); break;
            case EndToClient end when _called!.IsWaiting(end.Id): _outlet.Calls.SaidAll(end.Id); break;
            case GrantClient grant when _called!.IsWaiting(grant.Id): _outlet.Calls.Granted(grant.Id, grant.Items); break;
            case EndToClient or GrantClient: break;
            case CancelClientCall cancel: _outlet.Calls.Cancelled(cancel.Id); break;
            case Evicted evicted: OnEvicted(evicted.Membership); break;
            case Bound bound: _outlet = bound.Outlet; break;
            case Ended: _ended = true; Context.Stop(Self); break;
            default: Unhandled(message); break;
        }
    }

    private SessionCalls Calls => _calls ??= new SessionCalls(Self, _outlet.Calls, _outlet.Connection.Loop, Said, _around.Calls, _around.Log);

    private SaidItems Said => _said ??= new SaidItems(_outlet.Calls, _called?.Untaken ?? new ItemBudget(_around.Calls.ItemBytesMax));

    private void Obey(Commands commands)
    {
        foreach (ClientCommand command in commands.InOrder) Obey(command);
        _calls?.Begin();
    }

    // One arm a command. What is answered here is done here; what goes on to a channel's home is done when that answers.
    private void Obey(ClientCommand command)
    {
        if (_ended) return;
        switch (command)
        {
            case ClientCommand.Misuse misuse: SendAway(misuse.Why, misuse.Detail); return;
            case ClientCommand.Leave: _ended = true; _outlet.SeeOff(); return;
            case ClientCommand.Connect connect: Connect(connect); break;
            case not null when _principal is null: SendAway(Disconnect.BadRequest, "a command before connect"); return;
            case ClientCommand.Publish publish: Publish(publish); return;
            case ClientCommand.Subscribe subscribe: Subscribe(subscribe); return;
            case ClientCommand.Unsubscribe unsubscribe: Unsubscribe(unsubscribe); return;
            case ClientCommand.Invalid invalid: _outlet.Failed(command.Id, command.Index, invalid.Error); break;
            case ClientCommand.Send: break;
            case ClientCommand.QuickCalls quick: Calls.Start(quick.Run, _principal); break;
            case ClientCommand.Call call: Calls.Start(call, _principal); break;
            case ClientCommand.Item item when CallIds.IsServers(item.Id): _called?.OnItem(item.Id, item.Data); break;
            case ClientCommand.Item item: _calls?.OnItem(item); break;
            case ClientCommand.ItemsEnd: _calls?.OnItemsEnd(command.Id); break;
            case ClientCommand.Grant grant when CallIds.IsServers(grant.Id): _called?.OnGranted(grant.Id, grant.Items); break;
            case ClientCommand.Grant grant: _calls?.OnGranted(grant.Id, grant.Items); break;
            case ClientCommand.Cancel: _calls?.Cancel(command.Id); break;
            case ClientCommand.Answer answer: _called?.Answer(answer.Id, answer.Code, answer.Result, answer.Text); break;
            default: _outlet.Failed(command!.Id, command.Index, CentrifugeError.NotAvailable); break;
        }

        _outlet.Done(command.Bytes);
    }

    private void Connect(ClientCommand.Connect connect)
    {
        if (_principal is not null)
        {
            SendAway(Disconnect.BadRequest, "connect said twice");
        }
        else if (_around.Permissions.CheckConnect(connect.HasToken) is { } refused)
        {
            SendAway(refused, "connect refused");
        }
        else
        {
            _principal = new Principal("", Guid.NewGuid().ToString());
            _outlet.Connected(connect.Id, _principal.Client);
            if (_outlet.WindowsOfHubCalls is { } windows) _called = _around.Calls.Clients.Add(_principal.Client, Self, new ItemBounds(windows, _around.Calls.ItemBytesMax));
            if (_around.Log.IsDebugEnabled) _around.Log.Debug("{0} from {1} is client {2}.", _outlet.Connection.Id, _outlet.Connection.Remote, _principal.Client);
        }
    }

    private void Subscribe(ClientCommand.Subscribe subscribe)
    {
        CentrifugeError? refused = subscribe switch
        {
            _ when ChannelName.Check(subscribe.Channel, _around.Settings.ChannelBytesMax) is not null => CentrifugeError.BadRequest,
            _ when _memberships.TryGet(subscribe.Channel, out _) => CentrifugeError.AlreadySubscribed,
            _ when _memberships.Count >= _around.Settings.ChannelsMax => CentrifugeError.LimitExceeded,
            { WantsMore: true } => CentrifugeError.NotAvailable,
            _ => _around.Permissions.Check(ChannelAction.Subscribe, subscribe.Channel, _principal!),
        };
        if (refused is { } why)
        {
            Refuse(subscribe, why);
            return;
        }

        var member = new Membership(subscribe.Channel, _outlet.Connection.Id.Loop, Self, _outlet);
        _memberships.Add(member);
        _around.Routes.HomeOf(subscribe.Channel).Tell(new RoutingProtocol.Subscribe(member, subscribe.Id, subscribe.Bytes));
    }

    private void Unsubscribe(ClientCommand.Unsubscribe unsubscribe)
    {
        // Whoever did not listen is told that it does not: the same answer, as the official server gives it.
        if (_memberships.Remove(unsubscribe.Channel, out Membership? member))
        {
            _around.Routes.HomeOf(member.Channel).Tell(new RoutingProtocol.Unsubscribe(member, unsubscribe.Id, unsubscribe.Bytes));
            return;
        }

        _outlet.Unsubscribed(unsubscribe.Id, unsubscribe.Number);
        _outlet.Done(unsubscribe.Bytes);
    }

    private void Publish(ClientCommand.Publish publish)
    {
        CentrifugeError? refused = (publish.IsJson && publish.Data.IsEmpty) || ChannelName.Check(publish.Channel, _around.Settings.ChannelBytesMax) is not null
            ? CentrifugeError.BadRequest
            : _around.Permissions.Check(ChannelAction.Publish, publish.Channel, _principal!);
        if (refused is { } why)
        {
            publish.LongData?.LetGo();
            Refuse(publish, why);
            return;
        }

        if (_info.IsEmpty) _info = PublicationEncoder.EncodeInfo(_principal!.User, _principal.Client);
        _around.Routes.HomeOf(publish.Channel).Tell(new RoutingProtocol.Publish(publish.Channel, publish.Data, _info, Self, publish.Id, publish.Bytes) { IsJson = publish.IsJson, LongData = publish.LongData });
    }

    private void Call(CallClient call)
    {
        FaultCode refused = _outlet.Calls.Call(call.Id, call.Method, call.Deadline, call.Arguments, call.Options);
        if (refused != FaultCode.None) _called?.Answer(call.Id, refused, default, "the call could not be sent");
    }

    // It has taken room in any case, and gives it back when it is gone.
    private void SayToClient(SayToClient say)
    {
        if (_called!.IsWaiting(say.Id) && !_outlet.Calls.Said(say.Id, say.Item)) _called.OnTooLong(say.Id, say.Item.Length);
        Said.Add(say.Item.Length);
    }

    private void Refuse(ClientCommand command, CentrifugeError why)
    {
        _outlet.Failed(command.Id, command.Index, why);
        _outlet.Done(command.Bytes);
    }

    private void OnFailed(Failed failed)
    {
        if (failed.Membership is { } member && IsHeld(member)) _memberships.Remove(member.Channel, out _);
        _outlet.Failed(failed.Id, index: 0, failed.Error);
        _outlet.Done(failed.Bytes);
    }

    private void OnEvicted(Membership member)
    {
        // One that the client has left meanwhile, or has taken anew, is not evicted.
        if (!IsHeld(member)) return;
        _memberships.Remove(member.Channel, out _);
        Leave(member);
        _outlet.Evicted(member.Channel, member.Number, Unsubscribed.InsufficientState);
    }

    private bool IsHeld(Membership member) => _memberships.TryGet(member.Channel, out Membership? held) && ReferenceEquals(held, member);

    // Whoever evicted it, the home or the fan-out: the other one may still count it.
    private void Leave(Membership member) => _around.Routes.HomeOf(member.Channel).Tell(new RoutingProtocol.Unsubscribe(member, Id: 0, Bytes: 0));

    private void SendAway(Disconnect why, string detail)
    {
        _ended = true;
        _around.Log.Debug("{0} is sent away with {1} {2}: {3}.", _outlet.Connection.Id, why.Code, why.Reason, detail);
        _outlet.Disconnect(why);
    }

    /// <summary>The last word of every session, said however it ended: its places in channels are free.</summary>
    protected override void PostStop()
    {
        foreach (Membership member in _memberships.All) Leave(member);
        _memberships.Clear();
        _calls?.AbandonAll();
        _called?.Close();

        // A session that failed has not heard the end of its connection: the client is sent away, and may come back.
        _outlet.Disconnect(Disconnect.ServerError);
    }
}
