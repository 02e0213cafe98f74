using Broker.Core.Protocol.Messages;

namespace Broker.Core.Protocol.Transfers;

/// <summary>Why a chunk or a stream is refused, with the numbers: what came, and what was expected or may be.</summary>
/// <param name="Error">The rule; none where nothing is wrong.</param>
/// <param name="Found">What came: chunks, bytes, an index or a call, as the rule is about.</param>
/// <param name="Limit">What was expected, or the most that may come.</param>
/// <param name="Beside">What else the rule looks at.</param>
public readonly record struct ChunkRefusal(ChunkError Error, long Found = 0, long Limit = 0, long Beside = 0)
{
    /// <summary>Bytes that a budget has no room for.</summary>
    internal static ChunkRefusal Full(long bytes, ChunkBudget budget)
    {
        ChunkBudget tightest = budget.Tightest;
        return new ChunkRefusal(ChunkError.ProcessFull, bytes, tightest.BytesMax, tightest.Bytes) { IsOfAddress = tightest.IsShare };
    }

    /// <summary>Whether it is the share of the client's address that is full, and not what all clients have.</summary>
    public bool IsOfAddress { get; init; }

    /// <summary>The rule and its numbers, for people. Made when it is asked for.</summary>
    public string Text => Error switch
    {
        ChunkError.ZeroTotalChunks => $"{Error}: a stream of 0 chunks, and one has at least 1",
        ChunkError.TotalChunksTooLarge => $"{Error}: a stream of {Found} chunks, and one has at most {Limit}",
        ChunkError.IndexOutOfRange => $"{Error}: index {Found} in a stream of {Limit} chunks",
        ChunkError.Expired => $"{Error}: the stream took too long, and is over",
        ChunkError.TooManyStreams => $"{Error}: {Found} streams are incomplete, and at most {Limit} may be",
        ChunkError.Finished => $"{Error}: a stream of that number was complete",
        ChunkError.TotalChunksMismatch => $"{Error}: a total of {Found} chunks in a stream of {Limit}",
        ChunkError.DuplicateChunk => $"{Error}: index {Found} came before, as one of the {Beside} received of {Limit} chunks",
        ChunkError.Cancelled => $"{Error}: a stream of that number was cancelled, dropped or refused",
        ChunkError.ChunkTooBig => $"{Error}: a chunk of {Found} bytes, and one has at most {Limit}",
        ChunkError.StreamTooBig => $"{Error}: a stream of {Found} bytes, and one has at most {Limit}",
        ChunkError.ConnectionFull => $"{Error}: {Found} more bytes with {Beside} that streams of the connection hold, at most {Limit}",
        ChunkError.ProcessFull =>
            $"{Error}: {Found} more bytes with {Beside} that streams of {(IsOfAddress ? "this address" : "all connections")} hold, at most "
                + $"{Limit}",
        ChunkError.MoreThanAnnounced => $"{Error}: received {Found} bytes, and the header announced {Limit}",
        ChunkError.LessThanAnnounced => $"{Error}: received {Found} bytes in all {Beside} chunks, and the header announced {Limit}",
        ChunkError.BeyondWindow => $"{Error}: index {Found} while {Beside} is awaited, at most {Limit} ahead of it",
        ChunkError.NoCredit => $"{Error}: received {Found} chunks, with credit for {Limit}",
        ChunkError.HeaderTwice => $"{Error}: the stream has begun, with {Found} chunks received",
        ChunkError.UnknownReference => $"{Error}: no stream is awaited for call {Found}",
        ChunkError.NotAMessage => $"{Error}: a stream of {Found} bytes that is not one message which may come this way",
        _ => $"{Error}",
    };
}
