using Broker.Core.Centrifuge;

namespace Broker.Actors.Channels.Namespaces;

/// <summary>What a client wants to do with a channel.</summary>
public enum ChannelUse
{
    /// <summary>Subscribe to it.</summary>
    Subscribe,

    /// <summary>Publish to it.</summary>
    Publish,

    /// <summary>Ask who is there, or how many.</summary>
    Presence,

    /// <summary>Read its history.</summary>
    History,
}

/// <summary>Whether a namespace lets a client do something. Pure; tokens and backends that grant more are asked before.</summary>
public static class ChannelRules
{
    /// <summary>Judges.</summary>
    /// <param name="use">What the client wants.</param>
    /// <param name="channel">The channel.</param>
    /// <param name="options">Its namespace.</param>
    /// <param name="user">The client's user; empty for an anonymous one.</param>
    /// <param name="isSubscribed">Whether the client is subscribed to the channel.</param>
    /// <returns>Why not, or null: 108 where the namespace does not have it, 103 where the client may not.</returns>
    public static CentrifugeError? Check(ChannelUse use, string channel, ChannelNamespace options, string user, bool isSubscribed)
    {
        ArgumentNullException.ThrowIfNull(options);
        return use switch
        {
            ChannelUse.Presence when !options.Presence => CentrifugeError.NotAvailable,
            ChannelUse.History when !options.History.IsOn => CentrifugeError.NotAvailable,
            ChannelUse.Subscribe when ChannelNamespaces.IsUserLimited(channel, options) => ChannelNamespaces.NamesUser(channel, user) ? null : CentrifugeError.PermissionDenied,
            _ => IsAllowed(AccessOf(use, options), user, isSubscribed) ? null : CentrifugeError.PermissionDenied,
        };
    }

    private static ChannelAccess AccessOf(ChannelUse use, ChannelNamespace options) => use switch
    {
        ChannelUse.Subscribe => options.Subscribe,
        ChannelUse.Publish => options.Publish,
        ChannelUse.Presence => options.PresenceAccess,
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
