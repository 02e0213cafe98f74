namespace Broker.Core.Protocol.Messages;

/// <summary>What the bytes of a stream are.</summary>
public enum StreamPurpose : byte
{
    /// <summary>One whole message, head and all, too long for a frame. It takes effect when the last chunk has come.</summary>
    Message = 0,

    /// <summary>The further arguments of the call in <see cref="StreamHeader.Reference"/>; its last chunk ends them.</summary>
    Arguments = 1,

    /// <summary>The result of the call in <see cref="StreamHeader.Reference"/>; its last chunk ends the call.</summary>
    Result = 2,
}

/// <summary>Either: a stream of chunks begins. May be left out for a message, whose length is then learned from its chunks.</summary>
public readonly ref struct StreamHeader : INativeMessage<StreamHeader>
{
    private const int FixedBytes = 17;

    /// <inheritdoc />
    public static NativeKind Kind => NativeKind.Stream;

    /// <summary>The stream's number: from 0, one more with each stream that this side sends, and 0 again after 2^32 - 1.</summary>
    public uint Stream { get; init; }

    /// <summary>What its bytes are.</summary>
    public StreamPurpose Purpose { get; init; }

    /// <summary>The call that it belongs to; 0 for a message.</summary>
    public uint Reference { get; init; }

    /// <summary>Bytes of all chunks together, exactly.</summary>
    public ulong Bytes { get; init; }

    /// <inheritdoc />
    public int BodyBytes => FixedBytes;

    /// <inheritdoc />
    public static StreamHeader Read(scoped ref BodyReader body)
    {
        uint stream = body.NextWord();
        var purpose = (StreamPurpose)body.NextByte();
        if (purpose > StreamPurpose.Result) body.Fail(NativeFault.Malformed);
        return new() { Stream = stream, Purpose = purpose, Reference = body.NextWord(), Bytes = body.NextLong() };
    }

    /// <inheritdoc />
    public void Write(scoped ref BodyWriter body)
    {
        body.PutWord(Stream);
        body.PutByte((byte)Purpose);
        body.PutWord(Reference);
        body.PutLong(Bytes);
    }
}

/// <summary>Either: one chunk of a stream.</summary>
public readonly ref struct Chunk : INativeMessage<Chunk>
{
    /// <summary>Bytes of the whole message that are not data.</summary>
    public const int OverheadBytes = NativeProtocol.HeadBytes + FixedBytes;

    private const int FixedBytes = 12;

    /// <inheritdoc />
    public static NativeKind Kind => NativeKind.Chunk;

    /// <summary>The stream's number.</summary>
    public uint Stream { get; init; }

    /// <summary>Which chunk, from 0.</summary>
    public uint Index { get; init; }

    /// <summary>Chunks of the stream, the same in each; at least 1.</summary>
    public uint Total { get; init; }

    /// <summary>Its part of the stream; empty only where the whole stream is.</summary>
    public ReadOnlySpan<byte> Data { get; init; }

    /// <inheritdoc />
    public int BodyBytes => FixedBytes + Data.Length;

    /// <inheritdoc />
    public static Chunk Read(scoped ref BodyReader body) => new()
    {
        Stream = body.NextWord(),
        Index = body.NextWord(),
        Total = body.NextWord(),
        Data = body.Rest(),
    };

    /// <summary>Writes all of a chunk but its data, so that this can be written in its place by the one that has it.</summary>
    /// <param name="message">Room for exactly the whole message.</param>
    /// <param name="stream">The stream's number.</param>
    /// <param name="index">Which chunk.</param>
    /// <param name="total">Chunks of the stream.</param>
    public static void WriteHead(Span<byte> message, uint stream, uint index, uint total)
    {
        BodyWriter body = NativeWriter.BodyOf<Chunk>(message);
        body.PutWord(stream);
        body.PutWord(index);
        body.PutWord(total);
    }

    /// <inheritdoc />
    public void Write(scoped ref BodyWriter body)
    {
        body.PutWord(Stream);
        body.PutWord(Index);
        body.PutWord(Total);
        body.PutBytes(Data);
    }
}

/// <summary>What a <see cref="Credit"/> is for.</summary>
public enum CreditScope : byte
{
    /// <summary>Chunks of a stream.</summary>
    Stream = 0,

    /// <summary>Items of a call.</summary>
    Call = 1,
}

/// <summary>Either, sent by the one who receives: so many more may be sent than before.</summary>
public readonly ref struct Credit : INativeMessage<Credit>
{
    private const int FixedBytes = 9;

    /// <inheritdoc />
    public static NativeKind Kind => NativeKind.Credit;

    /// <summary>What it is for.</summary>
    public CreditScope Scope { get; init; }

    /// <summary>The stream's number, of those that the other side sends, or the call's.</summary>
    public uint Id { get; init; }

    /// <summary>Chunks or items.</summary>
    public uint Count { get; init; }

    /// <inheritdoc />
    public int BodyBytes => FixedBytes;

    /// <inheritdoc />
    public static Credit Read(scoped ref BodyReader body) => new()
    {
        Scope = (CreditScope)body.NextFlags((byte)CreditScope.Call),
        Id = body.NextWord(),
        Count = body.NextWord(),
    };

    /// <inheritdoc />
    public void Write(scoped ref BodyWriter body)
    {
        body.PutByte((byte)Scope);
        body.PutWord(Id);
        body.PutWord(Count);
    }
}

/// <summary>Whose stream a <see cref="StreamCancel"/> ends: both sides number theirs from 0.</summary>
public enum StreamOwner : byte
{
    /// <summary>A stream that the one who says this sends: no more chunks come.</summary>
    Mine = 0,

    /// <summary>A stream that the one who says this receives: no more chunks are wanted.</summary>
    Yours = 1,
}

/// <summary>Either: a stream ends before its last chunk.</summary>
public readonly ref struct StreamCancel : INativeMessage<StreamCancel>
{
    private const int FixedBytes = 7;

    /// <inheritdoc />
    public static NativeKind Kind => NativeKind.StreamCancel;

    /// <summary>Whose.</summary>
    public StreamOwner Owner { get; init; }

    /// <summary>The stream's number.</summary>
    public uint Stream { get; init; }

    /// <summary>Why: a <see cref="ChunkError"/>, or 0 for no reason.</summary>
    public ChunkError Code { get; init; }

    /// <inheritdoc />
    public int BodyBytes => FixedBytes;

    /// <inheritdoc />
    public static StreamCancel Read(scoped ref BodyReader body) => new()
    {
        Owner = (StreamOwner)body.NextFlags((byte)StreamOwner.Yours),
        Stream = body.NextWord(),
        Code = (ChunkError)body.NextShort(),
    };

    /// <inheritdoc />
    public void Write(scoped ref BodyWriter body)
    {
        body.PutByte((byte)Owner);
        body.PutWord(Stream);
        body.PutShort((ushort)Code);
    }
}
