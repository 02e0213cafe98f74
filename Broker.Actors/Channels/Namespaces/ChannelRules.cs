using Broker.Actors.Access;
using Broker.Actors.Model;

namespace Broker.Actors.Channels.Namespaces;

/// <summary>Whether a namespace lets a client do something. Pure; tokens and backends that grant more are asked before.</summary>
public static class ChannelRules
{
    /// <summary>Judges.</summary>
    /// <param name="action">What the client wants.</param>
    /// <param name="channel">The channel.</param>
    /// <param name="options">Its namespace.</param>
    /// <param name="user">The client's user; empty for an anonymous one.</param>
    /// <param name="isSubscribed">Whether the client is subscribed to the channel.</param>
    /// <returns>Why not, or null: 108 where the namespace does not have it, 103 where the client may not.</returns>
    public static HubError? Check(HubAction action, string channel, ChannelNamespace options, string user, bool isSubscribed)
    {
        ArgumentNullException.ThrowIfNull(options);
        return action switch
        {
            HubAction.Presence when !options.Presence => HubError.NotAvailable,
            HubAction.History when !options.History.IsOn => HubError.NotAvailable,
            HubAction.Subscribe when ChannelNamespaces.IsUserLimited(channel, options) =>
                ChannelNamespaces.NamesUser(channel, user) ? null : HubError.PermissionDenied,
            _ => IsAllowed(AccessOf(action, options), user, isSubscribed) ? null : HubError.PermissionDenied,
        };
    }

    private static ChannelAccess AccessOf(HubAction action, ChannelNamespace options) => action switch
    {
        HubAction.Subscribe => options.Subscribe,
        HubAction.Publish => options.Publish,
        HubAction.Presence => options.PresenceAccess,
        _ => options.HistoryAccess,
    };

    private static bool IsAllowed(ChannelAccess access, string user, bool isSubscribed) => access switch
    {
        ChannelAccess.Anonymous => true,
        ChannelAccess.Authenticated => user.Length > 0,
        ChannelAccess.Subscribers => isSubscribed,
        _ => false,
    };
}
