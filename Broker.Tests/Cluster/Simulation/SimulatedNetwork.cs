using Broker.Cluster.Protocol.Members;
using Broker.Cluster.Protocol.Messages;

namespace Broker.Tests.Cluster.Simulation;

/// <summary>
/// Lanes between nodes, and the engine's own connections. A lane keeps order and loses only with its connection; both ends notice at
/// different times. The engine's messages may be lost one by one.
/// </summary>
internal sealed class SimulatedNetwork(SimulatedWorld world)
{
    private readonly Dictionary<(MemberId A, MemberId B), Link> _links = [];
    private readonly HashSet<(MemberId From, MemberId To)> _cuts = [];
    private readonly HashSet<MemberId> _slow = [];
    private double _loss = 0.005;

    internal bool IsLinked(MemberId from, MemberId to) => !_cuts.Contains((from, to));

    internal void HealAll()
    {
        _cuts.Clear();
        _slow.Clear();
        _loss = 0;
    }

    internal void Split(IReadOnlyList<SimulatedNode> running)
    {
        int size = 1 + world.Random.Next(Math.Max(1, running.Count / 2));
        HashSet<MemberId> side = [.. running.OrderBy(_ => world.Random.Next()).Take(size).Select(static each => each.Id)];
        bool isOneWay = world.Chance(0.25), isOneLink = world.Chance(0.2);
        world.Count(isOneWay ? "one-way cuts" : "splits");
        foreach (SimulatedNode a in running)
        {
            foreach (SimulatedNode b in running)
            {
                if (side.Contains(a.Id) == side.Contains(b.Id) || (isOneWay && !side.Contains(a.Id)) || (isOneLink && world.Chance(0.5)))
                    continue;
                _cuts.Add((a.Id, b.Id));
            }
        }

        world.Trace($"cut {string.Join(", ", _cuts.Select(static each => $"{each.From}>{each.To}"))}");
        world.After(world.Seconds(8, 11), world.Membership.Resolve);
        world.After(world.Seconds(0.3, 20), () =>
        {
            _cuts.Clear();
            world.Trace($"cuts end");
        });
    }

    internal void Slow(SimulatedNode node)
    {
        world.Count("slow");
        _slow.Add(node.Id);
        world.After(5, () => _slow.Remove(node.Id));
    }

    internal void Lose()
    {
        world.Count("lossy");
        _loss = 0.1;
        world.After(2, () => _loss = world.IsQuiet ? 0 : 0.005);
    }

    internal void BreakLinks(SimulatedNode node)
    {
        world.Count("broken links");
        foreach (Link each in _links.Values)
        {
            if ((each.A == node.Id || each.B == node.Id) && world.Chance(0.7)) Break(each);
        }
    }

    /// <summary>A message on a lane; to the node itself, a turn later.</summary>
    internal void Send(SimulatedNode from, MemberId to, IClusterMessage message)
    {
        if (to == from.Id)
        {
            world.After(0.00001, () => world.Membership.Run(to, node => node.Receive(from.Id, message)));
            return;
        }

        if (world.Options.IsHarsh
            && message is IPartitionMessage and (
            Promise or Promised or Refused or Sync or Append or Appended or Fetch or SnapshotPart or HandOver or Announce or Recall
                or Recalled))
        {
            SendHarsh(from, to, message);
            return;
        }

        Link link = LinkOf(from.Id, to);
        if (!link.IsUp) return;
        if (world.Chance(_loss * 0.01))
        {
            Break(link);
            return;
        }

        int generation = link.Generation;
        TimeSpan arrival = world.Now + TimeSpan.FromSeconds(Delay(from.Id, to));
        bool isForward = link.A == from.Id;
        if (isForward) link.ForwardAt = arrival = Later(link.ForwardAt, arrival);
        else link.BackAt = arrival = Later(link.BackAt, arrival);
        byte[] bytes = ClusterSerializer.Write(message);
        world.At(arrival, () =>
        {
            if (generation != link.Generation) return;
            if (!IsLinked(from.Id, to))
            {
                Break(link);
                return;
            }

            world.Membership.Run(to, node =>
            {
                if (generation != link.Generation) return;      // The rest of a connection that ended during a pause is not handled.
                Notice(link, node);
                node.Receive(from.Id, Read(bytes));
            });
        });
    }

