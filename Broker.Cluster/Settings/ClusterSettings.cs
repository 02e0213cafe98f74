using System.Net;
using Broker.Cluster.Links;

namespace Broker.Cluster.Settings;

/// <summary>Who goes on when nodes do not reach each other.</summary>
public enum SplitStrategy
{
    /// <summary>The larger part; of two equal ones that with the lowest address.</summary>
    KeepMajority,

    /// <summary>The part with the oldest node, unless that is alone.</summary>
    KeepOldest,
}

/// <summary>How a node takes part in a cluster.</summary>
public sealed record ClusterSettings
{
    /// <summary>HOST:PORT of this node for other nodes; empty if it is in no cluster.</summary>
    public string Address { get; init; } = "";

    /// <summary>The address to bind if it is not the address's host; null for that.</summary>
    public IPAddress? BindAddress { get; init; }

    /// <summary>HOST:PORT of nodes to join; a node may be among its own seeds. Empty: it begins a cluster.</summary>
    public IReadOnlyList<string> Seeds { get; init; } = [];

    /// <summary>The name of the cluster.</summary>
    public string Name { get; init; } = "broker";

    /// <summary>What every node of the cluster knows and no other component; empty for none.</summary>
    public string Secret { get; init; } = "";

    /// <summary>Whether other machines may reach the port although nothing on it is encrypted.</summary>
    public bool AllowUnprotected { get; init; }

    /// <summary>How many partitions channels are spread over; the same on all nodes, for the cluster's life.</summary>
    public int Partitions { get; init; } = 512;

    /// <summary>Connections between each two nodes; the same on all nodes.</summary>
    public int Lanes { get; init; } = 2;

    /// <summary>Nodes that must have joined before any takes part.</summary>
    public int MembersMin { get; init; } = 1;

    /// <summary>Who goes on after a split.</summary>
    public SplitStrategy Strategy { get; init; }

    /// <summary>How long the picture of who is reached must be the same before anyone is downed.</summary>
    public TimeSpan StableAfter { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Whether all is downed when the picture does not come to rest.</summary>
    public bool DownAllWhenUnstable { get; init; } = true;

    /// <summary>How often nodes say that they live.</summary>
    public TimeSpan HeartbeatInterval { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>How long heartbeats may be late before a node counts as unreachable.</summary>
    public TimeSpan AcceptablePause { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long the first seed waits at the start for seeds that do not answer.</summary>
    public TimeSpan SeedPatience { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Clients that a node that stops sends away in a second.</summary>
    public int DrainRate { get; init; } = 500;

    /// <summary>How long a node that stops may take to hand its homes over and to send its clients away.</summary>
    public TimeSpan DrainLimit { get; init; } = TimeSpan.FromSeconds(120);

    /// <summary>Whether the node is in a cluster.</summary>
    public bool IsEnabled => Address.Length > 0;

    /// <summary>What has to be equal on all nodes.</summary>
    public LinkAgreement Agreement => new(Name, Secret,
    [
        KeyValuePair.Create("broker.cluster.partitions", Partitions.ToString(System.Globalization.CultureInfo.InvariantCulture)),
        KeyValuePair.Create("broker.cluster.lanes", Lanes.ToString(System.Globalization.CultureInfo.InvariantCulture)),
        KeyValuePair.Create(
            "broker.cluster.split-brain.strategy", Strategy == SplitStrategy.KeepMajority ? "keep-majority" : "keep-oldest"),
        KeyValuePair.Create("broker.cluster.split-brain.stable-after", $"{StableAfter.TotalMilliseconds:0}ms"),
        KeyValuePair.Create("broker.cluster.split-brain.down-all-when-unstable", DownAllWhenUnstable ? "on" : "off"),
    ]);
}
