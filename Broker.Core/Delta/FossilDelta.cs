namespace Broker.Core.Delta;

/// <summary>Facts of the Fossil delta format.</summary>
/// <remarks>
/// <c>SIZE LF COMMANDS CHECKSUM ;</c>, where a command is <c>N@OFFSET,</c> (copy N bytes of the base) or <c>N:BYTES</c> (insert them).
/// Numbers have base 64, most significant digit first. All sizes are in bytes.
/// </remarks>
internal static class FossilDelta
{
    /// <summary>The digits of a number.</summary>
    internal static ReadOnlySpan<byte> Digits => "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~"u8;

    /// <summary>The sum modulo 2^32 of the bytes as big-endian words of 32 bits, the last one filled up with zeros on its right.</summary>
    internal static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        uint sum = 0;
        for (; bytes.Length >= 4; bytes = bytes[4..])
            sum = unchecked(sum + System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(bytes));
        for (int i = 0; i < bytes.Length; i++) sum = unchecked(sum + ((uint)bytes[i] << (24 - (8 * i))));
        return sum;
    }

    /// <summary>How many digits a number has.</summary>
    internal static int CountDigits(uint number)
    {
        int digits = 1;
        while ((number >>= 6) != 0) digits++;
        return digits;
    }
}