    /// <summary>A message of the engine: lost, late, in any order.</summary>
    internal void SendEngine(MemberId from, MemberId to, Action<SimulatedNode> handle)
    {
        if (from == to)
        {
            world.After(0.00001, () => world.Membership.Run(to, handle));
            return;
        }

        if (world.Chance(_loss)) return;
        world.After(Delay(from, to), () =>
        {
            if (!IsLinked(from, to)) return;
            world.Membership.Run(to, node => { if (node.Serves(from)) handle(node); });
        });
    }

    /// <summary>Two nodes have come to name each other: they connect.</summary>
    internal void Connect(MemberId a, MemberId b)
    {
        Link link = LinkOf(a, b);
        if (!link.IsUp && !link.IsDialling) Dial(link);
    }

    /// <summary>A run has ended: its connections are reset.</summary>
    internal void Drop(MemberId id)
    {
        foreach (Link each in _links.Values)
        {
            if (each.A == id || each.B == id) Break(each);
        }
    }

    private static TimeSpan Later(TimeSpan left, TimeSpan right) => left > right ? left : right;

    private static IClusterMessage Read(byte[] bytes)
    {
        System.Buffers.OperationStatus status = ClusterSerializer.Read(bytes, out IClusterMessage? message, out int consumed);
        if (status != System.Buffers.OperationStatus.Done || consumed != bytes.Length)
            throw new InvalidOperationException($"A message of {bytes.Length} bytes was read as {status}.");
        return message!;
    }

    private void SendHarsh(SimulatedNode from, MemberId to, IClusterMessage message)
    {
        byte[] bytes = ClusterSerializer.Write(message);
        int times = world.Chance(0.03) ? 2 : 1;
        for (; times > 0; times--)
        {
            if (world.Chance(_loss * 2)) continue;
            double delay = Delay(from.Id, to);
            if (world.Chance(0.02)) delay += world.Seconds(0, 2);
            world.After(delay, () =>
            {
                if (IsLinked(from.Id, to)) world.Membership.Run(to, node => node.Receive(from.Id, Read(bytes)));
            });
        }
    }

    private double Delay(MemberId from, MemberId to)
    {
        double delay = world.Seconds(0.0005, 0.0015);
        if (_slow.Contains(from) || _slow.Contains(to)) delay += world.Seconds(0, 0.8);
        return delay;
    }

    private Link LinkOf(MemberId a, MemberId b)
    {
        (MemberId, MemberId) key = a < b ? (a, b) : (b, a);
        if (!_links.TryGetValue(key, out Link? link)) _links[key] = link = new Link(key.Item1, key.Item2);
        return link;
    }

    private void Break(Link link)
    {
        if (!link.IsUp) return;
        link.IsUp = false;
        link.Generation++;
        foreach (MemberId each in (MemberId[])[link.A, link.B])
            world.After(world.Seconds(0, 0.3), () => world.Membership.Run(each, node => Notice(link, node)));
        Dial(link);
    }

    private void Dial(Link link)
    {
        link.IsDialling = true;
        world.After(world.Seconds(0.05, 0.5), () =>
        {
            link.IsDialling = false;
            SimulatedNode? a = world.Membership.Find(link.A), b = world.Membership.Find(link.B);
            if (link.IsUp || a is null || b is null) return;
            bool canShake =
                IsLinked(link.A, link.B) && IsLinked(link.B, link.A) && world.Now >= a.PausedUntil && world.Now >= b.PausedUntil
                    && a.Serves(b.Id) && b.Serves(a.Id);
            if (!canShake)
            {
                Dial(link);
                return;
            }

            link.IsUp = true;
            link.Generation++;
            Notice(link, a);
            Notice(link, b);
        });
    }

    // An end sees the end of one connection before anything of the next.
    private static void Notice(Link link, SimulatedNode node)
    {
        bool isA = node.Id == link.A;
        int seen = isA ? link.SeenByA : link.SeenByB;
        if (seen == link.Generation) return;
        if (isA) link.SeenByA = link.Generation;
        else link.SeenByB = link.Generation;
        MemberId peer = isA ? link.B : link.A;
        node.OnLinkDown(peer);
        if (link.IsUp) node.OnLinkUp(peer);
    }

    private sealed class Link(MemberId a, MemberId b)
    {
        internal MemberId A => a;

        internal MemberId B => b;

        internal bool IsUp { get; set; }

        internal bool IsDialling { get; set; }

        internal int Generation { get; set; }

        internal int SeenByA { get; set; }

        internal int SeenByB { get; set; }

        internal TimeSpan ForwardAt { get; set; }

        internal TimeSpan BackAt { get; set; }
    }
}
