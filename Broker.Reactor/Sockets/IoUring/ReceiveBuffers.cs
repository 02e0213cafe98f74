using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Broker.Reactor.Sockets.IoUring;

/// <summary>
/// The memory that the kernel receives into, for all connections of a loop: each buffer is filled bit by bit, and offered again
/// when it is full and nothing uses any of it.
/// </summary>
/// <remarks>Filled bit by bit, many small reads lie side by side, and the loop's working set stays small.</remarks>
internal sealed unsafe class ReceiveBuffers : IDisposable
{
    /// <summary>What a receive names these buffers by.</summary>
    internal const ushort Group = 1;

    private const int Count = 16;
    private const int PageBytes = 4096;
    private const int TailOffset = 14;    // Of the ring's tail, in what would be the first entry's reserved bytes.

    private readonly byte[][] _arrays = new byte[Count][];
    private readonly int[] _filled = new int[Count];
    private readonly int[] _references = new int[Count];
    private readonly bool[] _full = new bool[Count];
    private readonly RingBuffer* _offers;
    private ushort _tail;

    /// <param name="ring">Takes the buffers from here.</param>
    /// <param name="bytes">Size of each buffer: one read is at most so long.</param>
    internal ReceiveBuffers(Ring ring, int bytes)
    {
        _offers = (RingBuffer*)NativeMemory.AlignedAlloc(PageBytes, PageBytes);
        NativeMemory.Clear(_offers, PageBytes);
        for (int number = 0; number < Count; number++)
        {
            _arrays[number] = GC.AllocateUninitializedArray<byte>(bytes, pinned: true);
            Offer(number);
        }

        ring.Register(_offers, Count, Group);
    }

    internal byte[] this[int number] => _arrays[number];

    /// <summary>Notes that the kernel has put bytes behind those before; the caller is a holder of them.</summary>
    /// <returns>Where they begin.</returns>
    internal int Take(int number, int bytes, bool goesOn)
    {
        int start = _filled[number];
        _filled[number] = start + bytes;
        _full[number] = !goesOn;
        _references[number]++;
        return start;
    }

    /// <summary>Adds a holder.</summary>
    internal void AddRef(int number) => _references[number]++;

    /// <summary>Takes a holder away.</summary>
    internal void Release(int number)
    {
        if (--_references[number] == 0 && _full[number]) Offer(number);
    }

    private void Offer(int number)
    {
        byte[] array = _arrays[number];
        _filled[number] = 0;
        _full[number] = false;
        ref RingBuffer offer = ref _offers[_tail & (Count - 1)];
        offer.Address = (ulong)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(array));
        offer.Length = (uint)array.Length;
        offer.Number = (ushort)number;
        Volatile.Write(ref *(ushort*)((byte*)_offers + TailOffset), ++_tail);
    }

    /// <summary>Only after the ring has ended.</summary>
    public void Dispose() => NativeMemory.AlignedFree(_offers);
}
