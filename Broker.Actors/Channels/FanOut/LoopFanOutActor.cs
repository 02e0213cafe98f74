using Broker.Actors.Channels.Delivery;
using System.Runtime.InteropServices;
using Akka.Actor;
using Akka.Event;
using Broker.Actors.Channels.Namespaces;
using Broker.Actors.Channels.SlowConsumers;
using Broker.Actors.Model;
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
    private readonly ChannelSettings _settings;
    private readonly Dictionary<string, LoopChannel> _channels = new(StringComparer.Ordinal);
    private readonly List<LoopChannel> _batched = [];
    private readonly List<PublicationBatch>[] _spare;               // Empty batches, by format.
    private readonly List<Subscription> _slow = [];                 // Those that something waits for.
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
        _turn = turn;
        _loop = turn.Loop;
        _settings = settings;
        _spare = [.. Enumerable.Range(0, formats.Count).Select(static _ => new List<PublicationBatch>())];
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
        bool isGap = offset != channel.LastOffset + 1;
        channel.LastOffset = offset;
        if (!isGap) return true;
        List<Subscription> positioned =
            [.. channel.Groups.SelectMany(static group => group.Members)
                .Where(static each => each.Grants.HasFlag(SubscriptionGrants.Positioned))];
        if (positioned.Count == 0) return true;
        SendBatch(channel, atOnce: true);
        foreach (Subscription subscription in positioned)
        {
            channel.Remove(subscription);
            Evict(subscription);
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
            Batch(group, encoded, exceptClient);
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
            SendBatch(channel, atOnce: true);
            foreach (Subscription subscription in group.Members.ToArray())
            {
                channel.Remove(subscription);
                channel.GroupFor(subscription, DeltaState.Difference).Add(subscription);
            }
        }
    }

    private void Batch(SubscriberGroup group, byte[] encoded, string exceptClient)
    {
        if (group.Batch is { } open && (exceptClient.Length > 0 || !open.HasRoomFor(encoded.Length, _settings.BatchBytesMax)))
            SendBatch(group, atOnce: true);
        PublicationBatch batch = group.Batch ??= Rent(group.Format);
        batch.Append(encoded, _loop.Pool);
        if (exceptClient.Length > 0 || batch.Length >= _settings.BatchBytesMax) SendBatch(group, atOnce: true, exceptClient);
    }

    private PublicationBatch Rent(PublicationFormat format)
    {
        List<PublicationBatch> spare = _spare[format.Slot];
        if (spare.Count == 0) return format.CreateBatch();
        PublicationBatch batch = spare[^1];
        spare.RemoveAt(spare.Count - 1);
        return batch;
    }

    // To each client by itself, as it takes it. One whose format has no way for it is told of the gap.
    private void SendLong(LoopChannel channel, SubscriberGroup group, LongPublication publication, string exceptClient)
    {
        SendBatch(group, atOnce: true);
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
                Evict(subscription);
            }
            catch (Exception failure)
            {
                CutOff(subscription, failure);
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
                    new LoopChannel(subscription.Channel, add.Home, _spare.Length) { LastOffset = add.Result.Position.Offset });
        }

        // What was published before belongs to those who were subscribed before.
        SendBatch(channel, atOnce: true);
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
            CutOff(subscription, failure);
        }
    }

    private void Remove(RemoveSubscriber remove)
    {
        Subscription subscription = remove.Subscription;
        if (subscription.Index >= 0 && _channels.TryGetValue(subscription.Channel, out LoopChannel? channel))
        {
            SendBatch(channel, atOnce: true);
            channel.Remove(subscription);
            StopWaiting(subscription);
            if (!channel.HasMembers) _channels.Remove(subscription.Channel);
        }

        try
        {
            if (remove.Id != 0) subscription.Subscriber.Unsubscribed(remove.Id, subscription.Number);
            subscription.Subscriber.Done(remove.Bytes);
        }
        catch (Exception failure)
        {
            CutOff(subscription, failure);
        }
    }

    // A client that cannot be written to is lost, and no other component with it: its session is told of the end and unsubscribes.
    private void CutOff(Subscription subscription, Exception failure)
    {
        Connection connection = subscription.Subscriber.Connection;
        _log.Error(failure, "{0} could not be answered and is cut off.", connection.Id);
        connection.Abort(ClosureCause.SessionFailed, failure.Message);
    }

    private void EvictAll(int home)
    {
        foreach (LoopChannel channel in _channels.Values.Where(each => each.Home == home).ToList())
        {
            SendBatch(channel, atOnce: true);
            _channels.Remove(channel.Name);
            EvictAll(channel);
        }
    }

    private static void EvictAll(LoopChannel channel)
    {
        foreach (Subscription subscription in channel.Groups.SelectMany(static group => group.Members).ToArray())
        {
            subscription.Index = -1;
            subscription.Group = null;
            subscription.Waiting = null;
            Evict(subscription);
        }
    }

    private static void Evict(Subscription subscription) =>
        subscription.Session.Tell(new Evicted(subscription, UnsubscribeReason.InsufficientState), ActorRefs.NoSender);

    /// <inheritdoc />
    protected override void PreRestart(Exception reason, object message)
    {
        _log.Error(reason,
            "The fan-out of loop {0} failed and is restarted; the subscribers of its {1} channels are asked to subscribe again.",
                _loop.Number, _channels.Count);
        foreach (LoopChannel channel in _channels.Values)
        {
            SendBatch(channel, atOnce: true);
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
            SendBatch(channel, atOnce);
        }

        _batched.Clear();
        if (_slow.Count > 0) SendWaiting();
    }

    // Those who were slow and read again are first told what they missed, then sent what has waited, as much as they can take.
    private void SendWaiting()
    {
        for (int i = _slow.Count - 1; i >= 0; i--)
        {
            Subscription subscription = _slow[i];
            Connection connection = subscription.Subscriber.Connection;
            if (subscription is not { Waiting: { } waiting, Group: { } group } || !connection.IsOpen)
            {
                StopWaiting(subscription);
                continue;
            }

            if (IsSlow(subscription)) continue;
            try
            {
                IReadOnlyList<byte[]> publications = waiting.Take(_loop.Settings.QueueBytesMax / 8, out IReadOnlyList<Gap> gaps);
                if (gaps.Count > 0) subscription.Subscriber.Missed(subscription, gaps);
                if (publications.Count > 0) SendAlone(subscription, group.Format, publications);
                if (waiting.IsEmpty) StopWaiting(subscription);
            }
            catch (Exception failure)
            {
                CutOff(subscription, failure);
                StopWaiting(subscription);
            }
        }
    }

    private void SendAlone(Subscription subscription, PublicationFormat format, IReadOnlyList<byte[]> publications)
    {
        PublicationBatch batch = Rent(format);
        foreach (byte[] publication in publications)
        {
            if (batch.Length > 0 && !batch.HasRoomFor(publication.Length, _settings.BatchBytesMax)) Flush();
            batch.Append(publication, _loop.Pool);
        }

        Flush();
        _spare[format.Slot].Add(batch);

        void Flush()
        {
            batch.Seal(_loop);
            batch.SendTo(subscription, atOnce: true);
            Count(batch, receivers: 1);
            batch.Release();
        }
    }

    private bool IsSlow(Subscription subscription) =>
        SlowConsumerRule.IsSlow(
            subscription.Waiting is not null, subscription.Subscriber.Connection.QueuedBytes, _loop.Settings.QueueBytesMax);

    private void StopWaiting(Subscription subscription)
    {
        if (!_slow.Remove(subscription)) return;
        subscription.Waiting = null;
    }

    /// <summary>Tells each home what was sent of it.</summary>
    void ITurnDeliveries.Account() => Account();

    private void Account()
    {
        if (_sent.Count == 0) return;
        foreach ((HomeRef home, int bytes) in _sent) home.Actor.Tell(new Sent(_loop.Number, bytes), ActorRefs.NoSender);
        _sent.Clear();
    }

    private void SendBatch(LoopChannel channel, bool atOnce)
    {
        foreach (SubscriberGroup? group in channel.Plain)
        {
            if (group is { Batch: not null }) SendBatch(group, atOnce);
        }

        foreach (SubscriberGroup group in channel.Special)
        {
            if (group.Batch is not null) SendBatch(group, atOnce);
        }
    }

    private void SendBatch(SubscriberGroup group, bool atOnce, string exceptClient = "")
    {
        if (group.Batch is not { } batch) return;
        group.Batch = null;
        batch.Seal(_loop);
        List<Subscription> members = group.Members;
        int left = 0;
        for (int next = 0; next < members.Count;)
        {
            try
            {
                while (next < members.Count)
                {
                    Subscription subscription = members[next++];
                    if (exceptClient.Length > 0 && subscription.Subscriber.Client == exceptClient) left++;
                    else if (group.Batched is not null && IsSlow(subscription)) Keep(subscription, group.Batched);
                    else batch.SendTo(subscription, atOnce);
                }
            }
            catch (Exception failure)
            {
                CutOff(members[next - 1], failure);
            }
        }

        Count(batch, members.Count - left);
        group.Batched?.Clear();
        batch.Release();
        _spare[group.Format.Slot].Add(batch);
    }

    // What comes for a subscriber that is slow waits for it, as far as its namespace lets it.
    private void Keep(Subscription subscription, List<BatchedPublication> publications)
    {
        ChannelNamespace options = subscription.Namespace;
        if (subscription.Waiting is null)
        {
            subscription.Waiting = new WaitingPublications<byte[]>(options.SlowConsumer, options.SlowConsumerBytesMax);
            _slow.Add(subscription);
        }

        foreach (BatchedPublication each in publications)
            subscription.Waiting.Add(each.Encoded, each.Offset, each.Key, each.Encoded.Length);
    }

    private void Count(PublicationBatch batch, long receivers)
    {
        long deliveries = receivers * batch.Publications;
        _loop.Counters.Add(LoopCount.Deliveries, deliveries);
        _loop.Counters.AddSent(receivers * batch.Payloads, deliveries);
    }
}
