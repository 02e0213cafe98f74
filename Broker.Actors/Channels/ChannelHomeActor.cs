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
    private static readonly TimeSpan s_digestRound = TimeSpan.FromSeconds(10), s_betweenDigests = TimeSpan.FromMilliseconds(128);

    private readonly LoopCounters _counters;
    private readonly IActorRef _self;
    private readonly ChannelRelay _relay;
    private readonly LoopTimer? _sweeps, _changes, _nodes, _digests;
    private readonly int _digestsAtATime;
    private readonly PositionChecks? _checks;

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
            new ChannelHome(shared, context.StoreOf(number), this), new HomeRef(number, Self), context, counters, this, OnWaiting,
                loop is null ? null : () => loop.NowMilliseconds, OnNodesWaiting);
        if (loop is null) return;
        _changes = new LoopTimer(loop, () => _relay.FlushChanges());
        if (context.Nodes is { } nodes)
        {
            _nodes = new LoopTimer(loop, TickNodes);
            _digests = new LoopTimer(loop, SendDigests);
            int own = (nodes.Partitions + context.FanOuts.Count - 1) / context.FanOuts.Count;
            _digestsAtATime = Math.Max(1, (int)Math.Ceiling(own * s_betweenDigests / s_digestRound));
        }

        if (!context.Homes.Namespaces.KeepAnything) return;
        _sweeps = new LoopTimer(loop, Sweep);
        if (context.Homes.Settings.PositionCheckInterval > TimeSpan.Zero)
            _relay.Checks = _checks =
                new PositionChecks(
                    loop, context.Homes.Settings.PositionCheckInterval, channel => _relay.Handle(new CheckPosition(channel.Name)));
    }

    /// <inheritdoc />
    protected override void PreStart()
    {
        // After a restart it knows no channel.
        _counters.Set(LoopCount.Channels, 0);
        _counters.Set(LoopCount.Subscriptions, 0);
        _sweeps?.Set(s_second);
        _digests?.Set(s_betweenDigests);
    }

    /// <inheritdoc />
    protected override void PostStop()
    {
        _sweeps?.Stop();
        _checks?.Stop();
        _changes?.Stop();
        _nodes?.Stop();
        _digests?.Stop();
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
            case NodeEvents.Arrived arrived: _relay.Handle(arrived); break;
            case NodeEvents.Changed: _relay.OnNodesChanged(); break;
            case NodeEvents.Ended ended: _relay.OnLaneEnded(ended.Lane); break;
            case NodeEvents.Removed removed: _relay.OnNodeRemoved(removed.Node); break;
            default: Unhandled(message); break;
        }
    }

    /// <inheritdoc />
    public void Post(Action action) => _self.Tell(new Go(action), ActorRefs.NoSender);

    private void OnNodesWaiting() => _nodes?.Set(s_soon);

    private void TickNodes()
    {
        if (_relay.TickNodes()) _nodes!.Set(s_soon);
    }

    private void SendDigests()
    {
        _relay.SendDigests(_digestsAtATime);
        _digests!.Set(s_betweenDigests);
    }

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
