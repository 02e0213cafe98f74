namespace Broker.Core.Protocol.Messages;

/// <summary>Client: who it is and what it takes. The first message of every connection, and sent once.</summary>
public readonly ref struct Hello : INativeMessage<Hello>
{
    private const int FixedBytes = 16;

    /// <inheritdoc />
    public static NativeKind Kind => NativeKind.Hello;

    /// <summary>The newest version that the client uses.</summary>
    public ushort Version { get; init; }

    /// <summary>The compressions that it can expand.</summary>
    public Compressions Compressions { get; init; }

    /// <summary>The longest payload that it takes, compression byte and all; over 0.</summary>
    public int FrameBytesMax { get; init; }

    /// <summary>Chunks of a stream that the server may send before the first credit.</summary>
    public int WindowChunks { get; init; }

    /// <summary>Items of a call that the server may send before the first credit; 0 says that every call has one result.</summary>
    public int WindowItems { get; init; }

    /// <summary>The name and version of the client's software, at most 255 bytes.</summary>
    public ReadOnlySpan<byte> Name { get; init; }

    /// <summary>What shows who the client is, or empty.</summary>
    public ReadOnlySpan<byte> Token { get; init; }

    /// <inheritdoc />
    public int BodyBytes => FixedBytes + Name.Length + Token.Length;

    /// <inheritdoc />
    public static Hello Read(scoped ref BodyReader body) => new()
    {
        Version = body.NextShort(),
        Compressions = (Compressions)body.NextFlags((byte)Compressions.All),
        FrameBytesMax = body.NextCount(min: 1),
        WindowChunks = body.NextCount(),
        WindowItems = body.NextCount(),
        Name = body.NextByteText(),
        Token = body.RestText(),
    };

    /// <inheritdoc />
    public void Write(scoped ref BodyWriter body)
    {
        body.PutShort(Version);
        body.PutByte((byte)Compressions);
        body.PutWord((uint)FrameBytesMax);
        body.PutWord((uint)WindowChunks);
        body.PutWord((uint)WindowItems);
        body.PutByteText(Name);
        body.PutBytes(Token);
    }
}

/// <summary>Server: the client is in, and these are the limits.</summary>
public readonly ref struct Welcome : INativeMessage<Welcome>
{
    private const int FixedBytes = 47;

    /// <inheritdoc />
    public static NativeKind Kind => NativeKind.Welcome;

    /// <summary>The version that is used from now on; at most the client's.</summary>
    public ushort Version { get; init; }

    /// <summary>The compressions that the server may use; some of the client's.</summary>
    public Compressions Compressions { get; init; }

    /// <summary>What the server takes.</summary>
    public NativeLimits Limits { get; init; }

    /// <summary>The connection's own id, in which others may see it.</summary>
    public ReadOnlySpan<byte> Client { get; init; }

    /// <inheritdoc />
    public int BodyBytes => FixedBytes + Client.Length;

    /// <inheritdoc />
    public static Welcome Read(scoped ref BodyReader body) => new()
    {
        Version = body.NextShort(),
        Compressions = (Compressions)body.NextFlags((byte)Compressions.All),
        Limits = new NativeLimits(
            FrameBytesMax: body.NextCount(min: 1),
            MessagesPerFrameMax: body.NextCount(min: 1),
            ChunkBytesMax: body.NextCount(min: 1),
            ChunksMax: body.NextCount(min: 1),
            StreamBytesMax: body.NextLength(min: 1),
            StreamsMax: body.NextCount(min: 1),
            CallsMax: body.NextCount(min: 1),
            WindowChunks: body.NextCount(min: 1),
            WindowItems: body.NextCount(min: 1),
            PingMilliseconds: body.NextCount()),
        Client = body.RestText(),
    };

    /// <inheritdoc />
    public void Write(scoped ref BodyWriter body)
    {
        body.PutShort(Version);
        body.PutByte((byte)Compressions);
        body.PutWord((uint)Limits.FrameBytesMax);
        body.PutWord((uint)Limits.MessagesPerFrameMax);
        body.PutWord((uint)Limits.ChunkBytesMax);
        body.PutWord((uint)Limits.ChunksMax);
        body.PutLong((ulong)Limits.StreamBytesMax);
        body.PutWord((uint)Limits.StreamsMax);
        body.PutWord((uint)Limits.CallsMax);
        body.PutWord((uint)Limits.WindowChunks);
        body.PutWord((uint)Limits.WindowItems);
        body.PutWord((uint)Limits.PingMilliseconds);
        body.PutBytes(Client);
    }
}

/// <summary>Either: are you there? A browser can neither send nor see WebSocket's own ping, so there is this one.</summary>
public readonly ref struct Ping : INativeMessage<Ping>
{
    /// <inheritdoc />
    public static NativeKind Kind => NativeKind.Ping;

    /// <summary>Whatever the sender likes, such as its clock.</summary>
    public ulong Mark { get; init; }

    /// <inheritdoc />
    public int BodyBytes => sizeof(ulong);

    /// <inheritdoc />
    public static Ping Read(scoped ref BodyReader body) => new() { Mark = body.NextLong() };

    /// <inheritdoc />
    public void Write(scoped ref BodyWriter body) => body.PutLong(Mark);
}

/// <summary>Either: the answer to <see cref="Ping"/>.</summary>
public readonly ref struct Pong : INativeMessage<Pong>
{
    /// <inheritdoc />
    public static NativeKind Kind => NativeKind.Pong;

    /// <summary>The ping's.</summary>
    public ulong Mark { get; init; }

    /// <inheritdoc />
    public int BodyBytes => sizeof(ulong);

    /// <inheritdoc />
    public static Pong Read(scoped ref BodyReader body) => new() { Mark = body.NextLong() };

    /// <inheritdoc />
    public void Write(scoped ref BodyWriter body) => body.PutLong(Mark);
}

/// <summary>Either: the last message. A Close frame with the same code and text follows.</summary>
public readonly ref struct Bye : INativeMessage<Bye>
{
    /// <summary>For <see cref="RetryMilliseconds"/>: there is no use in coming back.</summary>
    public const uint Never = uint.MaxValue;

    private const int FixedBytes = 6;

    /// <inheritdoc />
    public static NativeKind Kind => NativeKind.Bye;

    /// <summary>The code of the Close frame.</summary>
    public ushort Code { get; init; }

    /// <summary>How long to stay away, or <see cref="Never"/>; 0 leaves it to the client.</summary>
    public uint RetryMilliseconds { get; init; }

    /// <summary>For people.</summary>
    public ReadOnlySpan<byte> Text { get; init; }

    /// <inheritdoc />
    public int BodyBytes => FixedBytes + Text.Length;

    /// <inheritdoc />
    public static Bye Read(scoped ref BodyReader body) => new()
    {
        Code = body.NextShort(),
        RetryMilliseconds = body.NextWord(),
        Text = body.RestText(),
    };

    /// <inheritdoc />
    public void Write(scoped ref BodyWriter body)
    {
        body.PutShort(Code);
        body.PutWord(RetryMilliseconds);
        body.PutBytes(Text);
    }
}
