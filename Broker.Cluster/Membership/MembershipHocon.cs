using System.Globalization;
using Akka.Event;
using Broker.Cluster.Links;
using Broker.Cluster.Settings;
using Broker.Cluster.Transport;

namespace Broker.Cluster.Membership;

/// <summary>The configuration of a subscription's actor system.</summary>
internal static class MembershipHocon
{
    /// <summary>
    /// Its name, the same on all nodes; the cluster's own name is compared by the handshake of links, which gives a reason.
    /// </summary>
    internal const string SystemName = "broker";

    /// <summary>What Akka says of every link that ends, beside what the node says of its members.</summary>
    internal static LogFilterSetup Quiet { get; } = new LogFilterBuilder()
        .ExcludeMessageContaining("Disassociated")
        .ExcludeMessageContaining("Tried to associate with unreachable remote address")
        .ExcludeMessageContaining("Association with remote system")
        .ExcludeMessageContaining("Marking node(s) as")
        .Build();

    internal static string Of(ClusterSettings settings, ulong store)
    {
        string strategy = settings.Strategy == SplitStrategy.KeepMajority ? "keep-majority" : "keep-oldest";
        string transport = $"{typeof(LinkTransport).FullName}, {typeof(LinkTransport).Assembly.GetName().Name}";
        string unstable = settings.DownAllWhenUnstable ? "on" : "off";
        return string.Create(CultureInfo.InvariantCulture, $$"""
            akka.actor.provider = cluster
            akka.log-dead-letters = off
            akka.log-dead-letters-during-shutdown = off
            akka.actor.serialization-settings.allow-unregistered-types = false
            akka.actor.default-dispatcher.type = ForkJoinDispatcher
            akka.actor.default-dispatcher.dedicated-thread-pool.thread-count = 2
            akka.actor.default-dispatcher.dedicated-thread-pool.threadtype = background
            akka.actor.internal-dispatcher.type = ForkJoinDispatcher
            akka.actor.internal-dispatcher.dedicated-thread-pool.thread-count = 2
            akka.actor.internal-dispatcher.dedicated-thread-pool.threadtype = background
            akka.remote.use-dispatcher = "akka.actor.internal-dispatcher"
            akka.cluster.use-dispatcher = "akka.actor.internal-dispatcher"
            akka.remote.enabled-transports = ["broker.cluster.transport"]
            akka.remote.log-remote-lifecycle-events = off
            akka.remote.retry-gate-closed-for = 1s
            akka.remote.transport-failure-detector.acceptable-heartbeat-pause = 20s
            broker.cluster.transport.transport-class = "{{transport}}"
            broker.cluster.transport.transport-protocol = {{LinkTransport.Scheme}}
            broker.cluster.transport.applied-adapters = []
            broker.cluster.transport.maximum-frame-size = {{LinkFrames.MembershipBytesMax}}b
            akka.cluster.roles = ["{{ViewActor.StoreRole}}{{store:x}}"]
            akka.cluster.min-nr-of-members = {{settings.MembersMin}}
            akka.cluster.failure-detector.heartbeat-interval = {{settings.HeartbeatInterval.TotalMilliseconds}}ms
            akka.cluster.failure-detector.acceptable-heartbeat-pause = {{settings.AcceptablePause.TotalMilliseconds}}ms
            akka.cluster.failure-detector.expected-response-after = {{settings.HeartbeatInterval.TotalMilliseconds}}ms
            akka.cluster.gossip-interval = 300ms
            akka.cluster.leader-actions-interval = 300ms
            akka.cluster.unreachable-nodes-reaper-interval = 300ms
            akka.cluster.retry-unsuccessful-join-after = 3s
            akka.cluster.down-removal-margin = 200ms
            akka.cluster.downing-provider-class = "Akka.Cluster.SBR.SplitBrainResolverProvider, Akka.Cluster"
            akka.cluster.split-brain-resolver.active-strategy = {{strategy}}
            akka.cluster.split-brain-resolver.stable-after = {{settings.StableAfter.TotalMilliseconds}}ms
            akka.cluster.split-brain-resolver.down-all-when-unstable = {{unstable}}
            akka.cluster.run-coordinated-shutdown-when-down = on
            akka.cluster.log-info = off
            akka.coordinated-shutdown.run-by-clr-shutdown-hook = off
            akka.coordinated-shutdown.exit-clr = off
            """);
    }
}
