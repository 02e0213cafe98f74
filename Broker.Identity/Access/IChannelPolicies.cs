using Broker.Actors.Model;

namespace Broker.Identity.Access;

/// <summary>What the namespace of a channel says, as far as tokens and the backend go.</summary>
public interface IChannelPolicies
{
    /// <summary>
    /// Why no client may ask for the channel at all: its namespace is unknown, or its name breaks a rule; else <c>null</c>.
    /// </summary>
    HubError? Check(string channel);

    /// <summary>Whether the channel is limited to users that its name gives.</summary>
    bool IsUserLimited(string channel);

    /// <summary>Whether the backend is asked who may subscribe.</summary>
    bool UsesSubscribeProxy(string channel);

    /// <summary>Whether the backend is asked who may publish what.</summary>
    bool UsesPublishProxy(string channel);

    /// <summary>Most channels that a client may be subscribed to.</summary>
    int ChannelsMax { get; }
}
