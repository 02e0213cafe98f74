using Broker.Cluster.Protocol.Copies;
using Broker.Cluster.Protocol.Members;

namespace Broker.Tests.Cluster.Simulation;

/// <summary>
/// One seeded run: the scheduler, the machines, and what is done to them. Everything happens on one thread, at simulated times.
/// </summary>
internal sealed class SimulatedWorld
{
    private readonly PriorityQueue<Action, (long At, long Order)> _events = new();
    private readonly Dictionary<string, long> _counts = [];
    private readonly Dictionary<int, TimeSpan> _begunAt = [];
    private long _order;
    private int _publications;

    internal SimulatedWorld(SimulationOptions options)
    {
        Options = options;
        Random = new Random(options.Seed);
        Settings = new CopySettings { Copies = options.Copies, KeyLifetime = options.KeyLifetime, PartBytes = 600, AppendBytes = 1000,
            Broken = options.Broken };
        Checker = new ClusterChecker(this);
        Network = new SimulatedNetwork(this);
        Membership = new SimulatedMembership(this);
        for (int machine = 0; machine < options.Nodes; machine++) Membership.Found(machine);
        Clients = [.. Enumerable.Range(0, 4).Select(number => new SimulatedClient(this, number))];
    }

    internal SimulationOptions Options { get; }

    internal CopySettings Settings { get; }

    internal Random Random { get; }

    internal TimeSpan Now { get; private set; }

    internal ClusterChecker Checker { get; }

    internal SimulatedNetwork Network { get; }

    internal SimulatedMembership Membership { get; }

    internal IReadOnlyList<SimulatedClient> Clients { get; }

    internal bool IsQuiet => Now > Options.Length - Options.Quiet;

    internal IReadOnlyDictionary<string, long> Counts => _counts;

    internal static IReadOnlyList<string> ChannelsOf(int partition) => [$"{partition}:a", $"{partition}:b", $"{partition}:limited"];

    internal static int PartitionOf(string channel) => channel[0] - '0';

    internal static int KeepMaxOf(string channel) => channel.EndsWith("limited", StringComparison.Ordinal) ? 20 : 0;

    internal void Count(string what, long by = 1) => _counts[what] = _counts.GetValueOrDefault(what) + by;

    internal void Trace(FormattableString line)
    {
        if (Options.Trace is { } trace) trace($"{Now.TotalSeconds,9:F4} {FormattableString.Invariant(line)}");
    }

    internal bool Chance(double probability) => Random.NextDouble() < probability;

    internal double Seconds(double from, double to) => from + (Random.NextDouble() * (to - from));

    internal void After(double seconds, Action action) => At(Now + TimeSpan.FromSeconds(seconds), action);

    internal void At(TimeSpan time, Action action) => _events.Enqueue(action, (time.Ticks, _order++));

    /// <summary>Runs to the end and lets the checker judge.</summary>
    internal ClusterChecker Run()
    {
        double end = Options.Length.TotalSeconds, quietAt = end - Options.Quiet.TotalSeconds;
        for (double at = 3; at < quietAt; at += Options.IsHot ? Seconds(0.7, 3.5) : Seconds(2, 10)) At(TimeSpan.FromSeconds(at), Fault);
        for (double at = 1; at < end - 8; at += Seconds(0.03, 0.09)) At(TimeSpan.FromSeconds(at), Publish);
        for (double at = 6; at < quietAt; at += Seconds(4, 12)) At(TimeSpan.FromSeconds(at), TrimOrEvict);
        for (double at = 5; at < end - 12; at += 1) At(TimeSpan.FromSeconds(at), Checker.CheckPresence);
        At(TimeSpan.FromSeconds(quietAt), () =>
        {
            Network.HealAll();
            After(11, Membership.Resolve);
        });
        At(TimeSpan.FromSeconds(end), () => { });
        while (_events.TryDequeue(out Action? action, out (long At, long Order) when))
        {
            Now = TimeSpan.FromTicks(when.At);
            if (Now >= Options.Length) break;
            Count("events");
            action();
            if (Checker.Violations.Count > 20) break;
        }

        Checker.CheckEnd();
        return Checker;
    }

    private void Publish()
    {
        int partition = Random.Next(Options.Partitions);
        IReadOnlyList<string> channels = ChannelsOf(partition);
        string channel = channels[Random.Next(channels.Count)];
        int id = ++_publications;
        Checker.Begin(id, channel);
        _begunAt[id] = Now;
        Count("published");
        if (PickNode() is { } node) node.Publish(id, channel);
    }

    /// <summary>
    /// A publication whose key may have expired is another one. What is sent at the last moment may wait for a node that pauses.
    /// </summary>
    internal TimeSpan RepeatUntil(int id) =>
        _begunAt[id] + (Options.KeyLifetime * 0.95) - TimeSpan.FromSeconds(10);

    internal SimulatedNode? PickNode()
    {
        List<SimulatedNode> running = [.. Membership.Running.Where(static each => each.IsMember)];
        return running.Count == 0 ? null : running[Random.Next(running.Count)];
    }

    private void TrimOrEvict()
    {
        int partition = Random.Next(Options.Partitions);
        IReadOnlyList<string> channels = ChannelsOf(partition);
        string channel = channels[Random.Next(channels.Count)];
        SimulatedNode? home =
            Membership.Running.FirstOrDefault(each => each.IsMember && each.Partitions[partition].State == HomeState.Active);
        if (home is null) return;
        bool isEvict = Chance(0.3);
        home.TrimOrEvict(channel, isEvict);
    }

    private void Fault()
    {
        List<SimulatedNode> running = [.. Membership.Running];
        if (running.Count == 0) return;
        SimulatedNode victim = running[Random.Next(running.Count)];
        switch (Random.Next(9))
        {
            case 0:
                Membership.Crash(victim);
                break;
            case 1:
                Membership.Crash(victim);
                if (Chance(0.3)) After(Seconds(0.1, 12), () =>
                    {
                        if (!IsQuiet && PickNode() is { } second) Membership.Crash(second);
                    });
                if (Chance(0.1)) foreach (SimulatedNode each in running) Membership.Crash(each);
                break;
            case 2:
            case 3:
                Network.Split(running);
                break;
            case 4:
                Count("pauses");
                victim.PausedUntil = Now + TimeSpan.FromSeconds(Seconds(0.2, 6));
                Trace($"{victim} pauses until {victim.PausedUntil.TotalSeconds:F1}");
                break;
            case 5:
                Network.Slow(victim);
                break;
            case 6:
                Network.Lose();
                break;
            case 7:
                Network.BreakLinks(victim);
                break;
            default:
                Membership.Leave(victim);
                break;
        }
    }
}

/// <summary>A machine's replica store: what outlives a run of its node.</summary>
internal sealed class SimulatedStore(StoreId id, int partitions)
{
    internal StoreId Id => id;

    internal Broker.Cluster.Protocol.Log.MemoryReplicaLog[] Logs { get; } =
        [.. Enumerable.Range(0, partitions).Select(static _ => new Broker.Cluster.Protocol.Log.MemoryReplicaLog())];
}
