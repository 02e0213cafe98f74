using System.Diagnostics.Metrics;
using Broker.Actors.Metrics;
using Broker.Cluster.Lanes;
using Broker.Cluster.Membership;

namespace Broker.Host.Composition;

/// <summary>What a node of a cluster counts; all of it is observed.</summary>
internal sealed class ClusterMeter : IDisposable
{
    private readonly Meter _meter;

    internal ClusterMeter(ClusterNode node, LaneOwner lanes)
    {
        _meter = new Meter(new MeterOptions(HubMeter.Name) { Scope = node });
        _meter.CreateObservableUpDownCounter(
            "broker.cluster.members", () => Members(node), "{node}", "Members by state, as this node sees them.");
        _meter.CreateObservableUpDownCounter(
            "broker.cluster.homes", () => lanes.HomesHere, "{partition}", "Partitions whose channels have their home here.");
        _meter.CreateObservableUpDownCounter(
            "broker.cluster.lanes", () =>
                lanes.Lanes.Select(static lane => Of(lane, lane.IsOpen ? 1L : 0)), "{lane}", "1 for a lane that is open.");
        _meter.CreateObservableUpDownCounter(
            "broker.cluster.lane.waiting", () => lanes.Lanes.Select(static lane => Of(lane, lane.WaitingBytes)), "By",
                "Bytes that wait to leave.");
        Count("sent", "{message}", static counters => counters.Sent, "Messages of channels for another node.");
        Count("received", "{message}", static counters => counters.Received, "Messages of channels of another node.");
        Count("sent.bytes", "By", static counters => counters.SentBytes, "Bytes of messages of channels for another node.");
        Count("received.bytes", "By", static counters => counters.ReceivedBytes, "Bytes of messages of channels of another node.");
        Count("dropped", "{message}", static counters => counters.Dropped, "Publications that were dropped as too much was waiting.");

        void Count(string name, string unit, Func<LaneCounters, long> read, string description) => _meter.CreateObservableCounter(
            $"broker.cluster.lane.{name}", () => lanes.Lanes.Select(lane => Of(lane, read(lane.Counters))), unit, description);
    }

    private static Measurement<long> Of(in LaneReport lane, long value) => new(value, new("node", lane.Node), new("lane", lane.Number));

    private static IEnumerable<Measurement<int>> Members(ClusterNode node) =>
        from member in node.Status.Members
        group member by (member.State, member.IsReachable) into members
        select new Measurement<int>(
            members.Count(), new("state", members.Key.State.ToString().ToLowerInvariant()),
                new("reachable", members.Key.IsReachable ? "yes" : "no"));

    /// <inheritdoc />
    public void Dispose() => _meter.Dispose();
}
