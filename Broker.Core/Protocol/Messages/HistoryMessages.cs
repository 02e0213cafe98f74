namespace Broker.Core.Protocol.Messages;

/// <summary>Bits of a <see cref="HistoryRequest"/>.</summary>
[Flags]
public enum HistoryOptions : byte
{
    /// <summary>From the oldest publication that is kept on.</summary>
    None = 0,

    /// <summary>
    /// Behind <see cref="HistoryRequest.Offset"/> of <see cref="HistoryRequest.Epoch"/>, or before it with <see cref="Reverse"/>.
    /// </summary>
    Since = 1,

    /// <summary>Newest first.</summary>
    Reverse = 2,
}

/// <summary>Client: a page of a channel's history.</summary>
public readonly ref struct HistoryRequest : INativeMessage<HistoryRequest>
{
    private const int FixedBytes = 25;

    /// <inheritdoc />
    public static NativeKind Kind => NativeKind.History;

    /// <summary>The number that the answer repeats; not 0.</summary>
    public uint Request { get; init; }

    /// <summary>Where to begin, and which way.</summary>
    public HistoryOptions Options { get; init; }

    /// <summary>With <see cref="HistoryOptions.Since"/>: the epoch; 0 for whatever epoch the channel has.</summary>
    public ulong Epoch { get; init; }

    /// <summary>With <see cref="HistoryOptions.Since"/>: the offset.</summary>
    public ulong Offset { get; init; }

    /// <summary>Publications at most; 0 asks for the position alone. A server has a limit of its own.</summary>
    public uint Limit { get; init; }

    /// <summary>The name of the channel, to the end.</summary>
    public ReadOnlySpan<byte> Channel { get; init; }

    /// <inheritdoc />
    public int BodyBytes => FixedBytes + Channel.Length;

    /// <inheritdoc />
    public static HistoryRequest Read(scoped ref BodyReader body) => new()
    {
        Request = body.NextWord(),
        Options = (HistoryOptions)body.NextFlags((byte)(HistoryOptions.Since | HistoryOptions.Reverse)),
        Epoch = body.NextLong(),
        Offset = body.NextLong(),
        Limit = body.NextWord(),
        Channel = body.RestText(),
    };

    /// <inheritdoc />
    public void Write(scoped ref BodyWriter body)
    {
        body.PutWord(Request);
        body.PutByte((byte)Options);
        body.PutLong(Epoch);
        body.PutLong(Offset);
        body.PutWord(Limit);
        body.PutBytes(Channel);
    }
}

/// <summary>Server: a page of a channel's history.</summary>
public readonly ref struct HistoryReply : INativeMessage<HistoryReply>
{
    private const int FixedBytes = 20;

    /// <summary>Bytes of a publication beside its data.</summary>
    public const int PublicationBytes = 12;

    /// <inheritdoc />
    public static NativeKind Kind => NativeKind.HistoryReply;

    /// <summary>The request.</summary>
    public uint Request { get; init; }

    /// <summary>The channel's epoch.</summary>
    public ulong Epoch { get; init; }

    /// <summary>The offset of the channel's newest publication; 0 before the first.</summary>
    public ulong Offset { get; init; }

    /// <summary>
    /// Publications in the order asked for, to the end: of each its offset, 8 bytes, the length of its data, 4 bytes, and its data;
    /// <see cref="HistoryPublications"/> reads them. Fewer than asked for where more would not fit a frame.
    /// </summary>
    public ReadOnlySpan<byte> Publications { get; init; }

    /// <inheritdoc />
    public int BodyBytes => FixedBytes + Publications.Length;

    /// <inheritdoc />
    public static HistoryReply Read(scoped ref BodyReader body)
    {
        var reply = new HistoryReply { Request = body.NextWord(), Epoch = body.NextLong(), Offset = body.NextLong(),
            Publications = body.Rest() };
        var publications = new HistoryPublications(reply.Publications);
        while (publications.Read(out _, out _))
        {
        }

        if (!publications.IsWhole) body.Fail(NativeFault.Malformed);
        return reply;
    }

    /// <inheritdoc />
    public void Write(scoped ref BodyWriter body)
    {
        body.PutWord(Request);
        body.PutLong(Epoch);
        body.PutLong(Offset);
        body.PutBytes(Publications);
    }
}

/// <summary>Reads <see cref="HistoryReply.Publications"/>.</summary>
/// <param name="publications">The bytes. Borrowed.</param>
public ref struct HistoryPublications(ReadOnlySpan<byte> publications)
{
    private BodyReader _reader = new(publications);

    /// <summary>Whether everything so far was whole.</summary>
    public readonly bool IsWhole => _reader.Fault == NativeFault.None;

    /// <summary>Reads the next publication.</summary>
    /// <param name="offset">Its offset.</param>
    /// <param name="data">Its data. Borrowed.</param>
    /// <returns>Whether there was one.</returns>
    public bool Read(out ulong offset, out ReadOnlySpan<byte> data)
    {
        offset = 0;
        data = default;
        if (_reader.Left == 0) return false;
        offset = _reader.NextLong();
        data = _reader.NextLongBytes();
        return IsWhole;
    }
}
