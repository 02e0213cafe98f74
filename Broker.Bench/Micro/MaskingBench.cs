using BenchmarkDotNet.Attributes;
using Broker.Core.Framing;

namespace Broker.Bench.Micro;

/// <summary>What does unmasking cost, in place and on the way to where the reply will stand, beside copies of the same bytes?</summary>
/// <remarks>
/// The same bytes again and again: where the ends of a short payload overlap, in place may wait for its own stores of the round before,
/// which no payload off a socket does. <see cref="ReceiveBench"/> has fresh bytes.
/// </remarks>
[MemoryDiagnoser(false)]
public class MaskingBench
{
    private const uint Key = 0x37fa213d;
    private const int Line = 64, Header = 8;

    private byte[] _buffer = [];
    private byte[] _elsewhere = [];
    private int _start;
    private int _elsewhereStart;

    [Params(8, 20, 125, 1024, 16384)]
    public int PayloadBytes { get; set; }

    [GlobalSetup]
    public void Fill()
    {
        (_buffer, _start) = Aligned();
        (_elsewhere, _elsewhereStart) = Aligned();
    }

    [Benchmark]
    public void In_place() => Masking.Apply(_buffer.AsSpan(_start, PayloadBytes), Key);

    [Benchmark]
    public void Four_bytes_back() => Masking.Copy(_buffer.AsSpan(_start, PayloadBytes), _buffer.AsSpan(_start - 4), Key);

    [Benchmark]
    public void To_elsewhere() => Masking.Copy(_buffer.AsSpan(_start, PayloadBytes), _elsewhere.AsSpan(_elsewhereStart), Key);

    /// <summary>What masking is compared with: the runtime's copy from one buffer into another.</summary>
    [Benchmark(Baseline = true)]
    public void Plain_copy() => _buffer.AsSpan(_start, PayloadBytes).CopyTo(_elsewhere.AsSpan(_elsewhereStart));

    /// <summary>An array that stays where it is, and where in it the payload begins: a header's length into a cache line.</summary>
    private unsafe (byte[] Array, int Start) Aligned()
    {
        byte[] array = GC.AllocateArray<byte>(PayloadBytes + 4 * Line, pinned: true);
        fixed (byte* first = array) return (array, (int)(2 * Line - ((nuint)first & (Line - 1))) + Header);
    }
}
