using System.Text.Unicode;

namespace Broker.Core.Framing;

/// <summary>UTF-8 that arrives in pieces, judged as soon as it can be. Three bytes of state; start with <c>default</c>.</summary>
/// <remarks>
/// A piece is invalid with the first byte after which no continuation could make it valid again: F4 90 fails at 90.
/// Only sequences that a cut has split go byte by byte; all between them is left to the vectorised check.
/// </remarks>
public struct Utf8Progress
{
    private byte _missing;  // Continuation bytes that the split sequence still needs, 0 to 3.
    private byte _low;      // The range that the next one of them must lie in;
    private byte _high;     // the Unicode standard, table 3-7, narrows it for the second byte only.

    /// <summary>Whether the pieces so far end with a whole character: only then may the message end.</summary>
    public readonly bool IsComplete => _missing == 0;

    /// <summary>Judges the next piece.</summary>
    /// <param name="piece">Borrowed; of any length.</param>
    /// <returns>False when the text can not become valid any more; after that the answer has no meaning.</returns>
    public bool TryAdvance(ReadOnlySpan<byte> piece)
    {
        int start = 0;
        for (; _missing > 0 && start < piece.Length; start++)
        {
            if (!TryContinue(piece[start])) return false;
        }

        ReadOnlySpan<byte> rest = piece[start..];
        int tail = TailBytes(rest);
        if (!Utf8.IsValid(rest[..^tail])) return false;
        if (tail == 0) return true;

        Begin(rest[^tail]);
        foreach (byte next in rest[^(tail - 1)..])
        {
            if (!TryContinue(next)) return false;
        }

        return true;
    }

    /// <summary>How many bytes at the end belong to a sequence that the end splits, 0 to 3.</summary>
    private static int TailBytes(ReadOnlySpan<byte> text)
    {
        for (int back = 1; back <= Math.Min(3, text.Length); back++)
        {
            byte value = text[^back];
            if (value < 0x80) return 0;
            if (value >= 0xC0) return SequenceBytes(value) > back ? back : 0;
        }

        return 0;
    }

    /// <summary>Bytes of the sequence that a lead byte begins; 0 when no sequence begins so.</summary>
    private static int SequenceBytes(byte lead) => lead switch
    {
        >= 0xC2 and <= 0xDF => 2,
        >= 0xE0 and <= 0xEF => 3,
        >= 0xF0 and <= 0xF4 => 4,
        _ => 0,
    };

    private void Begin(byte lead)
    {
        _missing = (byte)(SequenceBytes(lead) - 1);
        _low = lead switch { 0xE0 => 0xA0, 0xF0 => 0x90, _ => 0x80 };
        _high = lead switch { 0xED => 0x9F, 0xF4 => 0x8F, _ => 0xBF };
    }

    private bool TryContinue(byte value)
    {
        if (value < _low || value > _high) return false;

        _missing--;
        (_low, _high) = (0x80, 0xBF);
        return true;
    }
}
