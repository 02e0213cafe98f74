namespace Broker.Core.Framing;

/// <summary>All that stands before a payload, RFC 6455 section 5.2.</summary>
/// <param name="Final">FIN: the last (or only) fragment of its message.</param>
/// <param name="Reserved">RSV1, RSV2 and RSV3 as the bits 4, 2 and 1.</param>
/// <param name="Opcode">The four opcode bits, which may hold a reserved value.</param>
/// <param name="PayloadLength">Payload bytes that follow, 0 to 2^63 - 1.</param>
/// <param name="MaskingKey">The key as it is printed (its first byte is the highest), or none when unmasked.</param>
public readonly record struct FrameHeader(
    bool Final, byte Reserved, Opcode Opcode, long PayloadLength, uint? MaskingKey)
{
    /// <summary>The longest header: two bytes, a 64-bit length and a key.</summary>
    public const int SizeMax = 14;

    /// <summary>The longest payload of a control frame, section 5.5.</summary>
    public const int ControlPayloadMax = 125;

    /// <summary>Bytes of this header on the wire, 2 to 14.</summary>
    public int Size => SizeOf(PayloadLength, MaskingKey.HasValue);

    /// <summary>Bytes of a header on the wire with its length in the shortest form, as the RFC demands.</summary>
    public static int SizeOf(long payloadLength, bool masked) =>
        (payloadLength <= 125 ? 2 : payloadLength <= ushort.MaxValue ? 4 : 10) + (masked ? 4 : 0);
}
