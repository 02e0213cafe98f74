using System.Security.Cryptography;
using System.Text;

namespace Broker.Cluster.Links;

/// <summary>The result of one frame of a handshake.</summary>
/// <param name="Reply">Frames to send; may be empty.</param>
/// <param name="Peer">The other side, once the link is open; null before.</param>
/// <param name="Refusal">Why there is no link; null unless it has failed. The reply holds it if the other side is to be told.</param>
public readonly record struct HandshakeStep(byte[] Reply, LinkPeer? Peer = null, LinkRefusal? Refusal = null);

/// <summary>The opening handshake of links: both sides prove that they know the secret before either says what it is.</summary>
/// <remarks>
/// <code>
/// dialer                                          acceptor
/// HELLO {versions, purpose, nonce}           →
///                                            ←    CHALLENGE {version, nonce}
/// PROOF {MAC, address, uid, cluster, settings} →
///                                            ←    WELCOME {MAC, address, uid, isMember}  or  REFUSED {kind, reason}
/// </code>
/// MAC: HMAC-SHA-256 with the secret over the side's name, all payloads before it, and the rest of its own payload.
/// </remarks>
public static class LinkHandshake
{
    /// <summary>The newest version of the links that this node uses.</summary>
    public const byte VersionMax = 1;

    /// <summary>The oldest.</summary>
    public const byte VersionMin = 1;

    internal const uint Magic = 0x4B4E4C42;     // "BLNK"
    internal const int NonceBytes = 16;
    internal const int MacBytes = 32;
    private const int SettingsMax = 32;

    internal static byte[] MacOf(string secret, string side, params ReadOnlySpan<byte[]> payloads)
    {
        using var hash = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(secret));
        hash.AppendData(Encoding.UTF8.GetBytes(side));
        foreach (byte[] payload in payloads)
        {
            hash.AppendData(BitConverter.GetBytes(payload.Length));
            hash.AppendData(payload);
        }

        return hash.GetHashAndReset();
    }

    internal static HandshakeStep Refuse(LinkRefusalKind kind, string reason)
    {
        var writer = new LinkValueWriter();
        writer.WriteByte((byte)kind);
        writer.WriteText(reason);
        return new HandshakeStep(LinkFrames.Make(LinkFrameKind.Refused, writer.ToArray()), Refusal: new LinkRefusal(kind, reason));
    }

    internal static LinkRefusal ReadRefusal(ReadOnlySpan<byte> payload)
    {
        var reader = new LinkValueReader(payload);
        var kind = (LinkRefusalKind)reader.ReadByte();
        string reason = reader.ReadText();
        return reader.IsGood && Enum.IsDefined(kind)
            ? new LinkRefusal(kind, Configuration.VisibleText.Of(reason))
            : new LinkRefusal(LinkRefusalKind.Malformed, "it refused without a reason that can be read");
    }

    internal static byte[] WriteHello(LinkPurpose purpose, ushort argument, ReadOnlySpan<byte> nonce)
    {
        var writer = new LinkValueWriter();
        writer.WriteRaw(BitConverter.GetBytes(Magic));
        writer.WriteByte(VersionMin);
        writer.WriteByte(VersionMax);
        writer.WriteByte((byte)purpose);
        writer.WriteUInt16(argument);
        writer.WriteRaw(nonce);
        return writer.ToArray();
    }

    internal static byte[] WriteDialer(LinkSelf self, LinkAgreement agreement)
    {
        var writer = new LinkValueWriter();
        WriteSelf(writer, self);
        writer.WriteText(agreement.Cluster);
        writer.WriteUInt16((ushort)agreement.Settings.Count);
        foreach ((string name, string value) in agreement.Settings)
        {
            writer.WriteText(name);
            writer.WriteText(value);
        }

        return writer.ToArray();
    }

    internal static void WriteSelf(in LinkValueWriter writer, LinkSelf self)
    {
        writer.WriteText(self.Address);
        writer.WriteUInt64(self.Uid);
        writer.WriteByte(self.IsMember ? (byte)1 : (byte)0);
    }

    internal static LinkSelf ReadSelf(ref LinkValueReader reader) => new(reader.ReadText(), reader.ReadUInt64(), reader.ReadByte() != 0);

    /// <summary>Compares what a dialer says with what holds here.</summary>
    internal static LinkRefusal? Compare(ref LinkValueReader reader, string from, LinkAgreement agreement)
    {
        string cluster = reader.ReadText();
        int count = reader.ReadUInt16();
        if (!reader.IsGood || count > SettingsMax) return new LinkRefusal(LinkRefusalKind.Malformed, "its proof is not what it has to be");
        if (cluster != agreement.Cluster)
            return new LinkRefusal(
                LinkRefusalKind.Cluster,
                    $"{from} is of the cluster \"{Shown(cluster)}\", and this is \"{agreement.Cluster}\" (broker.cluster.name)");

        var sent = new Dictionary<string, string>(StringComparer.Ordinal);
        for (int i = 0; i < count; i++) sent[reader.ReadText()] = reader.ReadText();
        if (!reader.IsGood) return new LinkRefusal(LinkRefusalKind.Malformed, "its proof is not what it has to be");
        foreach ((string name, string value) in agreement.Settings)
        {
            // What a newer or older version does not know is not compared.
            if (sent.TryGetValue(name, out string? theirs) && theirs != value)
                return new LinkRefusal(
                    LinkRefusalKind.Setting,
                        $"{name} is {Shown(theirs)} on {from} and {value} on the node that it joins; it has to be equal on all nodes");
        }

        return null;
    }

    internal static string Shown(string text) => Configuration.VisibleText.Of(text.Length > 100 ? text[..100] + "…" : text);
}

