using System.Numerics;

namespace Broker.Core.Delta;

/// <summary>Makes Fossil deltas: what turns the data of one publication into that of the next.</summary>
/// <remarks>
/// Pure. Finds what both have in common at their start and their end, and in between by a table of the base's blocks of 16 bytes. Work and
/// memory grow with the sizes of both, and with nothing else.
/// </remarks>
public static class FossilEncoder
{
    private const int BlockBytes = 16;
    private const int ProbesMax = 8;                // Blocks of the base with one hash that are tried.

    /// <summary>Makes a delta.</summary>
    /// <param name="source">The base: what the other side has.</param>
    /// <param name="target">What it is to have.</param>
    /// <param name="alignToUtf8">
    /// Both are UTF-8, and every piece of the delta is to be, so that the delta is too: no copy begins or ends inside a character.
    /// </param>
    /// <returns>The delta; or null if it would not be shorter than the target, which is then better sent as it is.</returns>
    public static byte[]? Encode(ReadOnlySpan<byte> source, ReadOnlySpan<byte> target, bool alignToUtf8 = false)
    {
        var writer = new FossilWriter(target.Length);
        writer.PutNumber((uint)target.Length);
        writer.Put((byte)'\n');
        if (source.Length <= BlockBytes) writer.Insert(target);
        else EncodeCommands(source, target, alignToUtf8, ref writer);
        writer.PutNumber(FossilDelta.Checksum(target));
        writer.Put((byte)';');
        return writer.ToArrayIfShorter();
    }

    private static void EncodeCommands(ReadOnlySpan<byte> source, ReadOnlySpan<byte> target, bool alignToUtf8, ref FossilWriter writer)
    {
        var table = new BlockTable(source);
        int literal = 0;                            // Bytes of the target that are not written yet begin here.
        int at = 0;
        while (at + BlockBytes <= target.Length && !writer.IsTooLong)
        {
            Copy best = table.FindLongest(source, target, literal, at);
            if (alignToUtf8) best = AlignToUtf8(source, best);
            if (!best.IsWorth(at))
            {
                at++;
                continue;
            }

            writer.Insert(target[literal..best.Target]);
            writer.Copy(best.Length, best.Source);
            at = literal = best.Target + best.Length;
        }

        writer.Insert(target[literal..]);
    }

    // Both sides of a copy have the same bytes, so what holds for the base holds for the target.
    private static Copy AlignToUtf8(ReadOnlySpan<byte> source, Copy copy)
    {
        int start = copy.Source, end = copy.Source + copy.Length;
        while (start < end && IsContinuation(source[start])) start++;
        while (end > start && !EndsCharacter(source, start, end)) end--;
        return new Copy(copy.Target + (start - copy.Source), start, end - start);
    }

    private static bool IsContinuation(byte value) => (value & 0xC0) == 0x80;

    // Whether the bytes up to an end hold the last character there as a whole.
    private static bool EndsCharacter(ReadOnlySpan<byte> bytes, int start, int end)
    {
        int lead = end - 1;
        while (lead > start && IsContinuation(bytes[lead])) lead--;
        int length = bytes[lead] switch
        {
            < 0x80 => 1,
            >= 0xF0 => 4,
            >= 0xE0 => 3,
            >= 0xC0 => 2,
            _ => 0,
        };
        return lead + length == end;
    }

    // A run of bytes that both have.
    private readonly record struct Copy(int Target, int Source, int Length)
    {
        // A command costs two numbers and two signs; what it stands for has to be longer, and to bring the encoder on.
        internal bool IsWorth(int at) =>
            Target + Length > at && Length > FossilDelta.CountDigits((uint)Length) + FossilDelta.CountDigits((uint)Source) + 2;
    }

    // The base's blocks by their hash: heads of chains, newest block first.
    private readonly ref struct BlockTable
    {
        private readonly int[] _heads, _next;
        private readonly int _shift;

        internal BlockTable(ReadOnlySpan<byte> source)
        {
            int blocks = source.Length / BlockBytes;
            int bits = Math.Clamp(32 - BitOperations.LeadingZeroCount((uint)blocks), 4, 20);
            _shift = 32 - bits;
            _heads = new int[1 << bits];
            _next = new int[blocks + 1];
            for (int block = blocks; block > 0; block--)
            {
                uint slot = Hash(source[((block - 1) * BlockBytes)..]) >> _shift;
                _next[block] = _heads[slot];
                _heads[slot] = block;
            }
        }

        internal Copy FindLongest(ReadOnlySpan<byte> source, ReadOnlySpan<byte> target, int literal, int at)
        {
            Copy best = default;
            int probes = ProbesMax;
            for (int block = _heads[Hash(target[at..]) >> _shift]; block > 0 && probes > 0; block = _next[block], probes--)
            {
                int start = (block - 1) * BlockBytes;
                int forward = source[start..].CommonPrefixLength(target[at..]);
                if (forward < BlockBytes) continue;
                int backward = 0, most = Math.Min(start, at - literal);
                while (backward < most && source[start - backward - 1] == target[at - backward - 1]) backward++;
                if (backward + forward > best.Length) best = new Copy(at - backward, start - backward, backward + forward);
            }

            return best;
        }

        private static uint Hash(ReadOnlySpan<byte> bytes)
        {
            ulong low = BitConverter.ToUInt64(bytes), high = BitConverter.ToUInt64(bytes[8..]);
            ulong mixed = unchecked((low * 0x9E3779B97F4A7C15UL) ^ (BitOperations.RotateLeft(high, 29) * 0xC2B2AE3D27D4EB4FUL));
            return (uint)((mixed ^ (mixed >> 29)) >> 16);
        }
    }
}
