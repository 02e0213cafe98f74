using Broker.Core.Buffers;
using Broker.Core.Counting;
using Broker.Core.Framing;
using Broker.Core.Protocol.Messages;
using Broker.Reactor.Loops;

namespace Broker.Actors.Routing;

/// <summary>A channel's clients of one loop that are sent the very same bytes, and the batch of the turn for them.</summary>
internal sealed class Audience(WireFormat format)
{
    private TextBatch _lines;
    private MessageBatch _messages = new(batched: format == WireFormat.Batched);
    private int _publications;              // In the batch.

    /// <summary>The clients, densely; each knows its place.</summary>
    internal List<Membership> Members { get; } = [];

    internal bool IsEmpty => format == WireFormat.Json ? _lines.IsEmpty : _messages.IsEmpty;

    /// <summary>Whether the batch has reached a bound.</summary>
    internal bool Fills(int bytesMax) => (format == WireFormat.Json ? _lines.Length : _messages.Length) >= bytesMax;

    /// <summary>Whether a publication may join the batch. Lines may pass the bound once; a native frame keeps to it.</summary>
    internal bool HasRoomFor(in EncodedPublication publication, int bytesMax) =>
        format == WireFormat.Json || _messages.HasRoomFor(publication.Message.Length, bytesMax);

    internal void Append(in EncodedPublication publication, BufferPool pool)
    {
        _publications++;
        if (format == WireFormat.Json) _lines.Append(publication.Line.Span, pool);
        else _messages.Append(publication.Message.Span, pool);
    }

    /// <summary>What its clients read.</summary>
    internal WireFormat Format => format;

    /// <summary>Ends the batch, which is for all clients; the caller lets go of it.</summary>
    internal AudienceFrames Seal(EventLoop loop)
    {
        Count(loop.Counters);
        return format == WireFormat.Json
            ? new AudienceFrames(new FrameVariants(_lines.Seal(out int start), start, loop.Deflate))
            : new AudienceFrames(new PayloadVariants(_messages.Seal(out start), start, loop.Pool));
    }

    private void Count(LoopCounters counters)
    {
        long deliveries = (long)Members.Count * _publications;
        counters.Add(LoopCount.Deliveries, deliveries);
        counters.AddSent(format == WireFormat.Unbatched ? deliveries : Members.Count, deliveries);
        _publications = 0;
    }

    internal void Add(Membership member)
    {
        member.Index = Members.Count;
        Members.Add(member);
    }

    internal void Remove(Membership member)
    {
        Membership last = Members[^1];
        Members[member.Index] = last;
        last.Index = member.Index;
        Members.RemoveAt(Members.Count - 1);
        member.Index = -1;
    }
}
