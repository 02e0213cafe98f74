using Akka.Actor;
using Broker.Actors.Channels.Formats;
using Broker.Actors.Channels.Home;
using Broker.Core.Protocol.Transfers;
using Broker.Core.Counting;
using static Broker.Actors.Channels.ChannelProtocol;

namespace Broker.Actors.Channels.Relay;

/// <summary>
/// This node's side of the channels of one home: counts the subscriptions of each loop, attaches the node to the home with the first
/// and detaches it with the last, and keeps the account of bytes that the loops have not sent yet.
/// </summary>
/// <remarks>For the thread of its actor. While a loop lags behind by more than its bound, publishers wait for their replies.</remarks>
internal sealed class ChannelRelay
{
    private readonly ChannelHome _home;
    private readonly IReadOnlyList<IActorRef> _fanOuts;
    private readonly ChannelNumbers _numbers;
    private readonly ChannelSettings _settings;
    private readonly LoopCounters _counters;
    private readonly Dictionary<string, RelayChannel> _channels = new(StringComparer.Ordinal);
    private readonly long[] _pending;                               // Bytes of publications that each loop has not sent yet.
    private readonly Queue<(IActorRef Publisher, Published Reply)> _held = new();

    /// <summary>Makes the relay.</summary>
    /// <param name="home">The home of its channels.</param>
    /// <param name="self">The home's number, and the actor that the relay runs in.</param>
    /// <param name="context">What it shares with the other relays of the node.</param>
    /// <param name="counters">Those of the loop that it runs on.</param>
    internal ChannelRelay(ChannelHome home, HomeRef self, ChannelContext context, LoopCounters counters)
    {
        _home = home;
        Self = self;
        _fanOuts = context.FanOuts;
        Formats = context.Formats;
        _numbers = context.Numbers;
        _settings = context.Settings;
        _counters = counters;
        _pending = new long[_fanOuts.Count];
    }

    /// <summary>The home's number, and the actor that the relay runs in.</summary>
    internal HomeRef Self { get; }

    /// <summary>How many loops the node has.</summary>
    internal int Loops => _fanOuts.Count;

    /// <summary>The formats of the hub.</summary>
    internal PublicationFormats Formats { get; }

    /// <summary>Channels with a subscription on this node.</summary>
    internal int Count => _channels.Count;

    /// <summary>Counts a subscription, and has its fan-out answer it.</summary>
    internal void Subscribe(Subscribe subscribe)
    {
        Subscription subscription = subscribe.Subscription;
        SubscribeOptions options = subscription.Options;
        SubscribeResult result = subscribe.Terms;
        bool isKnown = _channels.TryGetValue(subscription.Channel, out RelayChannel? channel);
        channel ??= new RelayChannel(this, subscription.Channel, _numbers.Next());
        if (!isKnown || options.RecoverFrom is not null)
        {
            ChannelHomeProtocol.Attached attached = _home.Attach(new ChannelHomeProtocol.Attach(subscription.Channel, subscribe.Id) { After = options.RecoverFrom }, channel);
            if (attached.Error is { } error)
            {
                if (!isKnown) _home.Detach(new ChannelHomeProtocol.Detach(subscription.Channel), channel);
                subscription.Session.Tell(new Failed(subscribe.Id, subscribe.Bytes, error, subscription), ActorRefs.NoSender);
                return;
            }

            channel.Position = attached.Position;
            channel.Recoverable = attached.Recoverable;
            result = result with { Missed = attached.Missed, Recovered = attached.Recovered, WasRecovering = options.RecoverFrom is not null };
        }

        if (!isKnown)
        {
            _channels.Add(subscription.Channel, channel);
            _counters.Add(LoopCount.Channels);
        }

        _counters.Add(LoopCount.Subscriptions);
        channel.Add(subscription, 1);
        subscription.CountedBy = channel;
        result = result with { Number = channel.Number, Position = channel.Position, Recoverable = channel.Recoverable, Positioned = channel.Recoverable && options.Positioned };
        _fanOuts[subscription.Loop].Tell(new Add(subscription, Self.Number, result, subscribe.Id, subscribe.Bytes), ActorRefs.NoSender);
    }