/// <summary>The side of a handshake that connects.</summary>
/// <param name="self">What it says of itself.</param>
/// <param name="agreement">What has to be equal.</param>
/// <param name="purpose">What the link is for.</param>
/// <param name="argument">What belongs to the purpose.</param>
public sealed class DialerHandshake(LinkSelf self, LinkAgreement agreement, LinkPurpose purpose, ushort argument = 0)
{
    private readonly byte[] _hello = LinkHandshake.WriteHello(purpose, argument, RandomNumberGenerator.GetBytes(LinkHandshake.NonceBytes));
    private byte[]? _challenge;
    private byte[]? _proof;

    /// <summary>The first frame to send.</summary>
    public byte[] Begin() => LinkFrames.Make(LinkFrameKind.Hello, _hello);

    /// <summary>Takes a frame of the acceptor.</summary>
    public HandshakeStep Handle(byte kind, ReadOnlySpan<byte> payload) => (LinkFrameKind)kind switch
    {
        LinkFrameKind.Challenge when _challenge is null => OnChallenge(payload),
        LinkFrameKind.Welcome when _proof is not null => OnWelcome(payload),
        LinkFrameKind.Refused => new HandshakeStep([], Refusal: LinkHandshake.ReadRefusal(payload)),
        _ => LinkHandshake.Refuse(LinkRefusalKind.Malformed, $"a frame of kind {kind} does not belong here"),
    };

    private HandshakeStep OnChallenge(ReadOnlySpan<byte> payload)
    {
        if (payload.Length < 1 + LinkHandshake.NonceBytes)
            return LinkHandshake.Refuse(LinkRefusalKind.Malformed, "its challenge is not what it has to be");
        if (payload[0] is < LinkHandshake.VersionMin or > LinkHandshake.VersionMax)
            return LinkHandshake.Refuse(LinkRefusalKind.Version, $"it chose version {payload[0]} of the links");
        _challenge = payload.ToArray();
        byte[] dialer = LinkHandshake.WriteDialer(self, agreement);
        _proof = [.. LinkHandshake.MacOf(agreement.Secret, "dialer", _hello, _challenge, dialer), .. dialer];
        return new HandshakeStep(LinkFrames.Make(LinkFrameKind.Proof, _proof));
    }

    private HandshakeStep OnWelcome(ReadOnlySpan<byte> payload)
    {
        if (payload.Length < LinkHandshake.MacBytes)
            return LinkHandshake.Refuse(LinkRefusalKind.Malformed, "its welcome is not what it has to be");
        byte[] acceptor = payload[LinkHandshake.MacBytes..].ToArray();
        byte[] mac = LinkHandshake.MacOf(agreement.Secret, "acceptor", _hello, _challenge!, _proof!, acceptor);
        if (!CryptographicOperations.FixedTimeEquals(mac, payload[..LinkHandshake.MacBytes]))
            return LinkHandshake.Refuse(LinkRefusalKind.Secret, "it does not know the secret of this cluster (broker.cluster.secret)");
        var reader = new LinkValueReader(acceptor);
        LinkSelf peer = LinkHandshake.ReadSelf(ref reader);
        return reader.IsGood
            ? new HandshakeStep([], new LinkPeer(peer.Address, peer.Uid, peer.IsMember, purpose, argument))
            : LinkHandshake.Refuse(LinkRefusalKind.Malformed, "its welcome is not what it has to be");
    }
}

