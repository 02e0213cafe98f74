using Broker.Core.Protocol.Messages;

namespace Broker.Core.Protocol.Transfers;

/// <summary>Bounds of the streams of one connection, in one direction.</summary>
public sealed record ChunkLimits
{
    /// <summary>A message is cut only if it is longer than this: 524,288 bytes go whole, 524,289 in three chunks.</summary>
    public int ThresholdBytes { get; init; } = 512 * 1024;

    /// <summary>The most data of one chunk, and what every chunk but the last is cut to.</summary>
    public int ChunkBytesMax { get; init; } = 256 * 1024;

    /// <summary>Most chunks of one stream.</summary>
    public int ChunksMax { get; init; } = 256;

    /// <summary>The most data of one stream.</summary>
    public long StreamBytesMax { get; init; } = 64L * 1024 * 1024;

    /// <summary>Streams that may be incomplete at once.</summary>
    public int StreamsMax { get; init; } = 8;

    /// <summary>Memory that the incomplete streams of one connection may hold together.</summary>
    public long ConnectionBytesMax { get; init; } = 128L * 1024 * 1024;

    /// <summary>Chunks that may be sent before the first credit.</summary>
    public int WindowChunks { get; init; } = NativeLimits.WindowChunksDefault;

    /// <summary>How far ahead of the next chunk one may come, where bytes are handed on in order.</summary>
    public int ReorderChunksMax { get; init; } = 8;

    /// <summary>How long a stream may go without a chunk.</summary>
    public TimeSpan IdleLimit { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long a stream may take as a whole, however steadily it trickles.</summary>
    public TimeSpan LifeLimit { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>What a welcome holds, for the side that sends.</summary>
    public static ChunkLimits For(in NativeLimits reported)
    {
        var defaults = new ChunkLimits();
        return defaults with
        {
            ThresholdBytes = Math.Min(defaults.ThresholdBytes, reported.FrameBytesMax),
            ChunkBytesMax = Math.Min(reported.ChunkBytesMax, Math.Max(1, reported.FrameBytesMax - Chunk.OverheadBytes)),
            ChunksMax = reported.ChunksMax,
            StreamBytesMax = reported.StreamBytesMax,
            StreamsMax = reported.StreamsMax,
            WindowChunks = reported.WindowChunks,
        };
    }

    /// <summary>Chunks that so many bytes are cut into. No bytes are one empty chunk.</summary>
    public long ChunksOf(long bytes) => Math.Max(1, (bytes + ChunkBytesMax - 1) / ChunkBytesMax);

    /// <summary>Whether a stream of so many bytes may be sent.</summary>
    public bool Allows(long bytes) => bytes <= StreamBytesMax && ChunksOf(bytes) <= ChunksMax;
}
