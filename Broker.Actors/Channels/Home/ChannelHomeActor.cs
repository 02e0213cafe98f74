using Akka.Actor;
using Akka.Event;
using Broker.Actors.Channels.Relay;
using Broker.Actors.Model;
using Broker.Core.Counting;
using static Broker.Actors.Channels.ChannelProtocol;

namespace Broker.Actors.Channels.Home;

/// <summary>
/// The channels whose names hash to it: their <see cref="ChannelHome"/>, which orders publications, and this node's
/// <see cref="ChannelRelay"/>, which encodes and delivers them, both in one turn.
/// </summary>
/// <remarks>
/// Runs on one loop and is restarted there if it fails: it then knows no channel any more, tells every fan-out, and the
/// clients are told to subscribe again.
/// </remarks>
public sealed class ChannelHomeActor : UntypedActor
{
    private readonly LoopCounters _counters;
    private readonly ChannelRelay _relay;

    /// <summary>Creates the props.</summary>
    /// <param name="number">Its number.</param>
    /// <param name="context">What all homes of the node share.</param>
    /// <param name="counters">Those of the loop that it runs on.</param>
    public static Props PropsFor(int number, ChannelContext context, LoopCounters counters) =>
        Props.Create(() => new ChannelHomeActor(number, context, counters));

    /// <summary>Use <see cref="PropsFor"/>.</summary>
    public ChannelHomeActor(int number, ChannelContext context, LoopCounters counters)
    {
        ArgumentNullException.ThrowIfNull(context);
        _counters = counters;
        _relay = new ChannelRelay(new ChannelHome(context.Epochs), new HomeRef(number, Self), context, counters);
    }

    /// <inheritdoc />
    protected override void PreStart()
    {
        // After a restart it knows no channel.
        _counters.Set(LoopCount.Channels, 0);
        _counters.Set(LoopCount.Subscriptions, 0);
    }

    /// <inheritdoc />
    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case Publish publish: _relay.Publish(publish); break;
            case Sent sent: _relay.OnSent(sent); break;
            case Subscribe subscribe: _relay.Subscribe(subscribe); break;
            case Unsubscribe unsubscribe: _relay.Unsubscribe(unsubscribe); break;
            default: Unhandled(message); break;
        }
    }

    /// <inheritdoc />
    protected override void PreRestart(Exception reason, object message)
    {
        Context.GetLogger().Error(reason, "Home {0} of {1} channels failed and is restarted; their subscribers are told to subscribe again.", _relay.Self.Number, _relay.Count);
        _relay.Abandon();

        // The requester is told that it failed: nothing is lost in silence.
        switch (message)
        {
            case Publish publish: publish.ReplyTo.Tell(new Failed(publish.Id, publish.Bytes, HubError.Internal, Subscription: null), ActorRefs.NoSender); break;
            case Subscribe subscribe: subscribe.Subscription.Session.Tell(new Failed(subscribe.Id, subscribe.Bytes, HubError.Internal, subscribe.Subscription), ActorRefs.NoSender); break;
            case Unsubscribe unsubscribe: _relay.Answer(unsubscribe); break;
            default: break;
        }

        base.PreRestart(reason, message);
    }
}
