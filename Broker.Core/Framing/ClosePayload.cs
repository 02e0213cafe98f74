using System.Text;
using System.Text.Unicode;
using static System.Buffers.Binary.BinaryPrimitives;

namespace Broker.Core.Framing;

/// <summary>What a Close frame says: nothing, or a code and perhaps a reason. RFC 6455 section 5.5.1.</summary>
/// <param name="Code">The code; <see cref="CloseCode.NoStatus"/> when the frame says nothing.</param>
/// <param name="Reason">Words for a developer's eyes, often empty.</param>
public readonly record struct ClosePayload(CloseCode Code, string Reason)
{
    /// <summary>The longest payload: a code and 123 bytes of reason.</summary>
    public const int BytesMax = FrameHeader.ControlPayloadMax;

    /// <summary>The payload of no bytes.</summary>
    public static ClosePayload None => new(CloseCode.NoStatus, "");

    /// <summary>Judges a received payload and reads it.</summary>
    /// <param name="payload">The unmasked payload of a Close frame.</param>
    /// <param name="read">What it says, or <see cref="None"/> when it broke a rule.</param>
    /// <returns>1002 for one byte or for a code that may not travel, 1007 for a reason that is not UTF-8, or none.</returns>
    public static FrameViolation? Check(ReadOnlySpan<byte> payload, out ClosePayload read)
    {
        read = None;
        if (payload.IsEmpty) return null;
        if (payload.Length == 1) return FrameViolation.ClosePayloadCut;

        var code = (CloseCode)ReadUInt16BigEndian(payload);
        if (!code.MayTravel) return FrameViolation.CloseCodeUnknown;
        if (!Utf8.IsValid(payload[2..])) return FrameViolation.CloseReasonNotUtf8;

        read = new(code, Encoding.UTF8.GetString(payload[2..]));
        return null;
    }

    /// <summary>Writes the payload. A reason that is too long is cut between two characters.</summary>
    /// <param name="target">Room for <see cref="BytesMax"/> bytes, or for as many as the payload has.</param>
    /// <returns>Bytes written, 2 to 125; 0 for <see cref="None"/>.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A code that may not travel, such as 1006.</exception>
    public int Write(Span<byte> target)
    {
        if (this == None) return 0;
        if (!Code.MayTravel) throw new ArgumentOutOfRangeException(nameof(target), Code, "This close code may not be sent.");

        WriteUInt16BigEndian(target, (ushort)Code);
        Span<byte> room = target[2..Math.Min(target.Length, BytesMax)];
        Utf8.FromUtf16(Reason, room, out _, out int reasonBytes, replaceInvalidSequences: true, isFinalBlock: true);
        return 2 + reasonBytes;
    }
}
