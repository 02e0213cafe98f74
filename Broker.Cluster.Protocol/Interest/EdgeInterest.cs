using Broker.Cluster.Protocol.Log;
using Broker.Cluster.Protocol.Members;
using Broker.Cluster.Protocol.Messages;

namespace Broker.Cluster.Protocol.Interest;

/// <summary>A node's own listeners: asks the homes of their channels for publications, keeps them in order, and finds gaps.</summary>
/// <remarks>
/// <code>
/// a channel:  none → Asked → Listening ⇄ Lingering → none       any → Asked when the home changes or its lane breaks
/// </code>
/// Invariant: what is delivered of a channel is contiguous in its epoch from the position that was answered first, or a gap is told. For
/// one thread.
/// </remarks>
/// <param name="output">Where values go.</param>
/// <param name="linger">How long a channel without listeners is kept.</param>
/// <param name="digestEvery">How often a home is sent a digest.</param>
/// <param name="repeatAfter">What was asked and not answered is asked again.</param>
public sealed class EdgeInterest(IEdgeOutput output, TimeSpan linger, TimeSpan digestEvery, TimeSpan repeatAfter)
{
    private const int ListNamesMax = 2000;

    private readonly Dictionary<string, EdgeChannel> _channels = new(StringComparer.Ordinal);
    private readonly Dictionary<int, PartitionEdge> _partitions = [];
    private ulong _numbers;

    /// <summary>Channels that a home is asked for or sends.</summary>
    public int Channels => _channels.Count;

    /// <summary>Whether the channel has listeners on this node, or had some a moment ago.</summary>
    public bool Knows(string channel) => _channels.ContainsKey(channel);

    /// <summary>A client subscribes.</summary>
    /// <param name="channel">The channel.</param>
    /// <param name="partition">Its partition.</param>
    /// <param name="request">Repeated in the answer.</param>
    /// <param name="after">What was published behind this position is wanted; null for nothing.</param>
    /// <param name="now">The time.</param>
    public void Subscribe(string channel, int partition, ulong request, ChannelPosition? after, TimeSpan now)
    {
        PartitionEdge edge = EdgeOf(partition);
        if (!_channels.TryGetValue(channel, out EdgeChannel? known))
        {
            _channels[channel] = known = new EdgeChannel(channel, partition);
            edge.Channels.Add(known);
            edge.Xor ^= ChannelHash.Of(channel);
        }

        known.Listeners++;
        if (known.State == EdgeState.Lingering) known.State = EdgeState.Listening;
        if (known is { State: EdgeState.Listening, Number: 0, Position: { } position } && (after is null || after == position))
        {
            output.Subscribed(channel, request, position, isRecovered: after is not null, []);
            return;
        }

        known.Waiting.Add((Ask(edge, known, after, now), request, after, now));
    }

    /// <summary>A client has left the channel; a subscriber that is not answered yet is not answered any more.</summary>
    public void Unsubscribe(string channel, ulong request, TimeSpan now)
    {
        if (!_channels.TryGetValue(channel, out EdgeChannel? known)) return;
        known.Waiting.RemoveAll(each => each.Request == request);
        if (--known.Listeners > 0) return;
        if (known.State == EdgeState.Asked)
        {
            Remove(known);
            return;
        }

        known.State = EdgeState.Lingering;
        known.LingersUntil = now + linger;
        EdgeOf(known.Partition).Pending.Add(known);
    }

    /// <summary>The partition has another home, or the lane to it is up again; null while there is none or its lane is down.</summary>
    public void OnHome(int partition, MemberId? home, TimeSpan now)
    {
        PartitionEdge edge = EdgeOf(partition);
        edge.Home = home;
        edge.DigestAt = now;
        foreach (EdgeChannel each in edge.Channels.ToArray())
        {
            if (each.Listeners == 0)
            {
                Drop(each);
                continue;
            }

            each.State = EdgeState.Asked;
            AskAgain(edge, each, now);
        }

        SendDigest(partition, edge);
    }

    /// <summary>A home answers.</summary>
    public void OnListening(MemberId from, Listening message, TimeSpan now)
    {
        ArgumentNullException.ThrowIfNull(message);
        if (!_channels.TryGetValue(message.Channel, out EdgeChannel? known) || EdgeOf(known.Partition).Home != from) return;
        if (message.Number == known.Number)
        {
            known.Number = 0;
            if (known.State == EdgeState.Asked) known.State = known.Listeners > 0 ? EdgeState.Listening : EdgeState.Lingering;
            CatchUp(known, message);
        }

        int waiting = known.Waiting.FindIndex(each => each.Number == message.Number);
        if (waiting < 0) return;
        ulong request = known.Waiting[waiting].Request;
        if (known.Position != message.Position)
        {
            // Deliveries were lost: first the channel catches up, then the subscriber joins it.
            if (known.Number == 0) AskAgain(EdgeOf(known.Partition), known, now);
            return;
        }

        known.Waiting.RemoveAt(waiting);
        output.Subscribed(known.Name, request, message.Position, message.IsRecovered, message.Missed);
    }

