using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Broker.Tests.Conformance.Wire;

/// <summary>One frame as a test wants it on the wire, legal or not. RFC 6455 section 5.2.</summary>
/// <param name="Opcode">0 to 15, whether defined or reserved.</param>
/// <param name="Payload">The payload before masking; a control frame's may be longer than is legal.</param>
/// <param name="Final">The FIN bit.</param>
/// <param name="Reserved">The three RSV bits: 4 is RSV1, 2 is RSV2, 1 is RSV3.</param>
/// <remarks>Knows nothing of Broker.Core on purpose: two writers of one hand would share their mistakes.</remarks>
public sealed record WireFrame(int Opcode, Octets Payload, bool Final = true, int Reserved = 0)
{
    /// <summary>The opcode of a close frame.</summary>
    public const int CloseOpcode = 8;

    /// <summary>The opcode of a ping.</summary>
    public const int PingOpcode = 9;

    /// <summary>The opcode of a pong.</summary>
    public const int PongOpcode = 10;

    /// <summary>A whole text message in one frame.</summary>
    public static WireFrame Text(string text) => Text(Octets.OfText(text));

    /// <inheritdoc cref="Text(string)"/>
    public static WireFrame Text(Octets payload) => new(1, payload);

    /// <summary>A whole binary message in one frame.</summary>
    public static WireFrame Binary(Octets payload) => new(2, payload);

    /// <summary>The first fragment of a text message.</summary>
    public static WireFrame TextBegin(string text) => TextBegin(Octets.OfText(text));

    /// <inheritdoc cref="TextBegin(string)"/>
    public static WireFrame TextBegin(Octets payload) => new(1, payload, Final: false);

    /// <summary>A continuation that is not the last.</summary>
    public static WireFrame More(string text) => More(Octets.OfText(text));

    /// <inheritdoc cref="More(string)"/>
    public static WireFrame More(Octets payload) => new(0, payload, Final: false);

    /// <summary>The last continuation.</summary>
    public static WireFrame Last(string text) => Last(Octets.OfText(text));

    /// <inheritdoc cref="Last(string)"/>
    public static WireFrame Last(Octets payload) => new(0, payload);

    /// <summary>A ping.</summary>
    public static WireFrame Ping(string text) => Ping(Octets.OfText(text));

    /// <inheritdoc cref="Ping(string)"/>
    public static WireFrame Ping(Octets payload) => new(PingOpcode, payload);

    /// <summary>A pong.</summary>
    public static WireFrame Pong(string text) => Pong(Octets.OfText(text));

    /// <inheritdoc cref="Pong(string)"/>
    public static WireFrame Pong(Octets payload) => new(PongOpcode, payload);

    /// <summary>A close frame with a code, legal or not, and a reason.</summary>
    public static WireFrame Close(int code, string reason = "") => Close(code, Octets.OfText(reason));

    /// <inheritdoc cref="Close(int, string)"/>
    public static WireFrame Close(int code, Octets reason)
    {
        var payload = new byte[2 + reason.Length];
        BinaryPrimitives.WriteUInt16BigEndian(payload, (ushort)code);
        reason.CopyTo(payload.AsSpan(2));
        return CloseOf(Octets.Of(payload));
    }

    /// <summary>A close frame with any payload.</summary>
    public static WireFrame CloseOf(Octets payload) => new(CloseOpcode, payload);

    /// <summary>A whole message cut into frames of one size, the last of which is shorter or empty.</summary>
    /// <param name="opcode">1 or 2, on the first frame.</param>
    /// <param name="payload">The whole message.</param>
    /// <param name="fragmentSize">Octets in every full frame; 0 or not less than the message leaves it whole.</param>
    /// <param name="reserved">The RSV bits of the first frame.</param>
    public static IEnumerable<WireFrame> Fragments(int opcode, Octets payload, int fragmentSize, int reserved = 0)
    {
        if (fragmentSize == 0 || payload.Length <= fragmentSize)
        {
            yield return new WireFrame(opcode, payload, Reserved: reserved);
            yield break;
        }

        byte[] whole = payload.ToArray();
        for (int start = 0; start <= whole.Length; start += fragmentSize)
        {
            bool full = whole.Length - start >= fragmentSize;
            byte[] part = whole.AsSpan(start, full ? fragmentSize : whole.Length - start).ToArray();
            yield return new WireFrame(start == 0 ? opcode : 0, Octets.Of(part), Final: !full, start == 0 ? reserved : 0);
        }
    }

    /// <summary>Encodes the frame with its shortest length and a fresh masking key.</summary>
    public byte[] Encode()
    {
        int lengthCode = Payload.Length switch { > ushort.MaxValue => 127, > 125 => 126, _ => Payload.Length };
        int keyOffset = lengthCode switch { 127 => 10, 126 => 4, _ => 2 };
        var target = new byte[keyOffset + 4 + Payload.Length];

        target[0] = (byte)((Final ? 0x80 : 0) | (Reserved << 4) | Opcode);
        target[1] = (byte)(0x80 | lengthCode);
        if (lengthCode == 126) BinaryPrimitives.WriteUInt16BigEndian(target.AsSpan(2), (ushort)Payload.Length);
        if (lengthCode == 127) BinaryPrimitives.WriteInt64BigEndian(target.AsSpan(2), Payload.Length);

        Span<byte> key = target.AsSpan(keyOffset, 4);
        RandomNumberGenerator.Fill(key);
        Span<byte> payload = target.AsSpan(keyOffset + 4);
        Payload.CopyTo(payload);
        for (int i = 0; i < payload.Length; i++) payload[i] ^= key[i & 3];
        return target;
    }
}
