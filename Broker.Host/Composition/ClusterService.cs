using Akka.Configuration;
using Broker.Actors.Api;
using Broker.Actors.Channels.Home;
using Broker.AspNetCore.Api;
using Broker.Cluster.Calls;
using Broker.Cluster.Lanes;
using Broker.Cluster.Membership;
using Broker.Cluster.Settings;
using Broker.Host.Hosting;
using Microsoft.Extensions.Logging;

namespace Broker.Host.Composition;

/// <summary>The process's part in its cluster; none exists in a hub of one node.</summary>
internal sealed class ClusterService : IClusterControl, IAsyncDisposable
{
    // Of a member that leaves the others receive within about two seconds.
    private static readonly TimeSpan s_leaveLimit = TimeSpan.FromSeconds(5);

    private readonly ClusterNode _node;
    private readonly LaneOwner _lanes;

    private ClusterService(ClusterNode node, LaneOwner lanes)
    {
        _node = node;
        _lanes = lanes;
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
        return new ClusterService(node, new LaneOwner(settings, node.Port, messageBytesMax, time, logs.CreateLogger("Broker.Cluster")));
    }

    /// <summary>Where the homes of channels are.</summary>
    internal INodeDirectory Nodes => _lanes;

    /// <summary>The server API over all nodes.</summary>
    internal IHubApi? ApiOver(IHubApi? local) => local is null ? null : new ClusterApi(local, _lanes);

    /// <summary>HOST:PORT for other nodes, once it has started.</summary>
    internal string Address => _node.Port.Address;

    /// <summary>Why the node is not ready; null if it is.</summary>
    internal string? NotReady => _node.IsUp ? null : _node.Status.Waits;

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

    internal Task StopAsync() => _node.StopAsync(s_leaveLimit);

    public ClusterReport Report()
    {
        ClusterStatus status = _node.Status;
        return new ClusterReport(status.Cluster, status.Address, NameOf(status.Phase), status.Waits,
            [.. status.Members.Select(
                static member => new ClusterNodeReport(member.Node.Address, member.Node.Uid, NameOf(member.State), member.IsReachable))]);
    }

    private static string NameOf<TEnum>(TEnum value)
        where TEnum : struct, Enum => value.ToString().ToLowerInvariant();

    public bool TryLeave(string? node) => _node.TryLeave(node);

    public bool TryDown(string node) => _node.TryDown(node);

    public async ValueTask DisposeAsync()
    {
        _lanes.Dispose();
        await _node.DisposeAsync().ConfigureAwait(false);
    }
}
