using Akka.Actor;
using static Broker.Actors.Channels.Delivery.ChannelProtocol;

namespace Broker.Actors.Channels.Relay;

/// <summary>Replies to publishers. While a loop lags behind by more than its bound they wait, and so do the publishers.</summary>
/// <remarks>For the thread of the relay.</remarks>
/// <param name="fanOuts">The account of bytes that loops have not sent yet.</param>
/// <param name="loopBytesMax">How many of them a loop may have.</param>
internal sealed class PublisherReplies(LoopFanOuts fanOuts, long loopBytesMax)
{
    private readonly Queue<(IActorRef Publisher, Published Reply)> _held = new();

    private bool LagsBehind => fanOuts.HasMoreThan(loopBytesMax);

    /// <summary>Replies at once, or when no loop lags behind any more.</summary>
    internal void Reply(IActorRef publisher, Published reply)
    {
        if (_held.Count == 0 && !LagsBehind) publisher.Tell(reply, ActorRefs.NoSender);
        else _held.Enqueue((publisher, reply));
    }

    /// <summary>A loop has sent bytes.</summary>
    internal void OnSent(Sent sent)
    {
        fanOuts.OnSent(sent);
        while (_held.Count > 0 && !LagsBehind) ReplyToNext();
    }

    /// <summary>The relay is lost: the publications are published all the same.</summary>
    internal void Abandon()
    {
        while (_held.Count > 0) ReplyToNext();
    }

    private void ReplyToNext()
    {
        (IActorRef publisher, Published reply) = _held.Dequeue();
        publisher.Tell(reply, ActorRefs.NoSender);
    }
}
