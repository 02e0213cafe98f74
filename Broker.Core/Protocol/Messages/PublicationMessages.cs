namespace Broker.Core.Protocol.Messages;

/// <summary>Client: data for all who listen to a channel.</summary>
public readonly ref struct Publish : INativeMessage<Publish>
{
    private const int FixedBytes = 6;

    /// <inheritdoc />
    public static NativeKind Kind => NativeKind.Publish;

    /// <summary>The number that the answer repeats; 0 wants none unless it fails.</summary>
    public uint Request { get; init; }

    /// <summary>The name of the channel.</summary>
    public ReadOnlySpan<byte> Channel { get; init; }

    /// <summary>Any bytes.</summary>
    public ReadOnlySpan<byte> Data { get; init; }

    /// <inheritdoc />
    public int BodyBytes => FixedBytes + Channel.Length + Data.Length;

    /// <inheritdoc />
    public static Publish Read(scoped ref BodyReader body) => new()
    {
        Request = body.NextWord(),
        Channel = body.NextShortText(),
        Data = body.Rest(),
    };

    /// <inheritdoc />
    public void Write(scoped ref BodyWriter body)
    {
        body.PutWord(Request);
        body.PutShortBytes(Channel);
        body.PutBytes(Data);
    }
}

/// <summary>Server: what was published has its place, and is on its way.</summary>
public readonly ref struct Published : INativeMessage<Published>
{
    private const int FixedBytes = 16;

    /// <inheritdoc />
    public static NativeKind Kind => NativeKind.Published;

    /// <summary>The request.</summary>
    public uint Request { get; init; }

    /// <summary>Subscribers that it was sent to.</summary>
    public uint Receivers { get; init; }

    /// <summary>Its place in the channel, from 1; 0 where the channel counts none.</summary>
    public ulong Offset { get; init; }

    /// <inheritdoc />
    public int BodyBytes => FixedBytes;

    /// <inheritdoc />
    public static Published Read(scoped ref BodyReader body) => new()
    {
        Request = body.NextWord(),
        Receivers = body.NextWord(),
        Offset = body.NextLong(),
    };

    /// <inheritdoc />
    public void Write(scoped ref BodyWriter body)
    {
        body.PutWord(Request);
        body.PutWord(Receivers);
        body.PutLong(Offset);
    }
}

/// <summary>Server: what was published. The same bytes for every subscriber of a node, 17 more than the data.</summary>
public readonly ref struct Delivery : INativeMessage<Delivery>
{
    private const int FixedBytes = 12;

    /// <inheritdoc />
    public static NativeKind Kind => NativeKind.Delivery;

    /// <summary>The channel's number, as <see cref="Subscribed"/> told it.</summary>
    public uint Channel { get; init; }

    /// <summary>Its place in the channel, from 1; 0 where the channel counts none.</summary>
    public ulong Offset { get; init; }

    /// <summary>What was published.</summary>
    public ReadOnlySpan<byte> Data { get; init; }

    /// <inheritdoc />
    public int BodyBytes => FixedBytes + Data.Length;

    /// <inheritdoc />
    public static Delivery Read(scoped ref BodyReader body) => new()
    {
        Channel = body.NextWord(),
        Offset = body.NextLong(),
        Data = body.Rest(),
    };

    /// <inheritdoc />
    public void Write(scoped ref BodyWriter body)
    {
        body.PutWord(Channel);
        body.PutLong(Offset);
        body.PutBytes(Data);
    }
}

/// <summary>Server: deliveries that this client will not get, because it read too slowly or they are kept no longer.</summary>
public readonly ref struct Missed : INativeMessage<Missed>
{
    private const int FixedBytes = 20;

    /// <inheritdoc />
    public static NativeKind Kind => NativeKind.Missed;

    /// <summary>The channel's number.</summary>
    public uint Channel { get; init; }

    /// <summary>The offset of the first; 0 where the channel counts none.</summary>
    public ulong Offset { get; init; }

    /// <summary>How many.</summary>
    public ulong Count { get; init; }

    /// <inheritdoc />
    public int BodyBytes => FixedBytes;

    /// <inheritdoc />
    public static Missed Read(scoped ref BodyReader body) => new()
    {
        Channel = body.NextWord(),
        Offset = body.NextLong(),
        Count = body.NextLong(),
    };

    /// <inheritdoc />
    public void Write(scoped ref BodyWriter body)
    {
        body.PutWord(Channel);
        body.PutLong(Offset);
        body.PutLong(Count);
    }
}
