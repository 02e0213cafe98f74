using Akka.Configuration;
using Broker.AspNetCore.Api;
using Broker.Cluster.Membership;
using Broker.Cluster.Settings;
using Microsoft.Extensions.Logging;

namespace Broker.Host.Composition;

/// <summary>The process's part in its cluster; none exists in a hub of one node.</summary>
internal sealed class ClusterService : IClusterControl, IAsyncDisposable
{
    // Of a member that leaves the others receive within about two seconds.
    private static readonly TimeSpan s_leaveLimit = TimeSpan.FromSeconds(5);

    private readonly ClusterNode _node;

    private ClusterService(ClusterNode node) => _node = node;

    /// <summary>Makes it, if the settings say that the hub is in a cluster.</summary>
    internal static ClusterService? Open(ClusterSettings settings, Config akkaLog, TimeProvider time, ILoggerFactory logs) =>
        settings.IsEnabled ? new ClusterService(new ClusterNode(settings, akkaLog, time, logs)) : null;

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

    internal Task StartAsync() => _node.StartAsync();

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

    public ValueTask DisposeAsync() => _node.DisposeAsync();
}