    /// <summary>Counts a subscription no longer, and has its fan-out answer it.</summary>
    internal void Unsubscribe(Unsubscribe unsubscribe)
    {
        Subscription subscription = unsubscribe.Subscription;

        // After a restart this relay does not know the subscription, though perhaps others of the same channel, made since;
        // the fan-out does not know it either, and still answers.
        if (_channels.TryGetValue(subscription.Channel, out RelayChannel? channel) && ReferenceEquals(subscription.CountedBy, channel))
        {
            subscription.CountedBy = null;
            channel.Add(subscription, -1);
            _counters.Add(LoopCount.Subscriptions, -1);
            if (channel.Count == 0) Leave(channel);
        }

        _fanOuts[subscription.Loop].Tell(new Remove(subscription, unsubscribe.Id, unsubscribe.Bytes), ActorRefs.NoSender);
    }

    private void Leave(RelayChannel channel)
    {
        _channels.Remove(channel.Name);
        _counters.Add(LoopCount.Channels, -1);
        _home.Detach(new ChannelHomeProtocol.Detach(channel.Name), channel);
    }

    /// <summary>Has the home publish, and answers the publisher: at once, or when no loop lags behind any more.</summary>
    internal void Publish(Publish publish)
    {
        ChannelHomeProtocol.Published published = _home.Publish(new ChannelHomeProtocol.Publish(publish.Channel, publish.Id, publish.Publication, publish.Options));
        publish.Publication.LongData?.LetGo();
        if (published.Error is { } error)
        {
            publish.ReplyTo.Tell(new Failed(publish.Id, publish.Bytes, error, Subscription: null), ActorRefs.NoSender);
            return;
        }

        _counters.Add(LoopCount.Publications);
        var reply = new Published(publish.Id, publish.Bytes, published.Receivers, published.Position);
        if (_held.Count == 0 && !LagsBehind) publish.ReplyTo.Tell(reply, ActorRefs.NoSender);
        else _held.Enqueue((publish.ReplyTo, reply));
    }

    /// <summary>One message for all subscriptions of a loop; its bytes are pending until the loop has sent them.</summary>
    internal void Send(int loop, Deliver deliver, int bytes)
    {
        _pending[loop] += bytes;
        _fanOuts[loop].Tell(deliver, ActorRefs.NoSender);
    }

    /// <summary>A loop has sent bytes.</summary>
    internal void OnSent(Sent sent)
    {
        // What was delivered before a restart is sent after it, and was never counted here.
        _pending[sent.Loop] = Math.Max(0, _pending[sent.Loop] - sent.Bytes);
        while (_held.Count > 0 && !LagsBehind)
        {
            (IActorRef publisher, Published reply) = _held.Dequeue();
            publisher.Tell(reply, ActorRefs.NoSender);
        }
    }

    /// <summary>The relay is lost: every fan-out evicts its subscriptions, and publishers that wait are answered.</summary>
    internal void Abandon()
    {
        foreach (IActorRef fanOut in _fanOuts) fanOut.Tell(new Reset(Self.Number), ActorRefs.NoSender);
        while (_held.TryDequeue(out (IActorRef Publisher, Published Reply) held)) held.Publisher.Tell(held.Reply, ActorRefs.NoSender);
    }

    /// <summary>Has the fan-out answer an unsubscribe at which the relay failed.</summary>
    internal void Answer(Unsubscribe unsubscribe) =>
        _fanOuts[unsubscribe.Subscription.Loop].Tell(new Remove(unsubscribe.Subscription, unsubscribe.Id, unsubscribe.Bytes), ActorRefs.NoSender);

    private bool LagsBehind
    {
        get
        {
            foreach (long bytes in _pending)
            {
                if (bytes > _settings.LoopBytesMax) return true;
            }

            return false;
        }
    }
}
