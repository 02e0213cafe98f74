using Broker.Actors.Channels.Delivery;
using System.Runtime.InteropServices;
using Akka.Actor;
using Akka.Event;
using Broker.Actors.Channels.Namespaces;
using Broker.Actors.Channels.SlowConsumers;
using Broker.Actors.Model;
using Broker.Actors.Recent;
using Broker.Actors.Runtime;
using Broker.Core.Counting;
using Broker.Reactor;
using Broker.Reactor.Loops;
using Broker.Reactor.Sockets;
using Broker.Reactor.Pipes;
using static Broker.Actors.Channels.Delivery.ChannelProtocol;

namespace Broker.Actors.Channels.FanOut;

/// <summary>
/// The fan-out of one loop: keeps the dense list of each channel's subscriptions on this loop, and sends them what the channel's
/// home delivers, all publications of a turn in one batch.
/// </summary>
/// <remarks>
/// Publications pass no session and no further mailbox: at the end of the turn the batch, one run of contiguous bytes for each
/// format, goes to every subscriber's socket. A subscription is added or removed between two batches, never inside one. One client
/// that fails is disconnected; should the fan-out itself fail, it is restarted without subscriptions, and all clients are told to
/// subscribe again.
/// </remarks>
public sealed class LoopFanOutActor : UntypedActor, ITurnDeliveries
{
    private readonly EventLoop _loop;
    private readonly LoopTurn _turn;
    private readonly Dictionary<string, LoopChannel> _channels = new(StringComparer.Ordinal);
    private readonly List<LoopChannel> _batched = [];
    private readonly int _formats;
    private readonly GroupBatches _batches;
    private readonly SlowSubscribers _slow;
    private readonly SubscriberErrors _errors;
    private readonly TracedDeliveries _traced;
    private readonly Dictionary<HomeRef, int> _sent = [];           // Bytes sent in this turn, by the home they came from.
    private readonly ILoggingAdapter _log = LiveLog.Of(Context);    // At a turn's end there is no context.

    /// <summary>Creates the props.</summary>
    /// <param name="turn">The turn of the loop that it runs on, with which it registers.</param>
    /// <param name="formats">The formats of the hub.</param>
    /// <param name="settings">Bounds.</param>
    public static Props PropsFor(LoopTurn turn, PublicationFormats formats, ChannelSettings settings) =>
        Props.Create(() => new LoopFanOutActor(turn, formats, settings));

    /// <summary>Use <see cref="PropsFor"/>.</summary>
    public LoopFanOutActor(LoopTurn turn, PublicationFormats formats, ChannelSettings settings)
    {
        ArgumentNullException.ThrowIfNull(turn);
        ArgumentNullException.ThrowIfNull(formats);
        ArgumentNullException.ThrowIfNull(settings);
        _turn = turn;
        _loop = turn.Loop;
        _formats = formats.Count;
        _errors = new SubscriberErrors(_log);
        _traced = new TracedDeliveries(_loop.Number);
        var pool = new BatchPool(_loop, formats);
        _slow = new SlowSubscribers(turn, pool, _errors, settings.BatchBytesMax);
        _batches = new GroupBatches(_loop, pool, _slow, _errors, settings.BatchBytesMax);
    }

    /// <inheritdoc />
    protected override void PreStart() => _turn.Deliveries = this;

    /// <inheritdoc />
    protected override void PostStop()
    {
        if (ReferenceEquals(_turn.Deliveries, this)) _turn.Deliveries = null;
    }

