namespace Broker.Dialects.Centrifuge.Wire;

/// <summary>What a client asks for: the one method of its command.</summary>
public enum CommandKind : byte
{
    /// <summary>An empty object: the answer to the server's ping. It has no id and gets no reply.</summary>
    Pong,

    /// <summary>The first command of a connection, and sent once.</summary>
    Connect,

    /// <summary>Listen to a channel.</summary>
    Subscribe,

    /// <summary>Listen to a channel no longer.</summary>
    Unsubscribe,

    /// <summary>Send data to all who listen to a channel.</summary>
    Publish,

    /// <summary>Send data to the server. The one command that needs no id, because it gets no reply.</summary>
    Send,

    /// <summary>Call a method of the server.</summary>
    Rpc,

    /// <summary>Who listens to a channel?</summary>
    Presence,

    /// <summary>How many listen to a channel?</summary>
    PresenceStats,

    /// <summary>What was published in a channel?</summary>
    History,

    /// <summary>A new token for the connection.</summary>
    Refresh,

    /// <summary>A new token for one subscription.</summary>
    SubRefresh,

    /// <summary>A command with an id and no method that this dialect knows. The official server closes with 3501.</summary>
    Unknown,
}
