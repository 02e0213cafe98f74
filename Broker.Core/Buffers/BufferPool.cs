using System.Diagnostics;
using System.Numerics;

namespace Broker.Core.Buffers;

/// <summary>Pinned buffers of one event loop, kept for the next that needs one. Not for two threads.</summary>
/// <remarks>
/// Classes are the powers of two from 256 bytes to 1 MiB. The small ones are for a frame that a read has cut: a peer that
/// sends one byte and waits shall not hold a whole kibibyte. What is larger is allocated, and dropped when it comes back.
/// </remarks>
/// <param name="keptBytesMax">The most bytes that wait in the pool; what comes back beyond them is dropped.</param>
public class BufferPool(int keptBytesMax = 16 * 1024 * 1024)
{
    /// <summary>The smallest buffer.</summary>
    public const int BufferBytesMin = 256;

    /// <summary>The largest buffer that is kept.</summary>
    public const int BufferBytesMax = 1024 * 1024;

    private static readonly int s_smallest = BitOperations.Log2(BufferBytesMin);

    private readonly Stack<byte[]>[] _classes =
        [.. Enumerable.Range(0, BitOperations.Log2(BufferBytesMax / BufferBytesMin) + 1).Select(_ => new Stack<byte[]>())];

    /// <summary>Buffers that were rented and have not come back.</summary>
    public int Outstanding { get; private set; }

    /// <summary>Bytes that wait in the pool.</summary>
    public int KeptBytes { get; private set; }

    /// <summary>The size of the buffer that <see cref="Rent"/> gives for so many bytes.</summary>
    public static int SizeFor(int minimum) =>
        minimum > BufferBytesMax ? minimum : (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(minimum, BufferBytesMin));

    /// <summary>A pinned buffer with whatever bytes its last holder left in it. The caller holds it and gives it back once.</summary>
    /// <param name="minimum">Bytes that it has to have; it may have more.</param>
    public virtual byte[] Rent(int minimum)
    {
        Outstanding++;
        int size = SizeFor(minimum);
        if (size > BufferBytesMax) return GC.AllocateUninitializedArray<byte>(size, pinned: true);

        if (!_classes[ClassOf(size)].TryPop(out byte[]? buffer)) return GC.AllocateUninitializedArray<byte>(size, pinned: true);

        KeptBytes -= size;
        AssertInvariant();
        return buffer;
    }

    /// <summary>Takes back a buffer of <see cref="Rent"/>. It must not be used afterwards.</summary>
    public virtual void Return(byte[] buffer)
    {
        Outstanding--;
        AssertInvariant();
        if (buffer.Length > BufferBytesMax || buffer.Length > keptBytesMax - KeptBytes) return;

        _classes[ClassOf(buffer.Length)].Push(buffer);
        KeptBytes += buffer.Length;
    }

    /// <summary>Leaves kept buffers to the garbage collector, the largest first.</summary>
    /// <param name="bytes">At least so many bytes, if there are so many.</param>
    protected void Drop(int bytes)
    {
        for (int i = _classes.Length - 1; i >= 0 && bytes > 0; i--)
        {
            while (bytes > 0 && _classes[i].TryPop(out byte[]? buffer))
            {
                KeptBytes -= buffer.Length;
                bytes -= buffer.Length;
            }
        }
    }

    // Every rented buffer is counted once, and no more is kept than may be.
    [Conditional("DEBUG")]
    private void AssertInvariant() =>
        Debug.Assert(
            Outstanding >= 0 && KeptBytes >= 0 && KeptBytes <= keptBytesMax, "A buffer was returned twice, or is no buffer of a pool.");

    private static int ClassOf(int size) => BitOperations.Log2((uint)size) - s_smallest;
}
