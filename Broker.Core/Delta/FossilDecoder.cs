namespace Broker.Core.Delta;

/// <summary>Applies Fossil deltas, as clients do. Strict: what is not a delta of this base to its very end is refused.</summary>
public static class FossilDecoder
{
    /// <summary>Applies a delta.</summary>
    /// <param name="source">The base.</param>
    /// <param name="delta">The delta.</param>
    /// <param name="targetBytesMax">The longest result; memory is never allocated for more, whatever the delta declares.</param>
    /// <param name="target">The result, or null.</param>
    /// <returns>A sentence that names what is wrong, or null.</returns>
    public static string? Decode(ReadOnlySpan<byte> source, ReadOnlySpan<byte> delta, int targetBytesMax, out byte[]? target)
    {
        target = null;
        var reader = new Reader(delta);
        if (!reader.TryReadNumber(out uint size) || !reader.TryRead((byte)'\n')) return "The size of the result is missing.";
        if (size > (uint)targetBytesMax) return $"The result passes {targetBytesMax} bytes.";

        // Each byte of the result is one of the delta, or in a copy of the base, which the delta names: nothing is allocated before.
        var result = new List<byte>();
        while (true)
        {
            if (!reader.TryReadNumber(out uint number)) return "A number is missing.";
            if (reader.TryRead((byte)';')) return Finish(result, size, number, out target);
            if ((ulong)result.Count + number > size) return "The result passes its size.";
            if (reader.TryRead((byte)'@'))
            {
                if (!reader.TryReadNumber(out uint offset) || !reader.TryRead((byte)',')) return "A copy is malformed.";
                if (offset + (ulong)number > (ulong)source.Length) return "A copy passes the end of the base.";
                result.AddRange(source.Slice((int)offset, (int)number));
            }
            else if (reader.TryRead((byte)':'))
            {
                if (!reader.TryReadBytes(number, out ReadOnlySpan<byte> bytes)) return "An insert passes the end of the delta.";
                result.AddRange(bytes);
            }
            else
            {
                return "A command is neither a copy nor an insert.";
            }
        }
    }

    private static string? Finish(List<byte> result, uint size, uint checksum, out byte[]? target)
    {
        target = null;
        if (result.Count != size) return "The result has another size.";
        byte[] bytes = [.. result];
        if (FossilDelta.Checksum(bytes) != checksum) return "The result has another checksum.";
        target = bytes;
        return null;
    }

    private ref struct Reader(ReadOnlySpan<byte> rest)
    {
        private ReadOnlySpan<byte> _rest = rest;

        internal bool TryRead(byte sign)
        {
            if (_rest.IsEmpty || _rest[0] != sign) return false;
            _rest = _rest[1..];
            return true;
        }

        internal bool TryReadBytes(uint count, out ReadOnlySpan<byte> bytes)
        {
            bytes = default;
            if (count > (uint)_rest.Length) return false;
            bytes = _rest[..(int)count];
            _rest = _rest[(int)count..];
            return true;
        }

        internal bool TryReadNumber(out uint number)
        {
            number = 0;
            int digits = 0;
            for (; digits < _rest.Length; digits++)
            {
                int value = FossilDelta.Digits.IndexOf(_rest[digits]);
                if (value < 0) break;
                if (number >> 26 != 0) return false;
                number = (number << 6) | (uint)value;
            }

            _rest = _rest[digits..];
            return digits > 0;
        }
    }
}
