namespace Broker.Core.Protocol.Messages;

/// <summary>Why a chunk or a stream is refused. The connection and all other streams live.</summary>
/// <remarks>The order of the first is the order in which <c>ChunkTable</c> checks.</remarks>
public enum ChunkError : ushort
{
    /// <summary>Nothing is wrong.</summary>
    None = 0,

    /// <summary>Step 1: a stream of no chunks.</summary>
    ZeroTotalChunks = 201,

    /// <summary>Step 2: more chunks than a stream may have.</summary>
    TotalChunksTooLarge = 202,

    /// <summary>Step 3: the index is not below the total.</summary>
    IndexOutOfRange = 203,

    /// <summary>Step 4: the stream made no progress for too long, or took too long as a whole, and is gone.</summary>
    Expired = 204,

    /// <summary>Step 5: one more incomplete stream than there may be.</summary>
    TooManyStreams = 205,

    /// <summary>Before step 6: the number belonged to a stream that was completed.</summary>
    Finished = 206,

    /// <summary>Step 7: the total differs from that of the stream's first chunk. The stream lives.</summary>
    TotalChunksMismatch = 207,

    /// <summary>Step 8: the chunk has come before, and that one counts, be the bytes equal or not. The stream lives.</summary>
    DuplicateChunk = 208,

    /// <summary>Before step 6: the number belonged to a stream that was cancelled, or dropped for one of the errors below.</summary>
    Cancelled = 209,

    /// <summary>The chunk has more data than a chunk may. The stream is dropped.</summary>
    ChunkTooBig = 211,

    /// <summary>The stream has more bytes than a stream may. The stream is dropped.</summary>
    StreamTooBig = 212,

    /// <summary>The connection's streams hold as much as they may. The stream is dropped.</summary>
    ConnectionFull = 213,

    /// <summary>The process's streams hold as much as they may. The stream is dropped.</summary>
    ProcessFull = 214,

    /// <summary>More bytes came than the header has announced. The stream is dropped.</summary>
    MoreThanAnnounced = 215,

    /// <summary>All chunks came, with fewer bytes than the header has announced. The stream is dropped.</summary>
    LessThanAnnounced = 216,

    /// <summary>The chunk is too far ahead of the next one in order. The stream is dropped.</summary>
    BeyondWindow = 217,

    /// <summary>The chunk was sent without credit. The stream is dropped.</summary>
    NoCredit = 218,

    /// <summary>A header for a stream that has begun. The stream lives.</summary>
    HeaderTwice = 219,

    /// <summary>A header that names a call which is not pending. No stream begins.</summary>
    UnknownReference = 220,

    /// <summary>The bytes of a whole stream are not one message that may come this way.</summary>
    NotAMessage = 221,
}

/// <summary>What a refusal means for more than its stream.</summary>
public static class ChunkErrors
{
    extension(ChunkError error)
    {
        /// <summary>How a call ends whose result was a stream that is refused: worth another try, or not.</summary>
        public FaultCode ResultFault =>
            error is ChunkError.TooManyStreams or ChunkError.ProcessFull or ChunkError.Expired ? FaultCode.Overloaded
                : FaultCode.ResultTooBig;
    }
}
