using System.Net;
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Configuration;
using Broker.Cluster.Links;
using Broker.Cluster.Settings;
using Broker.Cluster.Transport;
using Microsoft.Extensions.Logging;
using AkkaCluster = Akka.Cluster.Cluster;

namespace Broker.Cluster.Membership;

/// <summary>This node's part in its cluster: joins, follows who is a member, joins again when it was downed, and leaves.</summary>
/// <remarks>
/// A subscription is an actor system of its own, and never the hub's. When the engine downs this node only that system ends; the hub, its
/// clients and the port stay, and the next subscription begins, under another number.
/// <code>
/// Joining --enough nodes--> Up --downed--> Rejoining --found again--> Up --leave--> Left
/// </code>
/// </remarks>
public sealed class ClusterNode : IAsyncDisposable
{
    private static readonly TimeSpan s_joinLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_probePause = TimeSpan.FromSeconds(1);

    private readonly ClusterSettings _settings;
    private readonly Config _akka;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _lock = new();
    private readonly ulong _store = (ulong)Random.Shared.NextInt64(1, long.MaxValue);
    private Membership? _membership;
    private Task _running = Task.CompletedTask;
    private volatile ClusterView? _view;
    private volatile string _waits = "it has not started";
    private volatile ClusterPhase _phase = ClusterPhase.Joining;
    private bool _leaves;

    /// <summary>Makes the node; nothing runs yet.</summary>
    /// <param name="settings">How it takes part.</param>
    /// <param name="akka">How the actor system logs.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logs">Makes the log.</param>
    public ClusterNode(ClusterSettings settings, Config akka, TimeProvider time, ILoggerFactory logs)
    {
        ArgumentNullException.ThrowIfNull(settings);
        _settings = settings;
        _akka = akka;
        _time = time;
        _log = logs.CreateLogger("Broker.Cluster");
        Port = new NodePort(settings.Agreement, time, _log) { Self = SelfNow };
    }

    // One life in the cluster.
    private sealed record Membership(ActorSystem System, AkkaCluster Cluster, NodeName Self)
    {
        internal TaskCompletionSource Joined { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        internal bool IsLeaving { get; set; }
    }

    /// <summary>The port for other nodes.</summary>
    public NodePort Port { get; }

    /// <summary>What is known of the cluster; null before the first subscription, and while one ends and the next has not begun.</summary>
    public ClusterView? View => _view;

    /// <summary>Called with each new view, and with null when a subscription ends; on a thread of the engine, one call at a time.</summary>
    public event Action<ClusterView?>? ViewChanged;

    /// <summary>Called once when the node has left because someone asked it to, and not because it stops.</summary>
    public event Action? HasLeft;

    /// <summary>Whether it takes part.</summary>
    public bool IsUp => _phase == ClusterPhase.Up;

    /// <summary>What it tells the one that administers it.</summary>
    public ClusterStatus Status => new(_settings.Name, Port.Address, _phase, _phase == ClusterPhase.Up ? "" : _waits, _view?.Members ?? []);

    /// <summary>Opens the port and begins to join.</summary>
    /// <exception cref="System.Net.Sockets.SocketException">
    /// The address is taken, or is not this machine's, or its name is not known.
    /// </exception>
    public async Task StartAsync()
    {
        _ = NodeAddress.TryParse(_settings.Address, out string host, out int port);
        IPEndPoint bind =
            _settings.BindAddress is { } address ? new IPEndPoint(address, port)
                : (await NodeAddress.ResolveAsync(_settings.Address).ConfigureAwait(false))[0];
        Port.Start(bind, host);
        _log.LogInformation(
            "Node {Address} of the cluster \"{Cluster}\" joins; its seeds are {Seeds}", Port.Address, _settings.Name,
                _settings.Seeds.Count == 0 ? ["none"] : _settings.Seeds);
        _running = Task.Run(RunAsync);
    }

    private async Task RunAsync()
    {
        IReadOnlyList<string>? last = null;     // The members that it knew when it was downed.
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                IReadOnlyList<string> known = await LiveAsync(last).ConfigureAwait(false);
                if (known.Count > 0) last = known;
            }
#pragma warning disable CA1031 // Whatever becomes of one subscription, there is a next one.
            catch (Exception failure) when (!_stopping.IsCancellationRequested)
#pragma warning restore CA1031
            {
                _log.LogError(failure, "The membership failed; a new one begins");
                await PauseAsync(s_probePause).ConfigureAwait(false);
            }

