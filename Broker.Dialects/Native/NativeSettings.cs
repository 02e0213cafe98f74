using Broker.Core.Protocol.Messages;
using Broker.Core.Protocol.Transfers;

namespace Broker.Dialects.Native;

/// <summary>
/// The native protocol. Who may come in and what one client may do and hold is set for all dialects, in
/// <see cref="Broker.Actors.Sessions.ClientSettings"/> and <see cref="Broker.Actors.Settings.HubSettings.Access"/>.
/// </summary>
public sealed record NativeSettings
{
    // Of native publishers: what is longer goes to each listener by itself.
    private const int SharedDataBytesMax = 256 * 1024;

    /// <summary>Whether the path answers at all.</summary>
    public bool Enabled { get; init; } = true;

    /// <summary>The path that clients connect to.</summary>
    public string Path { get; init; } = "/ws";

    /// <summary>The longest frame of a client, and so its longest message that is no stream.</summary>
    public int FrameBytesMax { get; init; } = 512 * 1024;

    /// <summary>The most WebSocket frames that one payload of a client may come in.</summary>
    public int FragmentsMax { get; init; } = 1024;

    /// <summary>The most messages in one frame of <c>v3.broker</c>.</summary>
    public int MessagesPerFrameMax { get; init; } = NativeProtocol.MessagesPerFrameMax;

    /// <summary>Bytes of commands that may be under way in the hub for one client; reading from it pauses above.</summary>
    public int CommandBytesMax { get; init; } = 1024 * 1024;

    /// <summary>Whether payloads are compressed for clients that ask for it.</summary>
    public bool Compression { get; init; } = true;

    /// <summary>Further arguments of a call that a client may send before the first credit.</summary>
    public int ItemsWindow { get; init; } = NativeLimits.WindowItemsDefault;

    /// <summary>Streams of chunks.</summary>
    public StreamSettings Streams { get; init; } = new();

    /// <summary>
    /// The longest payload that every native client has to take: a batch, or one delivery of the longest data that is shared in one piece.
    /// </summary>
    /// <param name="settings">The dialect's.</param>
    /// <param name="sharedBytesMax">The longest message of another dialect's client.</param>
    /// <param name="batchBytesMax">Of one channel's batch.</param>
    internal static int LargestFrameOf(NativeSettings settings, int sharedBytesMax, int batchBytesMax)
    {
        int longestData = Math.Max(sharedBytesMax, Math.Min(SharedDataBytesMax, settings.FrameBytesMax));
        int delivery = longestData + NativeWriter.SizeOf(default(Delivery));
        return 1 + Math.Max(delivery, batchBytesMax);
    }

    /// <summary>What welcome tells.</summary>
    internal NativeLimits ToLimits(bool batched, int callsMax, TimeSpan pingInterval)
    {
        ChunkLimits streams = Streams.ToLimits(FrameBytesMax);
        return new NativeLimits(
            FrameBytesMax,
            MessagesPerFrameMax: batched ? MessagesPerFrameMax : 1,
            streams.ChunkBytesMax,
            streams.ChunksMax,
            streams.StreamBytesMax,
            streams.StreamsMax,
            CallsMax: callsMax,
            streams.WindowChunks,
            ItemsWindow,
            (int)pingInterval.TotalMilliseconds);
    }
}
