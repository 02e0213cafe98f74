using Broker.Actors.Channels.Delivery;
using Broker.Reactor.Loops;

namespace Broker.Actors.Channels.FanOut;

/// <summary>
/// The batch of each group of subscribers: publications of a turn are appended to it, and the same bytes go to the socket of each member.
/// </summary>
/// <param name="loop">The loop.</param>
/// <param name="pool">Its batches.</param>
/// <param name="slow">Keeps what is for a member that is slow.</param>
/// <param name="errors">Cuts members off that cannot be written to.</param>
/// <param name="batchBytesMax">How long a batch may be.</param>
internal sealed class GroupBatches(EventLoop loop, BatchPool pool, SlowSubscribers slow, SubscriberErrors errors, int batchBytesMax)
{
    /// <summary>Appends a publication to a group's batch.</summary>
    /// <param name="group">The group.</param>
    /// <param name="encoded">The publication in its format.</param>
    /// <param name="exceptClient">A client that does not get it; empty for none. The publication is then a batch of its own.</param>
    internal void Append(SubscriberGroup group, byte[] encoded, string exceptClient)
    {
        if (group.Batch is { } open && (exceptClient.Length > 0 || !open.HasRoomFor(encoded.Length, batchBytesMax)))
            Send(group, atOnce: true);
        PublicationBatch batch = group.Batch ??= pool.Rent(group.Format);
        batch.Append(encoded, loop.Pool);
        if (exceptClient.Length > 0 || batch.Length >= batchBytesMax) Send(group, atOnce: true, exceptClient);
    }

    /// <summary>Sends the batches of a channel's groups.</summary>
    /// <param name="channel">The channel.</param>
    /// <param name="atOnce">Whether they leave at once; else with what else there is for each client in this turn.</param>
    internal void Send(LoopChannel channel, bool atOnce)
    {
        foreach (SubscriberGroup? group in channel.Plain)
        {
            if (group is { Batch: not null }) Send(group, atOnce);
        }

        foreach (SubscriberGroup group in channel.Special)
        {
            if (group.Batch is not null) Send(group, atOnce);
        }
    }

    /// <summary>Sends the batch of a group, if it has one.</summary>
    internal void Send(SubscriberGroup group, bool atOnce, string exceptClient = "")
    {
        if (group.Batch is not { } batch) return;
        group.Batch = null;
        batch.Seal(loop);
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
                    else if (group.Batched is not null && slow.IsSlow(subscription)) slow.Keep(subscription, group.Batched);
                    else batch.SendTo(subscription, atOnce);
                }
            }
            catch (Exception failure)
            {
                errors.CutOff(members[next - 1], failure);
            }
        }

        pool.Count(batch, members.Count - left);
        group.Batched?.Clear();
        batch.Release();
        pool.Return(batch, group.Format);
    }
}
