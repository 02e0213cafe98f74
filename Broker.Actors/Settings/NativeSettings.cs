using Broker.Core.Native;

namespace Broker.Actors.Settings;

/// <summary>The native protocol. Who may come in and what one client may do and hold is set for all dialects, in <see cref="CentrifugeSettings"/>.</summary>
public sealed record NativeSettings
{
    /// <summary>Items of a call that a client may say before the first credit.</summary>
    internal const int WindowItems = 8;

    /// <summary>Whether the path answers at all.</summary>
    public bool Enabled { get; init; } = true;

    /// <summary>The path that clients connect to.</summary>
    public string Path { get; init; } = "/ws";

    /// <summary>The longest frame of a client, and so its longest message.</summary>
    public int FrameBytesMax { get; init; } = 256 * 1024;

    /// <summary>The most WebSocket frames that one payload of a client may come in.</summary>
    public int FragmentsMax { get; init; } = 1024;

    /// <summary>The most messages in one frame of <c>v3.broker</c>.</summary>
    public int MessagesPerFrameMax { get; init; } = NativeProtocol.MessagesPerFrameMax;

    /// <summary>Bytes of commands that may be under way in the hub for one client; reading from it pauses above.</summary>
    public int CommandBytesMax { get; init; } = 1024 * 1024;

    /// <summary>The longest payload that a hub may send a native client: a batch, or one delivery of the longest data.</summary>
    internal static int LargestFrameOf(HubSettings settings)
    {
        int delivery = Math.Max(settings.Native.FrameBytesMax, settings.Centrifuge.MessageBytesMax) + NativeWriter.SizeOf(default(Delivery));
        return 1 + Math.Max(delivery, settings.Routing.BatchBytesMax);
    }

    /// <summary>What welcome tells. No streams are taken: a stream may have one byte, which no message has.</summary>
    internal NativeLimits ToLimits(bool batched, int callsMax, TimeSpan pingInterval) => new(
        FrameBytesMax,
        MessagesPerFrameMax: batched ? MessagesPerFrameMax : 1,
        ChunkBytesMax: 1,
        ChunksMax: 1,
        StreamBytesMax: 1,
        StreamsMax: 1,
        CallsMax: callsMax,
        WindowChunks: WindowItems,
        (int)pingInterval.TotalMilliseconds);
}