    /// <inheritdoc />
    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case Deliver deliver: Batch(deliver); break;
            case AddSubscriber add: Add(add); break;
            case RemoveSubscriber remove: Remove(remove); break;
            case VerifyPosition verify: Verify(verify); break;
            case DescribeSubscriber describe: describe.Then(Describe(describe.Subscription)); break;
            case Reset reset: EvictAll(reset.Home); break;
            default: Unhandled(message); break;
        }
    }

    private void Batch(Deliver deliver)
    {
        EncodedPublication publication = deliver.Publication;
        CollectionsMarshal.GetValueRefOrAddDefault(_sent, deliver.Home, out _) += publication.Bytes;
        if (!_channels.TryGetValue(deliver.Channel, out LoopChannel? channel))
        {
            publication.ByReference?.Data.Release();
            return;
        }

        if (!IsNext(channel, publication.Offset)) return;
        if (publication.Extras is { Trace.Length: > 0 } extras) _traced.Begin(extras.Trace, channel);
        if (!channel.IsBatched) _batched.Add(channel);
        channel.IsBatched = true;
        foreach (SubscriberGroup? group in channel.Plain)
        {
            if (group is { Members.Count: > 0 }) Batch(channel, group, publication, deliver.ExceptClient);
        }

        if (channel.Special.Count > 0) BatchSpecial(channel, publication, deliver.ExceptClient);
        if (publication.ByReference is null) return;
        publication.ByReference.Data.Release();
        if (!channel.HasMembers) _channels.Remove(channel.Name);
    }

    // Should a publication ever be lost on its way here, or the channel begin again with another epoch, the subscribers that have
    // positions are asked to subscribe again.
    private bool IsNext(LoopChannel channel, ulong offset)
    {
        if (offset == 0) return true;
        ulong before = channel.LastOffset;
        channel.LastOffset = offset;
        return offset == before + 1 || EvictPositioned(channel, before);
    }

    // Asked once an interval, for what was lost and is followed by no publication that would show it.
    private void Verify(VerifyPosition verify)
    {
        if (!_channels.TryGetValue(verify.Channel, out LoopChannel? channel) || (!verify.IsLost && channel.LastOffset == verify.Offset))
            return;
        ulong before = channel.LastOffset;
        channel.LastOffset = verify.Offset;
        EvictPositioned(channel, before);
    }

    // Those who got everything up to an offset, and not what is behind it. Returns whether the channel has members still.
    private bool EvictPositioned(LoopChannel channel, ulong upTo)
    {
        List<Subscription> positioned =
            [.. channel.Groups.SelectMany(static group => group.Members)
                .Where(static each => each.Grants.HasFlag(SubscriptionGrants.Positioned))];
        if (positioned.Count == 0) return true;
        _batches.Send(channel, atOnce: true);
        foreach (Subscription subscription in positioned)
        {
            channel.Remove(subscription);
            Evict(subscription, upTo);
        }

        if (channel.HasMembers) return true;
        _channels.Remove(channel.Name);
        return false;
    }

    private void Batch(LoopChannel channel, SubscriberGroup group, in EncodedPublication publication, string exceptClient)
    {
        if (group.Choose(publication) is { } encoded)
        {
            if (group.Batched is { } batched && !publication.IsPresence)
                batched.Add(new BatchedPublication(
                    encoded, publication.Offset, publication.Extras is { Key.Length: > 0 } extras ? extras.Key : null));
            _batches.Append(group, encoded, exceptClient);
        }
        else if (publication.ByReference is { } whole && group.WantsLong(publication))
        {
            SendLong(channel, group, whole, exceptClient);
        }
    }

    // A group that had nothing to make a difference from has it now.
    private void BatchSpecial(LoopChannel channel, in EncodedPublication publication, string exceptClient)
    {
        foreach (SubscriberGroup group in channel.Special.ToArray())
        {
            Batch(channel, group, publication, exceptClient);
            if (publication.IsPresence || group.Kind.Delta != DeltaState.Whole || exceptClient.Length > 0
                || publication.Deltas?.Whole(group.Format.Encoding.Slot) is null) continue;
            _batches.Send(channel, atOnce: true);
            foreach (Subscription subscription in group.Members.ToArray())
            {
                channel.Remove(subscription);
                channel.GroupFor(subscription, DeltaState.Difference).Add(subscription);
            }
        }
    }

    // To each client by itself, as it takes it. One whose format has no way for it is notified of the gap.
    private void SendLong(LoopChannel channel, SubscriberGroup group, LongPublication publication, string exceptClient)
    {
        _batches.Send(group, atOnce: true);
        foreach (Subscription subscription in group.Members.ToArray())
        {
            if (exceptClient.Length > 0 && subscription.Subscriber.Client == exceptClient) continue;
            try
            {
                if (group.Format.TryDeliverLong(subscription, publication))
                {
                    _loop.Counters.Add(LoopCount.Deliveries);
                    continue;
                }

                channel.Remove(subscription);
                Evict(subscription, upTo: publication.Offset == 0 ? channel.LastOffset : publication.Offset - 1);
            }
            catch (Exception failure)
            {
                _errors.CutOff(subscription, failure);
            }
        }
    }

    private void Add(AddSubscriber add)
    {
        Subscription subscription = add.Subscription;
        if (!_channels.TryGetValue(subscription.Channel, out LoopChannel? channel))
        {
            _channels.Add(
                subscription.Channel, channel =
                    new LoopChannel(subscription.Channel, add.Home, _formats) { LastOffset = add.Result.Position.Offset });
        }

        // What was published before belongs to those who were subscribed before.
        _batches.Send(channel, atOnce: true);
        subscription.Number = add.Result.Number;
        channel.GroupFor(subscription, subscription.Grants.HasFlag(SubscriptionGrants.Delta) ? DeltaState.Whole : DeltaState.None)
            .Add(subscription);
        try
        {
            subscription.Subscriber.Subscribed(add.Id, subscription, add.Result);
            subscription.Subscriber.Done(add.Bytes);
        }
        catch (Exception failure)
        {
            _errors.CutOff(subscription, failure);
        }
    }

    private void Remove(RemoveSubscriber remove)
    {
        Subscription subscription = remove.Subscription;
        if (subscription.Index >= 0 && _channels.TryGetValue(subscription.Channel, out LoopChannel? channel))
        {
            _batches.Send(channel, atOnce: true);
            channel.Remove(subscription);
            _slow.Remove(subscription);
            _turn.Ends.AddSubscription(
                subscription.Subscriber.Client, subscription.Channel, subscription.Since, channel.LastOffset, subscription.End);
            if (!channel.HasMembers) _channels.Remove(subscription.Channel);
        }

        try
        {
            if (remove.Id != 0) subscription.Subscriber.Unsubscribed(remove.Id, subscription.Number);
            subscription.Subscriber.Done(remove.Bytes);
        }
        catch (Exception failure)
        {
            _errors.CutOff(subscription, failure);
        }
    }

    private void EvictAll(int home)
    {
        foreach (LoopChannel channel in _channels.Values.Where(each => each.Home == home).ToList())
        {
            _batches.Send(channel, atOnce: true);
            _channels.Remove(channel.Name);
            EvictAll(channel);
        }
    }

    private void EvictAll(LoopChannel channel)
    {
        foreach (Subscription subscription in channel.Groups.SelectMany(static group => group.Members).ToArray())
        {
            subscription.Index = -1;
            subscription.Group = null;
            subscription.Waiting = null;
            Evict(subscription, channel.LastOffset);
        }
    }

    private void Evict(Subscription subscription, ulong upTo)
    {
        _turn.Ends.AddSubscription(
            subscription.Subscriber.Client, subscription.Channel, subscription.Since, upTo, SubscriptionEnd.InsufficientState);
        subscription.Session.Tell(new Evicted(subscription, UnsubscribeReason.InsufficientState), ActorRefs.NoSender);
    }

    private SubscriptionDescription? Describe(Subscription subscription)
    {
        if (subscription.Group is not { } group || !_channels.TryGetValue(subscription.Channel, out LoopChannel? channel)) return null;
        return new SubscriptionDescription(subscription.Since, channel.LastOffset)
        {
            RecoverFrom = subscription.HasNotRecovered ? subscription.Options.RecoverFrom!.Value.Offset : null,
            Filter = group.Filter,
            WaitingCount = subscription.Waiting?.Count ?? 0,
            Waiting = subscription.Waiting?.Offsets ?? [],
            Missed = subscription.Waiting?.Missed ?? [],
        };
    }

    /// <inheritdoc />
    protected override void PreRestart(Exception reason, object message)
    {
        _log.Error(reason,
            "The fan-out of loop {0} failed and is restarted; the subscribers of its {1} channels are asked to subscribe again.",
                _loop.Number, _channels.Count);
        foreach (LoopChannel channel in _channels.Values)
        {
            _batches.Send(channel, atOnce: true);
            EvictAll(channel);
        }

        // The homes wait for what they delivered to be sent.
        Account();
        base.PreRestart(reason, message);
    }

    /// <summary>Sends the batches of the turn.</summary>
    void ITurnDeliveries.Send()
    {
        // Where several channels have a batch, a client may be in several of them: then each client's are gathered first.
        bool atOnce = _batched.Count == 1;
        foreach (LoopChannel channel in _batched)
        {
            channel.IsBatched = false;
            _batches.Send(channel, atOnce);
        }

        _batched.Clear();
        if (_slow.Any) _slow.Send();
        _traced.End();
    }

    /// <summary>Notifies each home of what was sent of it.</summary>
    void ITurnDeliveries.Account() => Account();

    private void Account()
    {
        if (_sent.Count == 0) return;
        foreach ((HomeRef home, int bytes) in _sent) home.Actor.Tell(new Sent(_loop.Number, bytes), ActorRefs.NoSender);
        _sent.Clear();
    }
}
