namespace Broker.Core.Delta;

/// <summary>Writes a delta into as many bytes as the target has; what would not be shorter is given up.</summary>
internal ref struct FossilWriter(int targetBytes)
{
    private readonly byte[] _bytes = new byte[targetBytes];
    private int _length;

    /// <summary>It has come to the length of the target, and so to nothing.</summary>
    internal bool IsTooLong { get; private set; }

    /// <summary>The delta, or null if it is not shorter than the target.</summary>
    internal readonly byte[]? ToArrayIfShorter() => IsTooLong || _length >= _bytes.Length ? null : _bytes[.._length];

    internal void Copy(int bytes, int offset)
    {
        PutNumber((uint)bytes);
        Put((byte)'@');
        PutNumber((uint)offset);
        Put((byte)',');
    }

    internal void Insert(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty) return;
        PutNumber((uint)bytes.Length);
        Put((byte)':');
        Put(bytes);
    }

    internal void PutNumber(uint number)
    {
        for (int digit = FossilDelta.CountDigits(number) - 1; digit >= 0; digit--)
            Put(FossilDelta.Digits[(int)(number >> (6 * digit)) & 63]);
    }

    internal void Put(byte value)
    {
        if (_length == _bytes.Length) IsTooLong = true;
        else _bytes[_length++] = value;
    }

    private void Put(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > _bytes.Length - _length)
        {
            IsTooLong = true;
            return;
        }

        bytes.CopyTo(_bytes.AsSpan(_length));
        _length += bytes.Length;
    }
}
