using Akka.Actor.Setup;
using Broker.Cluster.Links;

namespace Broker.Cluster.Transport;

/// <summary>Hands the node's port to the actor system of a subscription.</summary>
/// <param name="port">The port; it outlives the actor system.</param>
public sealed class LinkSetup(NodePort port) : Setup
{
    /// <summary>The port.</summary>
    public NodePort Port { get; } = port;
}
