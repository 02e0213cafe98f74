namespace Broker.Core.Protocol.Messages;

/// <summary>What a server takes from one client; welcome holds it. Every number is over 0 unless it says otherwise.</summary>
/// <param name="FrameBytesMax">The longest payload, and so the longest message that is not a stream.</param>
/// <param name="MessagesPerFrameMax">Most messages of one frame; 1 in <c>v2.broker</c>.</param>
/// <param name="ChunkBytesMax">The most data of one chunk.</param>
/// <param name="ChunksMax">Most chunks of one stream.</param>
/// <param name="StreamBytesMax">The most data of one stream.</param>
/// <param name="StreamsMax">Streams that may be incomplete at once.</param>
/// <param name="CallsMax">Calls that may be pending at once.</param>
/// <param name="WindowChunks">Chunks of a stream that may be sent before the first credit.</param>
/// <param name="WindowItems">Items of a call that may be sent before the first credit.</param>
/// <param name="PingMilliseconds">After this time without a byte from the client the server pings; 0 means never.</param>
public readonly record struct NativeLimits(
    int FrameBytesMax,
    int MessagesPerFrameMax,
    int ChunkBytesMax,
    int ChunksMax,
    long StreamBytesMax,
    int StreamsMax,
    int CallsMax,
    int WindowChunks,
    int WindowItems,
    int PingMilliseconds)
{
    /// <summary>Chunks of a stream before the first credit, in either direction, unless it is set otherwise.</summary>
    /// <remarks>
    /// A client that reads as fast as it can has all of them in front of what is sent next: a mebibyte is 5 ms where 200 MiB/s are read.
    /// Two chunks under way while one is read are enough to keep it busy.
    /// </remarks>
    public const int WindowChunksDefault = 4;

    /// <summary>Items of a call before the first credit, in either direction, unless it is set otherwise.</summary>
    public const int WindowItemsDefault = 8;

    /// <summary>What a server sends unless it is set otherwise.</summary>
    public static NativeLimits Default { get; } = new(
        FrameBytesMax: 512 * 1024,
        MessagesPerFrameMax: NativeProtocol.MessagesPerFrameMax,
        ChunkBytesMax: 256 * 1024,
        ChunksMax: 256,
        StreamBytesMax: 64L * 1024 * 1024,
        StreamsMax: 8,
        CallsMax: 1024,
        WindowChunks: WindowChunksDefault,
        WindowItems: WindowItemsDefault,
        PingMilliseconds: 25_000);
}
