using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using static System.Buffers.Binary.BinaryPrimitives;

namespace Broker.Core.Framing;

/// <summary>The masking of RFC 6455 section 5.3: XOR with four bytes, over and over. Its own inverse.</summary>
public static class Masking
{
    /// <summary>Masks or unmasks in place.</summary>
    /// <param name="data">The payload, or a later part of one.</param>
    /// <param name="key">The key as it is printed: its first byte is the highest.</param>
    /// <param name="phase">Payload bytes before <paramref name="data"/>; only their number mod 4 counts.</param>
    public static void Apply(Span<byte> data, uint key, int phase = 0)
    {
        ref byte start = ref MemoryMarshal.GetReference(data);
        Copy(ref start, ref start, (uint)data.Length, InMemory(key, phase));
    }

    /// <summary>Masks or unmasks while copying.</summary>
    /// <param name="source">The payload, or a later part of one.</param>
    /// <param name="target">At least as long. May overlap <paramref name="source"/> when it begins before it.</param>
    /// <param name="key">The key as it is printed: its first byte is the highest.</param>
    /// <param name="phase">Payload bytes before <paramref name="source"/>; only their number mod 4 counts.</param>
    public static void Copy(ReadOnlySpan<byte> source, Span<byte> target, uint key, int phase = 0)
    {
        if (target.Length < source.Length) throw new ArgumentException("The target is shorter than the source.", nameof(target));

        ref byte from = ref MemoryMarshal.GetReference(source);
        Copy(ref from, ref MemoryMarshal.GetReference(target), (uint)source.Length, InMemory(key, phase));
    }

    /// <summary>The key as its bytes lie in memory, turned so that it begins at <paramref name="phase"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static uint InMemory(uint key, int phase) =>
        Turned(BitConverter.IsLittleEndian ? ReverseEndianness(key) : key, (uint)phase);

    /// <summary>The copy itself, forward and without bounds. The ends are loaded before anything is stored.</summary>
    /// <remarks>
    /// Each length has one widest step; what is left over at the end is one more step that overlaps the step before it. Since
    /// it was loaded first, the overlap is written twice with the same bytes, and source and target may be the same.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Copy(ref byte source, ref byte target, nuint length, uint key)
    {
        if (length >= 16)
        {
            CopyWide(ref source, ref target, length, key);
        }
        else if (length >= 8)
        {
            ulong wide = key | ((ulong)key << 32);
            nuint last = length - 8;
            ulong head = Unsafe.ReadUnaligned<ulong>(ref source) ^ wide;
            uint turned = Turned(key, last);
            ulong tail = Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref source, last)) ^ (turned | ((ulong)turned << 32));
            Unsafe.WriteUnaligned(ref target, head);
            Unsafe.WriteUnaligned(ref Unsafe.Add(ref target, last), tail);
        }
        else if (length >= 4)
        {
            nuint last = length - 4;
            uint head = Unsafe.ReadUnaligned<uint>(ref source) ^ key;
            uint tail = Unsafe.ReadUnaligned<uint>(ref Unsafe.Add(ref source, last)) ^ Turned(key, last);
            Unsafe.WriteUnaligned(ref target, head);
            Unsafe.WriteUnaligned(ref Unsafe.Add(ref target, last), tail);
        }
        else
        {
            for (nuint i = 0; i < length; i++)
            {
                byte masked = (byte)(Unsafe.Add(ref source, i) ^ Turned(key, i) >> (BitConverter.IsLittleEndian ? 0 : 24));
                Unsafe.Add(ref target, i) = masked;
            }
        }
    }

    private static void CopyWide(ref byte source, ref byte target, nuint length, uint key)
    {
        if (Vector512.IsHardwareAccelerated && length >= 64)
        {
            // Stores that cross a cache line cost half as much again: in a long payload all but the ends are aligned.
            nuint first = length >= 512 ? 64 - (AddressOf(ref target) & 63) : 64;
            nuint last = length - 64;
            Vector512<byte> head = Vector512.LoadUnsafe(ref source) ^ Vector512.Create(key).AsByte();
            Vector512<byte> tail = Vector512.LoadUnsafe(ref source, last) ^ Vector512.Create(Turned(key, last)).AsByte();
            Vector512<byte> wide = Vector512.Create(Turned(key, first)).AsByte();
            for (nuint i = first; i < last; i += 64) (Vector512.LoadUnsafe(ref source, i) ^ wide).StoreUnsafe(ref target, i);
            head.StoreUnsafe(ref target);
            tail.StoreUnsafe(ref target, last);
        }
        else if (Vector256.IsHardwareAccelerated && length >= 32)
        {
            nuint last = length - 32;
            Vector256<byte> tail = Vector256.LoadUnsafe(ref source, last) ^ Vector256.Create(Turned(key, last)).AsByte();
            Vector256<byte> wide = Vector256.Create(key).AsByte();
            for (nuint i = 0; i < last; i += 32) (Vector256.LoadUnsafe(ref source, i) ^ wide).StoreUnsafe(ref target, i);
            tail.StoreUnsafe(ref target, last);
        }
        else
        {
            nuint last = length - 16;
            Vector128<byte> tail = Vector128.LoadUnsafe(ref source, last) ^ Vector128.Create(Turned(key, last)).AsByte();
            Vector128<byte> wide = Vector128.Create(key).AsByte();
            for (nuint i = 0; i < last; i += 16) (Vector128.LoadUnsafe(ref source, i) ^ wide).StoreUnsafe(ref target, i);
            tail.StoreUnsafe(ref target, last);
        }
    }

    /// <summary>The key that begins <paramref name="bytes"/> later; in memory's order on either kind of machine.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Turned(uint key, nuint bytes)
    {
        int bits = ((int)bytes & 3) * 8;
        return BitConverter.IsLittleEndian ? BitOperations.RotateRight(key, bits) : BitOperations.RotateLeft(key, bits);
    }

    /// <summary>Good for alignment only: a collection may move what is not pinned.</summary>
    private static unsafe nuint AddressOf(ref byte target) => (nuint)Unsafe.AsPointer(ref target);
}