/// <summary>The side of a handshake that was connected to.</summary>
/// <param name="self">What it says of itself, asked for when it answers.</param>
/// <param name="agreement">What has to be equal.</param>
/// <param name="judge">Whether a peer that knows the secret and agrees may have its link; null says yes.</param>
public sealed class AcceptorHandshake(Func<LinkSelf> self, LinkAgreement agreement, Func<LinkPeer, LinkRefusal?> judge)
{
    private byte[]? _hello;
    private byte[]? _challenge;
    private LinkPurpose _purpose;
    private ushort _argument;

    /// <summary>Takes a frame of the dialer.</summary>
    public HandshakeStep Handle(byte kind, ReadOnlySpan<byte> payload) => (LinkFrameKind)kind switch
    {
        LinkFrameKind.Hello when _hello is null => OnHello(payload),
        LinkFrameKind.Proof when _challenge is not null => OnProof(payload),
        LinkFrameKind.Refused => new HandshakeStep([], Refusal: LinkHandshake.ReadRefusal(payload)),
        _ => LinkHandshake.Refuse(LinkRefusalKind.Malformed, $"a frame of kind {kind} does not belong here"),
    };

    private HandshakeStep OnHello(ReadOnlySpan<byte> payload)
    {
        var reader = new LinkValueReader(payload);
        uint magic = reader.ReadUInt32();
        byte min = reader.ReadByte();
        byte max = reader.ReadByte();
        _purpose = (LinkPurpose)reader.ReadByte();
        _argument = reader.ReadUInt16();
        _ = reader.Take(LinkHandshake.NonceBytes);
        if (!reader.IsGood || magic != LinkHandshake.Magic)
            return LinkHandshake.Refuse(LinkRefusalKind.Malformed, "its first frame is no hello of a node");
        byte version = Math.Min(max, LinkHandshake.VersionMax);
        if (version < min || version < LinkHandshake.VersionMin)
            return LinkHandshake.Refuse(
                LinkRefusalKind.Version,
                    $"one side speaks the versions {min} to {max} of the links between nodes, and the other {LinkHandshake.VersionMin} to "
                        + $"{LinkHandshake.VersionMax}");
        if (!Enum.IsDefined(_purpose))
            return LinkHandshake.Refuse(LinkRefusalKind.Malformed, "its hello wants what this node does not know");
        _hello = payload.ToArray();
        _challenge = [version, .. RandomNumberGenerator.GetBytes(LinkHandshake.NonceBytes)];
        return new HandshakeStep(LinkFrames.Make(LinkFrameKind.Challenge, _challenge));
    }

    private HandshakeStep OnProof(ReadOnlySpan<byte> payload)
    {
        if (payload.Length < LinkHandshake.MacBytes)
            return LinkHandshake.Refuse(LinkRefusalKind.Malformed, "its proof is not what it has to be");
        byte[] proof = payload.ToArray();
        byte[] dialer = proof[LinkHandshake.MacBytes..];
        byte[] mac = LinkHandshake.MacOf(agreement.Secret, "dialer", _hello!, _challenge!, dialer);
        if (!CryptographicOperations.FixedTimeEquals(mac, payload[..LinkHandshake.MacBytes]))
            return LinkHandshake.Refuse(LinkRefusalKind.Secret, "the two nodes do not have the same secret (broker.cluster.secret)");

        var reader = new LinkValueReader(dialer);
        LinkSelf from = LinkHandshake.ReadSelf(ref reader);
        if (!reader.IsGood) return LinkHandshake.Refuse(LinkRefusalKind.Malformed, "its proof is not what it has to be");
        if (LinkHandshake.Compare(ref reader, LinkHandshake.Shown(from.Address), agreement) is { } differs)
            return LinkHandshake.Refuse(differs.Kind, differs.Reason);
        var peer = new LinkPeer(from.Address, from.Uid, from.IsMember, _purpose, _argument);
        if (judge(peer) is { } refusal) return LinkHandshake.Refuse(refusal.Kind, refusal.Reason);

        var writer = new LinkValueWriter();
        LinkHandshake.WriteSelf(writer, self());
        byte[] acceptor = writer.ToArray();
        byte[] answer = [.. LinkHandshake.MacOf(agreement.Secret, "acceptor", _hello!, _challenge!, proof, acceptor), .. acceptor];
        return new HandshakeStep(LinkFrames.Make(LinkFrameKind.Welcome, answer), peer);
    }
}
