namespace Broker.Core.Protocol.Messages;

/// <summary>Bits of a <see cref="Subscribe"/>.</summary>
[Flags]
public enum SubscribeOptions : byte
{
    /// <summary>From now on.</summary>
    None = 0,

    /// <summary>First what was published after <see cref="Subscribe.Offset"/> of <see cref="Subscribe.Epoch"/>.</summary>
    Recover = 1,

    /// <summary>Joins and leaves too, where the channel has them.</summary>
    JoinLeave = 2,
}

/// <summary>Client: listen to a channel.</summary>
public readonly ref struct Subscribe : INativeMessage<Subscribe>
{
    private const int FixedBytes = 23;

    /// <inheritdoc />
    public static NativeKind Kind => NativeKind.Subscribe;

    /// <summary>The number that the answer repeats; not 0.</summary>
    public uint Request { get; init; }

    /// <summary>Whether to recover, and what is wanted beside deliveries.</summary>
    public SubscribeOptions Options { get; init; }

    /// <summary>To recover: the epoch known last.</summary>
    public ulong Epoch { get; init; }

    /// <summary>To recover: the offset known last.</summary>
    public ulong Offset { get; init; }

    /// <summary>The name of the channel, at most 65,535 bytes here and fewer in most servers.</summary>
    public ReadOnlySpan<byte> Channel { get; init; }

    /// <summary>What shows that the client may, or empty.</summary>
    public ReadOnlySpan<byte> Token { get; init; }

    /// <inheritdoc />
    public int BodyBytes => FixedBytes + Channel.Length + Token.Length;

    /// <inheritdoc />
    public static Subscribe Read(scoped ref BodyReader body) => new()
    {
        Request = body.NextWord(),
        Options = (SubscribeOptions)body.NextFlags((byte)(SubscribeOptions.Recover | SubscribeOptions.JoinLeave)),
        Epoch = body.NextLong(),
        Offset = body.NextLong(),
        Channel = body.NextShortText(),
        Token = body.RestText(),
    };

    /// <inheritdoc />
    public void Write(scoped ref BodyWriter body)
    {
        body.PutWord(Request);
        body.PutByte((byte)Options);
        body.PutLong(Epoch);
        body.PutLong(Offset);
        body.PutShortBytes(Channel);
        body.PutBytes(Token);
    }
}

/// <summary>Bits of a <see cref="Subscribed"/>.</summary>
[Flags]
public enum SubscribedState : byte
{
    /// <summary>Neither.</summary>
    None = 0,

    /// <summary>The channel keeps a history, so coming back with epoch and offset makes sense.</summary>
    Recoverable = 1,

    /// <summary>Nothing was lost: every delivery since the client's offset follows.</summary>
    Recovered = 2,
}

/// <summary>Server: the client listens. Deliveries of the channel come after this and bear its number.</summary>
public readonly ref struct Subscribed : INativeMessage<Subscribed>
{
    private const int FixedBytes = 25;

    /// <inheritdoc />
    public static NativeKind Kind => NativeKind.Subscribed;

    /// <summary>The request.</summary>
    public uint Request { get; init; }

    /// <summary>
    /// The number that stands for the channel until it is unsubscribed. All subscribers of a node have the same one, so
    /// that a delivery is encoded once for all of them; a client may rely on it for its own connection only.
    /// </summary>
    public uint Channel { get; init; }

    /// <summary>What the server can do and has done.</summary>
    public SubscribedState State { get; init; }

    /// <summary>The channel's epoch: offsets of two epochs can not be compared.</summary>
    public ulong Epoch { get; init; }

    /// <summary>The offset of the newest publication; 0 before the first.</summary>
    public ulong Offset { get; init; }

    /// <inheritdoc />
    public int BodyBytes => FixedBytes;

    /// <inheritdoc />
    public static Subscribed Read(scoped ref BodyReader body) => new()
    {
        Request = body.NextWord(),
        Channel = body.NextWord(),
        State = (SubscribedState)body.NextFlags((byte)(SubscribedState.Recoverable | SubscribedState.Recovered)),
        Epoch = body.NextLong(),
        Offset = body.NextLong(),
    };

    /// <inheritdoc />
    public void Write(scoped ref BodyWriter body)
    {
        body.PutWord(Request);
        body.PutWord(Channel);
        body.PutByte((byte)State);
        body.PutLong(Epoch);
        body.PutLong(Offset);
    }
}

/// <summary>Client: listen no longer.</summary>
public readonly ref struct Unsubscribe : INativeMessage<Unsubscribe>
{
    private const int FixedBytes = 8;

    /// <inheritdoc />
    public static NativeKind Kind => NativeKind.Unsubscribe;

    /// <summary>The number that the answer repeats; not 0.</summary>
    public uint Request { get; init; }

    /// <summary>The channel's number.</summary>
    public uint Channel { get; init; }

    /// <inheritdoc />
    public int BodyBytes => FixedBytes;

    /// <inheritdoc />
    public static Unsubscribe Read(scoped ref BodyReader body) => new() { Request = body.NextWord(), Channel = body.NextWord() };

    /// <inheritdoc />
    public void Write(scoped ref BodyWriter body)
    {
        body.PutWord(Request);
        body.PutWord(Channel);
    }
}

/// <summary>Server: the client listens no longer. No delivery of the channel follows, and its number means nothing any more.</summary>
public readonly ref struct Unsubscribed : INativeMessage<Unsubscribed>
{
    private const int FixedBytes = 10;

    /// <inheritdoc />
    public static NativeKind Kind => NativeKind.Unsubscribed;

    /// <summary>The request, or 0 when the server wanted it.</summary>
    public uint Request { get; init; }

    /// <summary>The channel's number.</summary>
    public uint Channel { get; init; }

    /// <summary>Why: 0 because the client asked, or 2000 to 2502 as in the Centrifuge dialect.</summary>
    public ushort Code { get; init; }

    /// <summary>For people.</summary>
    public ReadOnlySpan<byte> Text { get; init; }

    /// <inheritdoc />
    public int BodyBytes => FixedBytes + Text.Length;

    /// <inheritdoc />
    public static Unsubscribed Read(scoped ref BodyReader body) => new()
    {
        Request = body.NextWord(),
        Channel = body.NextWord(),
        Code = body.NextShort(),
        Text = body.RestText(),
    };

    /// <inheritdoc />
    public void Write(scoped ref BodyWriter body)
    {
        body.PutWord(Request);
        body.PutWord(Channel);
        body.PutShort(Code);
        body.PutBytes(Text);
    }
}
