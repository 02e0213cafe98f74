using Broker.Core.Protocol.Messages;
using Broker.Core.Protocol.Transfers;

namespace Broker.Dialects.Native;

/// <summary>Streams of chunks, in both directions of a native connection.</summary>
public sealed record StreamSettings
{
    /// <summary>Streams of one direction that may be incomplete at once.</summary>
    public int OpenMax { get; init; } = 8;

    /// <summary>The most data of one stream.</summary>
    public int BytesMax { get; init; } = 64 * 1024 * 1024;

    /// <summary>Chunks of a stream that a client may send before the first credit.</summary>
    public int Window { get; init; } = NativeLimits.WindowChunksDefault;

    /// <summary>
    /// Bytes of one connection's streams: what has come of incomplete ones; and all of those to it that have not left to their end.
    /// </summary>
    public int ConnectionBytesMax { get; init; } = 128 * 1024 * 1024;

    /// <summary>Bytes that clients have sent as streams, or are sent as results, and that the whole process still holds.</summary>
    public int ProcessBytesMax { get; init; } = 1024 * 1024 * 1024;

    /// <summary>How long a stream may go without a chunk.</summary>
    public TimeSpan IdleLimit { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long a stream may take as a whole.</summary>
    public TimeSpan LifeLimit { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>What streams of a client are held to.</summary>
    /// <param name="frameBytesMax">The longest frame of a client, which a chunk has to fit.</param>
    internal ChunkLimits ToLimits(int frameBytesMax)
    {
        var defaults = new ChunkLimits();
        int chunkBytes = Math.Max(1, Math.Min(defaults.ChunkBytesMax, frameBytesMax - Chunk.OverheadBytes));
        var limits = defaults with
        {
            ThresholdBytes = Math.Min(defaults.ThresholdBytes, frameBytesMax),
            ChunkBytesMax = chunkBytes,
            StreamBytesMax = BytesMax,
            StreamsMax = OpenMax,
            ConnectionBytesMax = ConnectionBytesMax,
            WindowChunks = Window,
            IdleLimit = IdleLimit,
            LifeLimit = LifeLimit,
        };
        return limits with { ChunksMax = (int)Math.Max(defaults.ChunksMax, limits.ChunksOf(BytesMax)) };
    }

    /// <summary>What a client takes: as much as the hub does, in frames and after credits as its hello says.</summary>
    internal ChunkLimits ToLimits(in Hello hello) => ToLimits(hello.FrameBytesMax - 1) with { WindowChunks = hello.WindowChunks };
}
