namespace Broker.Core.Counting;

/// <summary>What each loop counts without a code beside it.</summary>
public enum LoopCount
{
    /// <summary>Bytes read from open connections.</summary>
    BytesReceived,

    /// <summary>Bytes that sockets took.</summary>
    BytesSent,

    /// <summary>WebSocket data messages that came whole.</summary>
    PayloadsReceived,

    /// <summary>WebSocket data messages written for clients.</summary>
    PayloadsSent,

    /// <summary>What the payloads that came said: native messages, JSON commands, echoes.</summary>
    MessagesReceived,

    /// <summary>What the payloads for clients say.</summary>
    MessagesSent,

    /// <summary>Publications that a channel's home took.</summary>
    Publications,

    /// <summary>Publications handed to a client's connection.</summary>
    Deliveries,

    /// <summary>Places of clients in channels, now.</summary>
    Subscriptions,

    /// <summary>Channels with a listener, now.</summary>
    Channels,

    /// <summary>Calls of clients that came to a result.</summary>
    CallsReturned,
}
