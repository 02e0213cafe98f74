using Broker.Actors.Channels.Namespaces;
using Broker.Actors.Model;

namespace Broker.Identity.Access;

/// <summary>Answers by the hub's own namespaces.</summary>
/// <param name="namespaces">The namespaces.</param>
/// <param name="channelsMax">Most channels that a client may be subscribed to.</param>
public sealed class NamespacePolicies(ChannelNamespaces namespaces, int channelsMax) : IChannelPolicies
{
    /// <inheritdoc />
    public int ChannelsMax => channelsMax;

    /// <inheritdoc />
    public HubError? Check(string channel) => namespaces.TryResolve(channel, out _, out HubError error) ? null : error;

    /// <inheritdoc />
    public bool IsUserLimited(string channel) =>
        namespaces.TryResolve(channel, out ChannelNamespace? options, out _) && ChannelNamespaces.IsUserLimited(channel, options);

    /// <inheritdoc />
    public bool UsesSubscribeProxy(string channel) =>
        namespaces.TryResolve(channel, out ChannelNamespace? options, out _) && options.SubscribeProxy;

    /// <inheritdoc />
    public bool UsesPublishProxy(string channel) =>
        namespaces.TryResolve(channel, out ChannelNamespace? options, out _) && options.PublishProxy;
}
