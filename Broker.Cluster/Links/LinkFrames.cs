using System.Buffers.Binary;

namespace Broker.Cluster.Links;

/// <summary>What a frame of a link between two nodes holds.</summary>
/// <remarks>
/// <code>
/// 0        4      5
/// +--------+------+---------+
/// | length | kind | payload |    length: unsigned, little endian, of kind and payload
/// +--------+------+---------+
/// </code>
/// </remarks>
public enum LinkFrameKind : byte
{
    /// <summary>Dialer to acceptor, first: who it is and what it wants.</summary>
    Hello = 1,

    /// <summary>Acceptor to dialer: the version that is used, and a nonce.</summary>
    Challenge = 2,

    /// <summary>Dialer to acceptor: proof that it knows the secret.</summary>
    Proof = 3,

    /// <summary>Acceptor to dialer: the same proof, and who it is. The link is open.</summary>
    Welcome = 4,

    /// <summary>Either side: why the link is refused. The last frame.</summary>
    Refused = 5,

    /// <summary>A message of Akka.Remote, on a link of subscription.</summary>
    Membership = 16,
}

/// <summary>Sizes and heads of frames.</summary>
public static class LinkFrames
{
    /// <summary>Bytes before the payload.</summary>
    public const int HeadBytes = 5;

    /// <summary>The longest frame before a link is open.</summary>
    public const int HandshakeBytesMax = 4 * 1024;

    /// <summary>The longest frame of a link of subscription.</summary>
    public const int MembershipBytesMax = 4 * 1024 * 1024;

    /// <summary>Writes a head.</summary>
    /// <param name="target">At least <see cref="HeadBytes"/>.</param>
    /// <param name="kind">The kind.</param>
    /// <param name="payloadBytes">Bytes that follow.</param>
    public static void WriteHead(Span<byte> target, LinkFrameKind kind, int payloadBytes)
    {
        BinaryPrimitives.WriteInt32LittleEndian(target, payloadBytes + 1);
        target[4] = (byte)kind;
    }

    /// <summary>A frame with its payload.</summary>
    public static byte[] Make(LinkFrameKind kind, ReadOnlySpan<byte> payload)
    {
        byte[] frame = new byte[HeadBytes + payload.Length];
        WriteHead(frame, kind, payload.Length);
        payload.CopyTo(frame.AsSpan(HeadBytes));
        return frame;
    }
}
