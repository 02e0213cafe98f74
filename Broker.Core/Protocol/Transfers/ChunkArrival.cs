using System.Globalization;
using Broker.Core.Protocol.Messages;

namespace Broker.Core.Protocol.Transfers;

/// <summary>What came of a chunk.</summary>
public readonly record struct ChunkArrival
{
    /// <summary>What the stream's bytes are; a message if no stream is known.</summary>
    public StreamPurpose Purpose { get; init; }

    /// <summary>The call that the stream belongs to.</summary>
    public uint Reference { get; init; }

    /// <summary>That was the last one missing; the stream is complete and its number spent.</summary>
    public bool IsComplete { get; init; }

    /// <summary>The refused chunk has ended its stream too: what it held is returned, and its number is spent.</summary>
    public bool IsDropped { get; init; }

    /// <summary>The whole stream, if it is complete and has no sink. The caller is its holder.</summary>
    public ChunkedPayload? Payload { get; init; }

    /// <summary>Credit that is due to the sender and has been counted; 0 for none. A stream with a sink gets none of itself.</summary>
    public uint Credit { get; init; }
}

/// <summary>A stream that ended without its last chunk, because of the time that it took.</summary>
/// <param name="Stream">Its number.</param>
/// <param name="Purpose">What its bytes were.</param>
/// <param name="Reference">The call that it belonged to.</param>
/// <param name="Bytes">Bytes that had come.</param>
/// <param name="Announced">Bytes of its header, or -1 if none came.</param>
public readonly record struct StreamExpiry(uint Stream, StreamPurpose Purpose, uint Reference, long Bytes, long Announced)
{
    /// <summary>Chunks that had come.</summary>
    public uint Received { get; init; }

    /// <summary>Chunks of the stream, or 0 if none came.</summary>
    public uint Total { get; init; }

    /// <summary>How long it went without a chunk, or was under way, when that was too long.</summary>
    public TimeSpan Limit { get; init; }

    /// <summary>Whether no chunk came; else it took too long as a whole.</summary>
    public bool WasIdle { get; init; }

    /// <summary>Why: it expired, or it was the slowest while others waited for memory.</summary>
    public ChunkError Error { get; init; } = ChunkError.Expired;

    /// <summary>That, and how far it had come, for people. Made when it is asked for.</summary>
    public string Text => string.Create(
        CultureInfo.InvariantCulture,
        $"{Error}: {Cause}, received {Received}{(Total > 0 ? $" of {Total}" : "")} chunks and "
            + $"{Bytes}{(Announced >= 0 ? $" of {Announced}" : "")} bytes");

    private string Cause => Error != ChunkError.Expired
        ? "streams of all connections hold as much as they may, others wait, and this one was slow"
        : string.Create(CultureInfo.InvariantCulture, $"{(WasIdle ? "no chunk came for" : "it was under way for")} {Limit.TotalSeconds} s");
}
