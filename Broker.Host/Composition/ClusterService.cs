using Akka.Configuration;
using Broker.Actors.Api;
using Broker.Actors.Channels.Home;
using Broker.AspNetCore.Api;
using Broker.Cluster.Calls;
using Broker.Cluster.Lanes;
using Broker.Cluster.Membership;
using Broker.Cluster.Settings;
using Broker.Host.Hosting;
using Broker.Identity.Revocation;
using Microsoft.Extensions.Logging;

namespace Broker.Host.Composition;

/// <summary>The process's part in its cluster; none exists in a hub of one node.</summary>
internal sealed class ClusterService : IClusterControl, IAsyncDisposable
{
    // Of a member that leaves the others receive within about two seconds.
    private static readonly TimeSpan s_leaveLimit = TimeSpan.FromSeconds(5);

    private readonly ClusterNode _node;
    private readonly LaneOwner _lanes;

    private readonly ClusterSettings _settings;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly ClusterMeter _meter;
    private ClusterApi? _api;

    private ClusterService(ClusterSettings settings, ClusterNode node, LaneOwner lanes, TimeProvider time, ILogger log)
    {
        _settings = settings;
        _node = node;
        _lanes = lanes;
        _time = time;
        _log = log;
        _meter = new ClusterMeter(node, lanes);
    }

    /// <summary>Makes it, if the settings say that the hub is in a cluster.</summary>
    /// <param name="settings">How it takes part.</param>
    /// <param name="messageBytesMax">The longest message of a client.</param>
    /// <param name="akkaLog">How its actor system logs.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logs">Makes its log.</param>
    internal static ClusterService? Open(
        ClusterSettings settings, int messageBytesMax, Config akkaLog, TimeProvider time, ILoggerFactory logs)
    {
        if (!settings.IsEnabled) return null;
        var node = new ClusterNode(settings, akkaLog, time, logs);
        ILogger log = logs.CreateLogger("Broker.Cluster");
        return new ClusterService(settings, node, new LaneOwner(settings, node.Port, messageBytesMax, time, log), time, log);
    }

    /// <summary>Where the homes of channels are.</summary>
    internal INodeDirectory Nodes => _lanes;

    /// <summary>The server API over all nodes.</summary>
    internal IHubApi? ApiOver(IHubApi? local) =>
        local is null ? null : _api = new ClusterApi(local, _lanes) { LeaveAsked = () => LeaveAsked?.Invoke() };

    /// <summary>Has all nodes know the same revocations. Before the start.</summary>
    internal void Share(RevocationList? revocations)
    {
        if (revocations is null) return;
        _lanes.Shared = () => SharedRevocations.Pieces(revocations);
        _lanes.SharedArrived = piece => SharedRevocations.Read(piece, revocations, _log);
        revocations.Changed += entry => _lanes.Share(SharedRevocations.Write(entry));
    }

    /// <summary>HOST:PORT for other nodes, once it has started.</summary>
    internal string Address => _node.Port.Address;

    /// <summary>Why the node is not ready; null if it is.</summary>
    internal string? NotReady =>
        !_node.IsUp ? _node.Status.Waits : _lanes.IsComplete ? null : "it does not reach all nodes of the cluster yet";

    /// <summary>The process is asked to leave the cluster and to end.</summary>
    internal event Action? LeaveAsked;

    /// <summary>How long <see cref="LeaveAsync"/> may take.</summary>
    internal TimeSpan LeaveLimit => _settings.DrainLimit + s_leaveLimit;

    /// <summary>Called once when someone has asked this node to leave, and it has.</summary>
    internal event Action? HasLeft
    {
        add => _node.HasLeft += value;
        remove => _node.HasLeft -= value;
    }

    internal Task StartAsync(IHub hub)
    {
        hub.ConnectNodes(_lanes.Start);
        _node.ViewChanged += _lanes.OnView;
        return _node.StartAsync();
    }

    /// <summary>
    /// Leaves in order: hands the homes of channels over to the other nodes, sends the clients to them at the rate, and leaves the cluster.
    /// A node that is alone leaves at once.
    /// </summary>
    internal async Task LeaveAsync(IHub hub)
    {
        ArgumentNullException.ThrowIfNull(hub);
        long start = _time.GetTimestamp();
        if (_lanes.HasOthers)
        {
            int homes = _lanes.HomesHere;
            _log.LogInformation("Handing over the channels of {Count} partitions to the other nodes", homes);
            int left = await _lanes.DrainAsync(_settings.DrainLimit).ConfigureAwait(false);
            if (left == 0) _log.LogInformation("The channels of {Count} partitions are with other nodes", homes);
            else _log.LogWarning("{Left} of {Count} partitions were not handed over, and lose the histories in memory", left, homes);
            TimeSpan rest = _settings.DrainLimit - _time.GetElapsedTime(start);
            if (rest > TimeSpan.Zero && hub.Connections > 0)
            {
                _log.LogInformation("Sending {Count} clients to the other nodes, {Rate} a second", hub.Connections, _settings.DrainRate);
                await hub.EmptyAsync(_settings.DrainRate, rest).ConfigureAwait(false);
                if (hub.Connections > 0) _log.LogWarning("{Count} clients are left after {Limit}", hub.Connections, _settings.DrainLimit);
            }
        }

        _log.LogInformation("Leaving the cluster");
        await _node.StopAsync(s_leaveLimit).ConfigureAwait(false);
    }

    public ClusterReport Report()
    {
        ClusterStatus status = _node.Status;
        IReadOnlyDictionary<NodeName, (int Homes, bool IsDraining)> homes =
            _lanes.HomesOf(status.Members.Select(static member => member.Node));
        ILookup<string, LaneReport> lanes = _lanes.Lanes.ToLookup(static lane => lane.Node);
        return new ClusterReport(status.Cluster, status.Address, NameOf(status.Phase), status.Waits,
            [.. status.Members.Select(member =>
                new ClusterNodeReport(member.Node.Address, member.Node.Uid, NameOf(member.State), member.IsReachable)
                {
                    Partitions = homes[member.Node].Homes,
                    IsDraining = homes[member.Node].IsDraining,
                    LanesOpen = member.Node.Address == status.Address ? null : lanes[member.Node.Address].Count(static lane => lane.IsOpen),
                    WaitingBytes = member.Node.Address == status.Address ? null
                        : lanes[member.Node.Address].Sum(static lane => (long)lane.WaitingBytes),
                })]);
    }

    private static string NameOf<TEnum>(TEnum value)
        where TEnum : struct, Enum => value.ToString().ToLowerInvariant();

    public bool TryLeave(string? node)
    {
        if (node is null || node == _node.Port.Address)
        {
            LeaveAsked?.Invoke();
            return true;
        }

        if (!_node.HasMember(node)) return false;
        _ = AskToLeaveAsync(node);
        return true;
    }

    // One that cannot be asked is made to leave by the engine, without handing anything over.
    private async Task AskToLeaveAsync(string node)
    {
        try
        {
            if (_api is null || !await _api.AskToLeaveAsync(node).ConfigureAwait(false)) _node.TryLeave(node);
        }
        catch (System.Text.Json.JsonException)
        {
            _node.TryLeave(node);
        }
    }

    public bool TryDown(string node) => _node.TryDown(node);

    public async ValueTask DisposeAsync()
    {
        _meter.Dispose();
        _lanes.Dispose();
        await _node.DisposeAsync().ConfigureAwait(false);
    }
}
