namespace Broker.Core.Protocol.Messages;

/// <summary>The fixed points of the native protocol. docs/PROTOCOL.md describes it to the byte.</summary>
public static class NativeProtocol
{
    /// <summary>The subprotocol in which a frame carries exactly one message.</summary>
    public const string Unbatched = "v2.broker";

    /// <summary>The subprotocol in which a frame carries one or more messages, one behind the other.</summary>
    public const string Batched = "v3.broker";

    /// <summary>What hello and welcome call these messages. Both subprotocols carry the same ones.</summary>
    public const ushort Version = 1;

    /// <summary>Bytes before the body of every message: its kind, and the length of the body.</summary>
    public const int HeadBytes = 5;

    /// <summary>Most messages of one frame, so that a small frame can not ask for much work.</summary>
    public const int MessagesPerFrameMax = 4096;

    /// <summary>Where a delivery has its channel's number: the one place in which two nodes' bytes of it may differ.</summary>
    public const int DeliveryChannelOffset = HeadBytes;

    /// <summary>The subprotocols, the most preferred first.</summary>
    public static IReadOnlyList<string> Preference { get; } = [Batched, Unbatched];
}
