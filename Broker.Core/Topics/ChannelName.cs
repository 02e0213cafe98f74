using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace Broker.Core.Topics;

/// <summary>Judges the names of channels: 1 to N bytes of UTF-8 without control characters.</summary>
/// <remarks>
/// Names are compared byte by byte, so nothing is folded, trimmed or normalised. A name that passes here adds no line to
/// a log and ends no text between nodes early; it is checked once, where it enters.
/// </remarks>
public static class ChannelName
{
    private const int StackBytesMax = 1024;

    /// <summary>Checks a name as it came from the wire.</summary>
    /// <param name="name">The bytes that claim to be a name.</param>
    /// <param name="bytesMax">The longest name, in bytes; over 0.</param>
    /// <returns>A sentence that names the rule broken, for the client; or <c>null</c>.</returns>
    public static string? Check(ReadOnlySpan<byte> name, int bytesMax)
    {
        if (name.IsEmpty) return "The name of a channel is empty.";
        if (name.Length > bytesMax) return TooLong(bytesMax);
        if (!Utf8.IsValid(name)) return "The name of a channel is not UTF-8.";
        return HoldsControl(name) ? "The name of a channel holds a control character." : null;
    }

    /// <summary>Checks a name that a dialect has decoded already.</summary>
    /// <param name="name">The text; half a surrogate pair in it is not UTF-8.</param>
    /// <param name="bytesMax">The longest name, in bytes of UTF-8; over 0.</param>
    /// <returns>A sentence that names the rule broken, for the client; or <c>null</c>.</returns>
    public static string? Check(ReadOnlySpan<char> name, int bytesMax)
    {
        // No character is less than a byte, so what is copied is bounded by the limit and not by the client.
        if (name.Length > bytesMax) return TooLong(bytesMax);

        int roomBytes = Encoding.UTF8.GetMaxByteCount(name.Length);
        Span<byte> bytes = roomBytes <= StackBytesMax ? stackalloc byte[StackBytesMax] : new byte[roomBytes];
        OperationStatus status = Utf8.FromUtf16(name, bytes, out _, out int written, replaceInvalidSequences: false);
        return status == OperationStatus.Done
            ? Check(bytes[..written], bytesMax)
            : "The name of a channel is not UTF-8.";
    }

    private static string TooLong(int bytesMax) => $"The name of a channel passes {bytesMax} bytes.";

    // Unicode's category Cc: U+0000 to U+001F, U+007F, and U+0080 to U+009F, which UTF-8 writes as C2 80 to C2 9F.
    private static bool HoldsControl(ReadOnlySpan<byte> name)
    {
        for (int i = 0; i < name.Length; i++)
        {
            if (name[i] is < 0x20 or 0x7F) return true;
            if (name[i] == 0xC2 && name[i + 1] < 0xA0) return true;
        }

        return false;
    }
}
