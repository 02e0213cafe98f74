using Broker.Actors.Channels.Delivery;
using Broker.Core.Counting;
using Broker.Reactor.Loops;

namespace Broker.Actors.Channels.FanOut;

/// <summary>Batches of publications of one loop: those that are empty are used again.</summary>
/// <param name="loop">The loop.</param>
/// <param name="formats">The formats of the hub.</param>
internal sealed class BatchPool(EventLoop loop, PublicationFormats formats)
{
    private readonly List<PublicationBatch>[] _spare =
        [.. Enumerable.Range(0, formats.Count).Select(static _ => new List<PublicationBatch>())];

    /// <summary>An empty batch.</summary>
    internal PublicationBatch Rent(PublicationFormat format)
    {
        List<PublicationBatch> spare = _spare[format.Slot];
        if (spare.Count == 0) return format.CreateBatch();
        PublicationBatch batch = spare[^1];
        spare.RemoveAt(spare.Count - 1);
        return batch;
    }

    /// <summary>A batch is no longer needed; it has been released.</summary>
    internal void Return(PublicationBatch batch, PublicationFormat format) => _spare[format.Slot].Add(batch);

    /// <summary>A batch has been given to the sockets of its receivers.</summary>
    internal void Count(PublicationBatch batch, long receivers)
    {
        long deliveries = receivers * batch.Publications;
        loop.Counters.Add(LoopCount.Deliveries, deliveries);
        loop.Counters.AddSent(receivers * batch.Payloads, deliveries);
    }
}
