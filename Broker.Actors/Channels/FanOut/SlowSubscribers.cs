using Broker.Actors.Channels.Delivery;
using Broker.Actors.Channels.Namespaces;
using Broker.Actors.Channels.SlowConsumers;
using Broker.Actors.Runtime;
using Broker.Reactor.Loops;

namespace Broker.Actors.Channels.FanOut;

/// <summary>
/// Subscriptions of one loop whose clients read too slowly: what comes for them waits as far as their namespace lets it, and is sent when
/// they read again.
/// </summary>
/// <param name="turn">The turn of the loop.</param>
/// <param name="pool">Its batches.</param>
/// <param name="errors">Cuts clients off that cannot be written to.</param>
/// <param name="batchBytesMax">How long a batch may be.</param>
internal sealed class SlowSubscribers(LoopTurn turn, BatchPool pool, SubscriberErrors errors, int batchBytesMax)
{
    private readonly List<Subscription> _waiting = [];

    private EventLoop Loop => turn.Loop;

    internal bool Any => _waiting.Count > 0;

    /// <summary>Whether a client takes no more at the moment.</summary>
    internal bool IsSlow(Subscription subscription) =>
        SlowConsumerRule.IsSlow(
            subscription.Waiting is not null, subscription.Subscriber.Connection.QueuedBytes, Loop.Settings.QueueBytesMax);

    /// <summary>Keeps publications for a client that is slow.</summary>
    internal void Keep(Subscription subscription, List<BatchedPublication> publications)
    {
        ChannelNamespace options = subscription.Namespace;
        if (subscription.Waiting is null)
        {
            subscription.Waiting = new WaitingPublications<byte[]>(options.SlowConsumer, options.SlowConsumerBytesMax);
            _waiting.Add(subscription);
        }

        foreach (BatchedPublication each in publications)
            subscription.Waiting.Add(each.Encoded, each.Offset, each.Key, each.Encoded.Length);
    }

    /// <summary>Nothing waits for a subscription any more.</summary>
    internal void Remove(Subscription subscription)
    {
        if (_waiting.Remove(subscription)) subscription.Waiting = null;
    }

    /// <summary>
    /// Those who were slow and read again are first told what they missed, then sent what has waited, as much as they can take.
    /// </summary>
    internal void Send()
    {
        for (int i = _waiting.Count - 1; i >= 0; i--)
        {
            Subscription subscription = _waiting[i];
            Connection connection = subscription.Subscriber.Connection;
            if (subscription is not { Waiting: { } waiting, Group: { } group } || !connection.IsOpen)
            {
                Remove(subscription);
                continue;
            }

            if (IsSlow(subscription)) continue;
            try
            {
                IReadOnlyList<byte[]> publications = waiting.Take(Loop.Settings.QueueBytesMax / 8, out IReadOnlyList<Gap> gaps);
                if (gaps.Count > 0) SendGaps(subscription, gaps);
                if (publications.Count > 0) Send(subscription, group.Format, publications);
                if (waiting.IsEmpty) Remove(subscription);
            }
            catch (Exception failure)
            {
                errors.CutOff(subscription, failure);
                Remove(subscription);
            }
        }
    }

    private void SendGaps(Subscription subscription, IReadOnlyList<Gap> gaps)
    {
        string policy = subscription.Namespace.SlowConsumer.ToString();
        foreach (Gap gap in gaps)
            turn.Ends.AddGap(subscription.Subscriber.Client, subscription.Channel, gap.From, gap.To, gap.Count, policy);
        subscription.Subscriber.Missed(subscription, gaps);
    }

    private void Send(Subscription subscription, PublicationFormat format, IReadOnlyList<byte[]> publications)
    {
        PublicationBatch batch = pool.Rent(format);
        foreach (byte[] publication in publications)
        {
            if (batch.Length > 0 && !batch.HasRoomFor(publication.Length, batchBytesMax)) Flush();
            batch.Append(publication, Loop.Pool);
        }

        Flush();
        pool.Return(batch, format);

        void Flush()
        {
            batch.Seal(Loop);
            batch.SendTo(subscription, atOnce: true);
            pool.Count(batch, receivers: 1);
            batch.Release();
        }
    }
}
