using Broker.Actors.Channels.Delivery;
using Broker.Actors.Channels.Home;
using Akka.Actor;
using Akka.Event;
using Broker.Actors.Channels.Relay;
using Broker.Actors.Runtime;
using Broker.Core.Counting;
using Broker.Reactor;
using Broker.Reactor.Loops;
using Broker.Reactor.Sockets;
using Broker.Reactor.Pipes;
using static Broker.Actors.Channels.Delivery.ChannelProtocol;

namespace Broker.Actors.Channels;

/// <summary>
/// The channels whose names hash to it: their <see cref="ChannelHome"/>, which orders and keeps publications, and this node's
/// <see cref="ChannelRelay"/>, which encodes and delivers them, both in one turn.
/// </summary>
/// <remarks>
/// Runs on one loop and is restarted there if it fails: it then knows no subscription any more, tells every fan-out, and the
/// clients are asked to subscribe again. Histories are kept.
/// </remarks>
public sealed class ChannelHomeActor : UntypedActor, IHomeThread
{
    private const int SweptChannelsMax = 1000;
    private static readonly TimeSpan s_second = TimeSpan.FromSeconds(1), s_soon = TimeSpan.FromMilliseconds(64);

    private readonly LoopCounters _counters;
    private readonly IActorRef _self;
    private readonly ChannelRelay _relay;
    private readonly LoopTimer? _sweeps, _changes;

    private sealed record Go(Action Action) : INoSerializationVerificationNeeded;

    /// <summary>Creates the props.</summary>
    /// <param name="number">Its number.</param>
    /// <param name="context">What all homes of the node share.</param>
    /// <param name="counters">Those of the loop that it runs on.</param>
    /// <param name="loop">That loop, whose clock tells when to free what has expired; without one no one does.</param>
    public static Props PropsFor(int number, ChannelContext context, LoopCounters counters, EventLoop? loop = null) =>
        Props.Create(() => new ChannelHomeActor(number, context, counters, loop));

    /// <summary>Use <see cref="PropsFor"/>.</summary>
    public ChannelHomeActor(int number, ChannelContext context, LoopCounters counters, EventLoop? loop)
    {
        ArgumentNullException.ThrowIfNull(context);
        _counters = counters;
        _self = Self;
        ILoggingAdapter log = LiveLog.Of(Context);
        ChannelHomeContext shared = context.Homes with
        {
            Counters = context.CountersOf(number),
            OnStoreFailed = (channel, failure) => log.Error(failure, "The history of channel {0} could not be served.", channel),
        };
        _relay = new ChannelRelay(
            new ChannelHome(shared, context.StoreOf(number), this), new HomeRef(number, Self), context, counters, this, OnWaiting);
        if (loop is null) return;
        _changes = new LoopTimer(loop, () => _relay.FlushChanges());
        if (context.Homes.Namespaces.KeepAnything) _sweeps = new LoopTimer(loop, Sweep);
    }

    /// <inheritdoc />
    protected override void PreStart()
    {
        // After a restart it knows no channel.
        _counters.Set(LoopCount.Channels, 0);
        _counters.Set(LoopCount.Subscriptions, 0);
        _sweeps?.Set(s_second);
    }

    /// <inheritdoc />
    protected override void PostStop()
    {
        _sweeps?.Stop();
        _changes?.Stop();
    }

    /// <inheritdoc />
    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case Publish or Subscribe or Unsubscribe or ReadHistory or RemoveHistory: _relay.Handle(message); break;
            case Sent sent: _relay.OnSent(sent); break;
            case ReadPresence read: _relay.ReadPresence(read); break;
            case ListChannels list: _relay.ListChannels(list); break;
            case Go go: go.Action(); break;
            default: Unhandled(message); break;
        }
    }

    /// <inheritdoc />
    public void Post(Action action) => _self.Tell(new Go(action), ActorRefs.NoSender);

    private void OnWaiting() => _changes?.Set(s_second);

    private void Sweep() => _sweeps!.Set(_relay.Sweep(SweptChannelsMax) ? s_soon : s_second);

    /// <inheritdoc />
    protected override void PreRestart(Exception reason, object message)
    {
        Context.GetLogger()
            .Error(reason, "Home {0} of {1} channels failed and is restarted; their subscribers are asked to subscribe again.",
            _relay.Self.Number, _relay.Count);
        _relay.Abandon();
        _relay.Fail(message);
        base.PreRestart(reason, message);
    }
}
