namespace Broker.Core.Protocol.Messages;

/// <summary>Bits of a <see cref="PresenceRequest"/>.</summary>
[Flags]
public enum PresenceOptions : byte
{
    /// <summary>Who is subscribed.</summary>
    None = 0,

    /// <summary>Only how many.</summary>
    CountsOnly = 1,
}

/// <summary>Client: who is subscribed to a channel?</summary>
public readonly ref struct PresenceRequest : INativeMessage<PresenceRequest>
{
    private const int FixedBytes = 5;

    /// <inheritdoc />
    public static NativeKind Kind => NativeKind.Presence;

    /// <summary>The number that the answer repeats; not 0.</summary>
    public uint Request { get; init; }

    /// <summary>How much is wanted.</summary>
    public PresenceOptions Options { get; init; }

    /// <summary>The name of the channel, to the end.</summary>
    public ReadOnlySpan<byte> Channel { get; init; }

    /// <inheritdoc />
    public int BodyBytes => FixedBytes + Channel.Length;

    /// <inheritdoc />
    public static PresenceRequest Read(scoped ref BodyReader body) => new()
    {
        Request = body.NextWord(),
        Options = (PresenceOptions)body.NextFlags((byte)PresenceOptions.CountsOnly),
        Channel = body.RestText(),
    };

    /// <inheritdoc />
    public void Write(scoped ref BodyWriter body)
    {
        body.PutWord(Request);
        body.PutByte((byte)Options);
        body.PutBytes(Channel);
    }
}

/// <summary>Server: who is subscribed to a channel, or how many.</summary>
public readonly ref struct PresenceReply : INativeMessage<PresenceReply>
{
    private const int FixedBytes = 12;

    /// <inheritdoc />
    public static NativeKind Kind => NativeKind.PresenceReply;

    /// <summary>The request.</summary>
    public uint Request { get; init; }

    /// <summary>Clients that are subscribed.</summary>
    public uint Clients { get; init; }

    /// <summary>Distinct users among them; all anonymous clients are one.</summary>
    public uint Users { get; init; }

    /// <summary>
    /// The members to the end, each as <see cref="Member.Write"/> writes it and <see cref="MemberReader"/> reads it; empty where only
    /// counts were asked for.
    /// </summary>
    public ReadOnlySpan<byte> Members { get; init; }

    /// <inheritdoc />
    public int BodyBytes => FixedBytes + Members.Length;

    /// <inheritdoc />
    public static PresenceReply Read(scoped ref BodyReader body)
    {
        var reply = new PresenceReply { Request = body.NextWord(), Clients = body.NextWord(), Users = body.NextWord(),
            Members = body.Rest() };
        var members = new MemberReader(reply.Members);
        while (members.Read(out _))
        {
        }

        if (!members.IsWhole) body.Fail(NativeFault.Malformed);
        return reply;
    }

    /// <inheritdoc />
    public void Write(scoped ref BodyWriter body)
    {
        body.PutWord(Request);
        body.PutWord(Clients);
        body.PutWord(Users);
        body.PutBytes(Members);
    }
}

/// <summary>A client that is subscribed to a channel. Its spans are borrowed.</summary>
public readonly ref struct Member
{
    private const int FixedBytes = 14;

    /// <summary>Its id.</summary>
    public ReadOnlySpan<byte> Client { get; init; }

    /// <summary>Its user; empty for an anonymous one.</summary>
    public ReadOnlySpan<byte> User { get; init; }

    /// <summary>What the application says about its connection; any bytes, or none.</summary>
    public ReadOnlySpan<byte> ConnectionInfo { get; init; }

    /// <summary>What the application says about it in this channel; any bytes, or none.</summary>
    public ReadOnlySpan<byte> ChannelInfo { get; init; }

    /// <summary>How long it is on the wire.</summary>
    public int Bytes => FixedBytes + Client.Length + User.Length + ConnectionInfo.Length + ChannelInfo.Length;

    internal static Member Read(scoped ref BodyReader body) => new()
    {
        Client = body.NextShortText(),
        User = body.NextLongBytes(),
        ConnectionInfo = body.NextLongBytes(),
        ChannelInfo = body.NextLongBytes(),
    };

    /// <summary>Writes exactly <see cref="Bytes"/>.</summary>
    public void Write(scoped ref BodyWriter body)
    {
        body.PutShortBytes(Client);
        body.PutLongBytes(User);
        body.PutLongBytes(ConnectionInfo);
        body.PutLongBytes(ChannelInfo);
    }
}

/// <summary>Reads <see cref="PresenceReply.Members"/>.</summary>
/// <param name="members">The bytes. Borrowed.</param>
public ref struct MemberReader(ReadOnlySpan<byte> members)
{
    private BodyReader _reader = new(members);

    /// <summary>Whether everything so far was whole.</summary>
    public readonly bool IsWhole => _reader.Fault == NativeFault.None;

    /// <summary>Reads the next member.</summary>
    /// <returns>Whether there was one.</returns>
    public bool Read(out Member member)
    {
        member = default;
        if (_reader.Left == 0) return false;
        member = Member.Read(ref _reader);
        return IsWhole;
    }
}

/// <summary>Server, to subscribers that asked for it: a client has joined a channel.</summary>
public readonly ref struct Joined : INativeMessage<Joined>
{
    private const int FixedBytes = 4;

    /// <inheritdoc />
    public static NativeKind Kind => NativeKind.Joined;

    /// <summary>The channel's number.</summary>
    public uint Channel { get; init; }

    /// <summary>The client.</summary>
    public Member Member { get; init; }

    /// <inheritdoc />
    public int BodyBytes => FixedBytes + Member.Bytes;

    /// <inheritdoc />
    public static Joined Read(scoped ref BodyReader body) => new() { Channel = body.NextWord(), Member = Member.Read(ref body) };

    /// <inheritdoc />
    public void Write(scoped ref BodyWriter body)
    {
        body.PutWord(Channel);
        Member.Write(ref body);
    }
}

/// <summary>Server, to subscribers that asked for it: a client has left a channel.</summary>
public readonly ref struct Left : INativeMessage<Left>
{
    private const int FixedBytes = 4;

    /// <inheritdoc />
    public static NativeKind Kind => NativeKind.Left;

    /// <summary>The channel's number.</summary>
    public uint Channel { get; init; }

    /// <summary>The client.</summary>
    public Member Member { get; init; }

    /// <inheritdoc />
    public int BodyBytes => FixedBytes + Member.Bytes;

    /// <inheritdoc />
    public static Left Read(scoped ref BodyReader body) => new() { Channel = body.NextWord(), Member = Member.Read(ref body) };

    /// <inheritdoc />
    public void Write(scoped ref BodyWriter body)
    {
        body.PutWord(Channel);
        Member.Write(ref body);
    }
}