            if (_leaves) return;
        }
    }

    // One subscription, from its start to its end. Returns the addresses of the last members that it knew.
    private async Task<IReadOnlyList<string>> LiveAsync(IReadOnlyList<string>? last)
    {
        Membership membership = Begin();
        IReadOnlyList<string> known = [];
        try
        {
            await JoinAsync(membership, last).ConfigureAwait(false);
            await membership.System.WhenTerminated.ConfigureAwait(false);
        }
        finally
        {
            known = End(membership);
            await membership.System.Terminate().ConfigureAwait(false);
        }

        return known;
    }

    private Membership Begin()
    {
        Config config = ConfigurationFactory.ParseString(MembershipHocon.Of(_settings, _store)).WithFallback(_akka);

        // Below debug only what goes wrong: the node itself says who comes and goes.
        bool isQuiet = !config.GetString("akka.loglevel", "INFO").Equals("DEBUG", StringComparison.OrdinalIgnoreCase);
        if (isQuiet) config = ConfigurationFactory.ParseString("akka.loglevel = WARNING").WithFallback(config);
        ActorSystemSetup setup = BootstrapSetup.Create().WithConfig(config).And(new LinkSetup(Port));
        ActorSystem system = ActorSystem.Create(MembershipHocon.SystemName, isQuiet ? setup.And(MembershipHocon.Quiet) : setup);
        AkkaCluster cluster = AkkaCluster.Get(system);
        var membership = new Membership(system, cluster, ViewActor.NameOf(cluster.SelfUniqueAddress));
        lock (_lock) _membership = membership;
        system.ActorOf(ViewActor.PropsFor(view => OnView(membership, view)), "view");
        return membership;
    }

    private void OnView(Membership membership, ClusterView view)
    {
        lock (_lock)
        {
            if (!ReferenceEquals(_membership, membership)) return;
            ClusterView? before = _view;
            _view = view;
            ClusterMember self = view.Members.FirstOrDefault(member => member.Node == view.Self);
            if (self.Node == view.Self) membership.Joined.TrySetResult();
            if (self.Node == view.Self && self.State == MemberState.Leaving) membership.IsLeaving = true;
            Notify(before, view);
            if (view.IsUp && _phase != ClusterPhase.Up)
            {
                _phase = ClusterPhase.Up;
                _log.LogInformation("This node takes part in the cluster as {Node}, with {Count} members", view.Self, view.Members.Count);
            }

            ViewChanged?.Invoke(view);
        }
    }

    private void Notify(ClusterView? before, ClusterView now)
    {
        Dictionary<NodeName, ClusterMember> known = (before?.Members ?? []).ToDictionary(static member => member.Node);
        foreach (ClusterMember member in now.Members)
        {
            bool isNew = !known.Remove(member.Node, out ClusterMember was);
            if (member.Node == now.Self) continue;
            if (isNew || was.State != member.State) _log.LogInformation("Node {Node} is {State}", member.Node, member.State);
            if (!isNew && was.IsReachable != member.IsReachable)
            {
                if (member.IsReachable) _log.LogInformation("Node {Node} is reached again", member.Node);
                else _log.LogWarning("Node {Node} is not reached", member.Node);
            }
        }

        foreach (NodeName gone in known.Keys) _log.LogInformation("Node {Node} is no member any more", gone);
    }

    private IReadOnlyList<string> End(Membership membership)
    {
        lock (_lock)
        {
            IReadOnlyList<string> known =
                _phase == ClusterPhase.Up
                    ? [.. (_view?.Members ?? []).Select(static member => member.Node.Address).Append(Port.Address).Distinct()] : [];
            _membership = null;
            _view = null;
            bool wasAsked = membership.IsLeaving && !_stopping.IsCancellationRequested;
            if (membership.IsLeaving || _stopping.IsCancellationRequested)
            {
                _leaves = true;
                _phase = ClusterPhase.Left;
                _waits = "it has left the cluster";
                _log.LogInformation("This node has left the cluster");
            }
            else if (known.Count > 0)
            {
                _phase = ClusterPhase.Rejoining;
                _waits = "it was removed from the cluster, and joins again";
                _log.LogWarning("This node was removed from the cluster. Its clients stay, and it joins again");
            }

            ViewChanged?.Invoke(null);
            if (wasAsked) HasLeft?.Invoke();
            return known;
        }
    }

    private async Task JoinAsync(Membership membership, IReadOnlyList<string>? last)
    {
        long start = _time.GetTimestamp();
        string sent = "";
        while (!membership.System.WhenTerminated.IsCompleted && !_stopping.IsCancellationRequested)
        {
            FormationStep step = await NextStepAsync(last, _time.GetElapsedTime(start) < _settings.SeedPatience).ConfigureAwait(false);
            if (step.Join is { } target)
            {
                if (target == Port.Address) _log.LogInformation("This node forms the cluster \"{Cluster}\"", _settings.Name);
                else _log.LogInformation("This node joins the cluster at {Member}", target);
                _waits = $"it has asked {target} to join, and waits until {_settings.MembersMin} nodes have joined";
                membership.Cluster.Join(
                    LinkTransport.AddressOf(MembershipHocon.SystemName, target, membership.Cluster.SelfAddress.Protocol));
                await Task.WhenAny(membership.Joined.Task, membership.System.WhenTerminated, PauseAsync(s_joinLimit)).ConfigureAwait(false);
                if (membership.Joined.Task.IsCompleted) return;
                continue;
            }

            _waits = step.Waits;
            if (sent != step.Waits) _log.LogWarning("This node is in no cluster yet: {Reason}", step.Waits);
            sent = step.Waits;
            await PauseAsync(s_probePause).ConfigureAwait(false);
        }
    }

    private async Task<FormationStep> NextStepAsync(IReadOnlyList<string>? last, bool isPatient)
    {
        string self = Port.Address;
        string[] seeds = await ResolveSeedsAsync().ConfigureAwait(false);
        IEnumerable<string> asked = seeds.Concat(last ?? []).Where(address => address != self).Distinct();
        ProbeResult[] results = await Task.WhenAll(asked.Select(ProbeAsync)).ConfigureAwait(false);

        // A seed may be another name of this node.
        string[] aliases = [.. results.Where(result => result.Address == self).Select(static result => result.Asked)];
        ProbeResult[] others = [.. results.Where(result => result.Address != self)];
        return last is null
            ? FormationRule.AtStart(self, [.. seeds.Select(seed => aliases.Contains(seed) ? self : seed)], others, isPatient)
            : FormationRule.AfterDowning(self, last, others);
    }

    // A name with several addresses stands for all of them.
    private async Task<string[]> ResolveSeedsAsync()
    {
        List<string> seeds = [];
        foreach (string seed in _settings.Seeds)
        {
            try
            {
                IReadOnlyList<IPEndPoint> all = await NodeAddress.ResolveAsync(seed).ConfigureAwait(false);
                if (all.Count > 1) seeds.AddRange(all.Select(static each => NodeAddress.Format(each.Address.ToString(), each.Port)));
                else seeds.Add(seed);
            }
            catch (System.Net.Sockets.SocketException)
            {
                seeds.Add(seed);    // The probe will say why it is not reached.
            }
        }

        return [.. seeds.Distinct()];
    }

    private async Task<ProbeResult> ProbeAsync(string address)
    {
        DialOutcome outcome = await Port.DialAsync(address, LinkPurpose.Probe).ConfigureAwait(false);
        return outcome switch
        {
            { Peer: { } peer } => new ProbeResult(address, peer.IsMember ? ProbeState.Member : ProbeState.Alone, peer.Address),
            { Refusal: { IsForGood: true } refusal } => new ProbeResult(address, ProbeState.Refused, "", refusal.Reason),
            _ => new ProbeResult(address, ProbeState.Unreachable, "", outcome.Refusal?.Reason ?? outcome.Error ?? "no answer"),
        };
    }

    private (ulong Uid, bool IsMember) SelfNow()
    {
        lock (_lock)
        {
            return _membership is { } membership ? (membership.Self.Uid, membership.Joined.Task.IsCompleted && !membership.IsLeaving)
                : (0, false);
        }
    }

    private async Task PauseAsync(TimeSpan pause)
    {
        try
        {
            await Task.Delay(pause, _time, _stopping.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // It stops.
        }
    }

    /// <summary>Has a member leave in order.</summary>
    /// <param name="address">HOST:PORT of the member; null for this node.</param>
    /// <returns>False if there is no such member.</returns>
    public bool TryLeave(string? address) => TryWithMember(address ?? Port.Address, static (cluster, member) => cluster.Leave(member));

    /// <summary>Removes a member that does not answer any more, without waiting for the resolver.</summary>
    /// <param name="address">HOST:PORT of the member. This node itself: it joins again.</param>
    /// <returns>False if there is no such member.</returns>
    public bool TryDown(string address) => TryWithMember(address, static (cluster, member) => cluster.Down(member));

    /// <summary>Whether there is a member with this address.</summary>
    public bool HasMember(string address) => _view is { } view && view.Members.Any(member => member.Node.Address == address);

    private bool TryWithMember(string address, Action<AkkaCluster, Address> action)
    {
        lock (_lock)
        {
            if (_membership is not { } membership || _view is not { } view || !view.Members.Any(member => member.Node.Address == address))
                return false;
            action(membership.Cluster,
                LinkTransport.AddressOf(MembershipHocon.SystemName, address, membership.Cluster.SelfAddress.Protocol));
            return true;
        }
    }

    /// <summary>
    /// Leaves the cluster and ends the subscription; after the limit, at once. The port stays open until the node is disposed of.
    /// </summary>
    public async Task StopAsync(TimeSpan limit)
    {
        Membership? membership;
        lock (_lock)
        {
            membership = _membership;
            if (membership is not null) membership.IsLeaving = true;
        }

        if (membership is { Joined.Task.IsCompleted: true } && !membership.System.WhenTerminated.IsCompleted)
        {
            membership.Cluster.Leave(membership.Cluster.SelfAddress);
            await Task.WhenAny(membership.System.WhenTerminated, Task.Delay(limit, _time)).ConfigureAwait(false);
        }

        await _stopping.CancelAsync().ConfigureAwait(false);
        if (membership is not null) await membership.System.Terminate().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await StopAsync(TimeSpan.Zero).ConfigureAwait(false);
        Port.Dispose();
        _stopping.Dispose();
    }
}
