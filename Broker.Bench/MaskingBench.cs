using BenchmarkDotNet.Attributes;
using Broker.Core.Framing;

namespace Broker.Bench;

/// <summary>What does unmasking cost, in place and on the way to where the reply will stand?</summary>
[MemoryDiagnoser(false)]
public class MaskingBench
{
    private const uint Key = 0x37fa213d;

    private byte[] _buffer = [];

    [Params(8, 20, 125, 1024, 16384)]
    public int PayloadBytes { get; set; }

    [GlobalSetup]
    public void Fill() => _buffer = GC.AllocateArray<byte>(PayloadBytes + 64, pinned: true);

    [Benchmark(Baseline = true)]
    public void In_place() => Masking.Apply(_buffer.AsSpan(6, PayloadBytes), Key);

    [Benchmark]
    public void Four_bytes_back() => Masking.Copy(_buffer.AsSpan(6, PayloadBytes), _buffer.AsSpan(2), Key);

    [Benchmark]
    public void Plain_copy() => _buffer.AsSpan(6, PayloadBytes).CopyTo(_buffer.AsSpan(2));
}