    /// <summary>A home sends a publication.</summary>
    public void OnDelivery(MemberId from, LogEntry entry, TimeSpan now)
    {
        ArgumentNullException.ThrowIfNull(entry);
        if (!_channels.TryGetValue(entry.Channel, out EdgeChannel? known) || EdgeOf(known.Partition).Home != from) return;
        if (known.State == EdgeState.Asked || known.Number != 0 || known.Position is not { } position) return;
        if (entry.Epoch == position.Epoch && entry.Offset <= position.Offset) return;
        if (entry.Epoch != position.Epoch || entry.Offset != position.Offset + 1)
        {
            AskAgain(EdgeOf(known.Partition), known, now);
            return;
        }

        known.Position = new ChannelPosition(entry.Epoch, entry.Offset);
        output.Deliver(known.Name, entry);
    }

    /// <summary>A home asks for the list of a partition.</summary>
    public void OnWanted(MemberId from, InterestWanted message)
    {
        ArgumentNullException.ThrowIfNull(message);
        if (!_partitions.TryGetValue(message.Partition, out PartitionEdge? edge) || edge.Home != from) return;
        List<string> names = [.. edge.Channels.Select(static each => each.Name)];
        for (int first = 0; first == 0 || first < names.Count; first += ListNamesMax)
            output.Send(from,
                new InterestList(
                    message.Partition, ++_numbers, first == 0, names.GetRange(first, Math.Min(ListNamesMax, names.Count - first))));
    }

    /// <summary>Lets time pass: repeats, lingers, sends digests.</summary>
    public void Tick(TimeSpan now)
    {
        foreach ((int partition, PartitionEdge edge) in _partitions)
        {
            foreach (EdgeChannel each in edge.Pending.ToArray())
            {
                if (each.State == EdgeState.Lingering && now >= each.LingersUntil) Remove(each);
                else if (each.Number != 0 && now - each.AskedAt >= repeatAfter) AskAgain(edge, each, now);
                else if (each.Waiting.Count > 0) Repeat(edge, each, now);
                else if (each is { State: EdgeState.Listening, Number: 0 }) edge.Pending.Remove(each);
            }

            if (now - edge.DigestAt < digestEvery) continue;
            edge.DigestAt = now;
            SendDigest(partition, edge);
        }
    }

    private void CatchUp(EdgeChannel known, Listening message)
    {
        ChannelPosition? before = known.Position;
        known.Position = message.Position;
        if (before is null || before == message.Position) return;
        if (!message.IsRecovered)
        {
            output.Gap(known.Name, message.Position);
            return;
        }

        foreach (LogEntry each in message.Missed) output.Deliver(known.Name, each);
    }

    private void Repeat(PartitionEdge edge, EdgeChannel known, TimeSpan now)
    {
        for (int i = 0; i < known.Waiting.Count; i++)
        {
            (_, ulong request, ChannelPosition? after, TimeSpan askedAt) = known.Waiting[i];
            if (now - askedAt >= repeatAfter) known.Waiting[i] = (Ask(edge, known, after, now), request, after, now);
        }
    }

    // For the channel itself: it goes on from where its listeners are.
    private void AskAgain(PartitionEdge edge, EdgeChannel known, TimeSpan now)
    {
        known.Number = 0;
        known.Number = Ask(edge, known, known.Position, now);
        known.AskedAt = now;
        for (int i = 0; i < known.Waiting.Count; i++)
        {
            (_, ulong request, ChannelPosition? after, _) = known.Waiting[i];
            known.Waiting[i] = (Ask(edge, known, after, now), request, after, now);
        }
    }

    private ulong Ask(PartitionEdge edge, EdgeChannel known, ChannelPosition? after, TimeSpan now)
    {
        ulong number = ++_numbers;
        edge.Pending.Add(known);
        if (known.Position is null && known.Number == 0) (known.Number, known.AskedAt) = (number, now);
        if (edge.Home is { } home) output.Send(home, new Listen(known.Partition, number, known.Name, after));
        return number;
    }

    private void Remove(EdgeChannel known)
    {
        Drop(known);
        if (EdgeOf(known.Partition).Home is { } home) output.Send(home, new Unlisten(known.Partition, ++_numbers, known.Name));
    }

    private void Drop(EdgeChannel known)
    {
        PartitionEdge edge = EdgeOf(known.Partition);
        _channels.Remove(known.Name);
        edge.Channels.Remove(known);
        edge.Pending.Remove(known);
        edge.Xor ^= ChannelHash.Of(known.Name);
    }

    private void SendDigest(int partition, PartitionEdge edge)
    {
        if (edge.Home is { } home) output.Send(home, new InterestDigest(partition, ++_numbers, edge.Channels.Count, edge.Xor));
    }

    private PartitionEdge EdgeOf(int partition)
    {
        if (!_partitions.TryGetValue(partition, out PartitionEdge? edge)) _partitions[partition] = edge = new PartitionEdge();
        return edge;
    }

    private sealed class PartitionEdge
    {
        internal MemberId? Home { get; set; }

        internal HashSet<EdgeChannel> Channels { get; } = [];

        // Those that wait for an answer, or linger.
        internal HashSet<EdgeChannel> Pending { get; } = [];

        internal ulong Xor { get; set; }

        internal TimeSpan DigestAt { get; set; }
    }
}
