using System.Globalization;
using System.Text.Json;
using Broker.Actors.Model;

namespace Broker.AspNetCore.Api;

/// <summary>The methods of the server API about the cluster.</summary>
internal static class ApiClusterMethods
{
    internal static void WriteStatus(Utf8JsonWriter result, IClusterControl? cluster)
    {
        ClusterReport report = Required(cluster).Report();
        result.WriteStartObject();
        result.WriteString("cluster"u8, report.Cluster);
        result.WriteString("node"u8, report.Node);
        result.WriteString("phase"u8, report.Phase);
        if (report.Waits.Length > 0) result.WriteString("waits"u8, report.Waits);
        result.WriteStartArray("nodes"u8);
        foreach (ClusterNodeReport node in report.Nodes)
        {
            result.WriteStartObject();
            result.WriteString("address"u8, node.Address);
            result.WriteString("uid"u8, node.Uid.ToString(CultureInfo.InvariantCulture));
            result.WriteString("state"u8, node.State);
            result.WriteBoolean("reachable"u8, node.IsReachable);
            result.WriteBoolean("draining"u8, node.IsDraining);
            result.WriteNumber("partitions"u8, node.Partitions);
            if (node.LanesOpen is { } lanes) result.WriteNumber("lanes"u8, lanes);
            if (node.WaitingBytes is { } waiting) result.WriteNumber("waiting_bytes"u8, waiting);
            result.WriteEndObject();
        }

        result.WriteEndArray();
        result.WriteEndObject();
    }

    internal static void Leave(ClusterNodeBody body, IClusterControl? cluster)
    {
        string? node = string.IsNullOrEmpty(body.Node) ? null : body.Node;
        if (!Required(cluster).TryLeave(node)) throw NoMember(node ?? "this node");
    }

    internal static void Down(ClusterNodeBody body, IClusterControl? cluster)
    {
        string node = ApiChecks.Text(body.Node, "node");
        if (!Required(cluster).TryDown(node)) throw NoMember(node);
    }

    private static IClusterControl Required(IClusterControl? cluster) =>
        cluster ?? throw new ApiException(
            ApiError.Of(HubError.NotAvailable, "not available: this hub is in no cluster (broker.cluster.address)"));

    private static ApiException NoMember(string node) => new(ApiError.BadRequest($"no member of the cluster has the address {node}"));
}
