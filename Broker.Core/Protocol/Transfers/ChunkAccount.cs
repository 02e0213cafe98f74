using System.Diagnostics;
using Broker.Core.Buffers;
using Broker.Core.Protocol.Messages;

namespace Broker.Core.Protocol.Transfers;

/// <summary>
/// The memory of one connection's incomplete streams: what they hold, and what is kept free for them, within the bound of the connection
/// and of the process.
/// </summary>
/// <remarks>A field of the table, so that it costs no object. For one thread.</remarks>
/// <param name="limits">The bounds of the connection.</param>
/// <param name="budget">What all connections of the process share.</param>
internal struct ChunkAccount(ChunkLimits limits, ChunkBudget budget)
{
    /// <summary>Memory that the streams hold.</summary>
    internal long HeldBytes { get; private set; }

    /// <summary>Memory that is kept free for what they may still send.</summary>
    internal long ReservedBytes { get; private set; }

    /// <summary>Counts bytes that a stream is about to hold: first of what is reserved for the stream, then of what is free.</summary>
    /// <returns>Why there is no room; or no error.</returns>
    internal ChunkRefusal Hold(IncomingStream stream, long bytes)
    {
        long reserved = Math.Min(bytes, stream.ReservedBytes);
        long more = bytes - reserved;
        long held = HeldBytes + ReservedBytes;
        if (more > limits.ConnectionBytesMax - held)
            return new ChunkRefusal(ChunkError.ConnectionFull, bytes, limits.ConnectionBytesMax, held);
        if (!budget.TryTake(more)) return ChunkRefusal.Full(bytes, budget);
        budget.Use(reserved);
        stream.ReservedBytes -= reserved;
        ReservedBytes -= reserved;
        HeldBytes += bytes;
        return default;
    }

    /// <summary>Reserves the memory of all that a stream may still send, or none.</summary>
    /// <returns>
    /// False while there is not enough. A stream that could never have it is not held up: it is refused where it is too long.
    /// </returns>
    internal bool TryReserve(IncomingStream stream, TimeSpan now)
    {
        if (stream.IsReserved) return true;
        long bytes = stream.EstimateMissing(limits);
        if (bytes + stream.HeldBytes > Math.Min(limits.ConnectionBytesMax, budget.BytesMax))
        {
            stream.Reserve(0, now);
            return true;
        }

        // The others keep room for what they may send without credit; one alone may have all.
        long others = (long)limits.WindowChunks * BufferPool.SizeFor(limits.ChunkBytesMax) * (limits.StreamsMax - 1);
        long limit = ReservedBytes == 0 ? limits.ConnectionBytesMax : limits.ConnectionBytesMax - others;
        if (bytes > limit - HeldBytes - ReservedBytes || !budget.TryReserve(bytes, now)) return false;
        stream.Reserve(bytes, now);
        ReservedBytes += bytes;
        return true;
    }

    /// <summary>Bytes that a stream held are free again.</summary>
    internal void Return(long bytes)
    {
        HeldBytes -= bytes;
        budget.Return(bytes);
    }

    /// <summary>Bytes that a stream held are the payload's now, which returns them to the budget.</summary>
    internal void HandOver(long bytes) => HeldBytes -= bytes;

    /// <summary>What is reserved for a stream and was not needed is free again.</summary>
    internal void ReturnReserved(IncomingStream stream)
    {
        ReservedBytes -= stream.ReservedBytes;
        budget.ReturnReserved(stream.ReservedBytes);
        stream.ReservedBytes = 0;
    }

    // None is counted for a stream that is gone, and all of it lies within the connection's bound.
    [Conditional("DEBUG")]
    internal readonly void AssertInvariant(long heldByStreams, long reservedForStreams)
    {
        Debug.Assert(
            heldByStreams <= HeldBytes && HeldBytes + ReservedBytes <= limits.ConnectionBytesMax,
            "The memory of a connection's streams is not what they hold.");
        Debug.Assert(reservedForStreams == ReservedBytes, "Memory is reserved for a stream that is gone.");
    }
}
