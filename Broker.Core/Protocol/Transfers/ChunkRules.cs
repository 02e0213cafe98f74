using Broker.Core.Protocol.Messages;

namespace Broker.Core.Protocol.Transfers;

/// <summary>Rules that a chunk has to keep. Pure; the order of the checks is <see cref="ChunkTable.Add"/>'s.</summary>
internal static class ChunkRules
{
    /// <summary>Rules about the chunk alone.</summary>
    /// <returns>The first that is broken; or no error.</returns>
    internal static ChunkRefusal Check(in Chunk chunk, ChunkLimits limits)
    {
        if (chunk.Total == 0) return new ChunkRefusal(ChunkError.ZeroTotalChunks);
        if (chunk.Total > (uint)limits.ChunksMax) return new ChunkRefusal(ChunkError.TotalChunksTooLarge, chunk.Total, limits.ChunksMax);
        return chunk.Index >= chunk.Total ? new ChunkRefusal(ChunkError.IndexOutOfRange, chunk.Index, chunk.Total) : default;
    }

    /// <summary>Rules about its bytes in its stream: a stream whose chunk breaks one cannot be completed any more.</summary>
    /// <returns>The first that is broken; or no error.</returns>
    internal static ChunkRefusal CheckBytes(IncomingStream stream, in Chunk chunk, ChunkLimits limits)
    {
        if (chunk.Data.Length > limits.ChunkBytesMax)
            return new ChunkRefusal(ChunkError.ChunkTooBig, chunk.Data.Length, limits.ChunkBytesMax);
        if (stream.Received >= stream.Granted) return new ChunkRefusal(ChunkError.NoCredit, stream.Received + 1, stream.Granted);

        long bytes = stream.Bytes + chunk.Data.Length;
        if (bytes > limits.StreamBytesMax) return new ChunkRefusal(ChunkError.StreamTooBig, bytes, limits.StreamBytesMax);
        if (stream.Announced >= 0 && bytes > stream.Announced)
            return new ChunkRefusal(ChunkError.MoreThanAnnounced, bytes, stream.Announced);
        bool last = stream.Received + 1 == chunk.Total;
        if (stream.Announced >= 0 && last && bytes < stream.Announced)
            return new ChunkRefusal(ChunkError.LessThanAnnounced, bytes, stream.Announced, chunk.Total);
        bool ahead = stream.Sink is not null && chunk.Index - stream.Next > (uint)limits.ReorderChunksMax;
        return ahead ? new ChunkRefusal(ChunkError.BeyondWindow, chunk.Index, limits.ReorderChunksMax, stream.Next) : default;
    }
}
