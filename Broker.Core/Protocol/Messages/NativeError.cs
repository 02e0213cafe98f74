namespace Broker.Core.Protocol.Messages;

/// <summary>What a <see cref="NativeError"/> is about.</summary>
public enum ErrorScope : byte
{
    /// <summary>A request: a command failed and the connection lives.</summary>
    Request = 0,

    /// <summary>A stream: a chunk or a whole stream was refused and the connection lives.</summary>
    Stream = 1,

    /// <summary>The connection: a frame is wrong, and a Close frame follows.</summary>
    Connection = 2,
}

/// <summary>Either: something that was sent is refused, and exactly where.</summary>
public readonly ref struct NativeError : INativeMessage<NativeError>
{
    private const int FixedBytes = 15;

    /// <inheritdoc />
    public static NativeKind Kind => NativeKind.Error;

    /// <summary>What it is about.</summary>
    public ErrorScope Scope { get; init; }

    /// <summary>
    /// A <see cref="NativeFault"/> for the connection, a <see cref="ChunkError"/> for a stream; for a request the hub's
    /// error of the same number as in the Centrifuge dialect, 100 to 113, or an application's from 400 on.
    /// </summary>
    public ushort Code { get; init; }

    /// <summary>The request or the stream; 0 for the connection and for a request that wanted no answer.</summary>
    public uint Id { get; init; }

    /// <summary>The index of the chunk; 0 where it is about no chunk.</summary>
    public uint ChunkIndex { get; init; }

    /// <summary>The index, from 0, of the message in its frame; 0 where it is about no message.</summary>
    public uint MessageIndex { get; init; }

    /// <summary>For people.</summary>
    public ReadOnlySpan<byte> Text { get; init; }

    /// <inheritdoc />
    public int BodyBytes => FixedBytes + Text.Length;

    /// <inheritdoc />
    public static NativeError Read(scoped ref BodyReader body)
    {
        var scope = (ErrorScope)body.NextByte();
        if (scope > ErrorScope.Connection) body.Fail(NativeFault.Malformed);
        return new()
        {
            Scope = scope,
            Code = body.NextShort(),
            Id = body.NextWord(),
            ChunkIndex = body.NextWord(),
            MessageIndex = body.NextWord(),
            Text = body.RestText(),
        };
    }

    /// <inheritdoc />
    public void Write(scoped ref BodyWriter body)
    {
        body.PutByte((byte)Scope);
        body.PutShort(Code);
        body.PutWord(Id);
        body.PutWord(ChunkIndex);
        body.PutWord(MessageIndex);
        body.PutBytes(Text);
    }
}
