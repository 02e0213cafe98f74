using BenchmarkDotNet.Attributes;
using Broker.Core.Buffers;
using Broker.Core.Framing;

namespace Broker.Bench.Micro;

/// <summary>What does one echoed frame cost in the engine, alone in its read or among others?</summary>
/// <remarks>The numbers are per frame. Each read is first copied into the scratch, as a socket would.</remarks>
[MemoryDiagnoser(false)]
public class FrameEngineBench
{
    private const int FramesPerRun = 1024;

    private readonly BufferPool _pool = new();
    private byte[] _read = [];
    private byte[] _scratch = [];
    private FrameEngine _engine = null!;
    private Turn _turn = null!;

    [Params(20, 125, 1024, 16384)]
    public int PayloadBytes { get; set; }

    [Params(1, 4)]
    public int FramesPerRead { get; set; }

    [Params(Opcode.Binary, Opcode.Text)]
    public Opcode Opcode { get; set; }

    [GlobalSetup]
    public void Fill()
    {
        byte[] frame = FrameWriter.Frame(Opcode, new byte[PayloadBytes], maskingKey: 0x37fa213d);
        _read = [.. Enumerable.Repeat(frame, FramesPerRead).SelectMany(bytes => bytes)];
        _scratch = GC.AllocateArray<byte>(128 * 1024, pinned: true);
        _engine = new(new(MessageBytesMax: 1 << 20, FragmentsMax: 1000), _pool);
        _turn = new(_pool);
    }

    /// <summary>The copy alone, to be taken off the other.</summary>
    [Benchmark(Baseline = true, OperationsPerInvoke = FramesPerRun)]
    public void Copy_only()
    {
        for (int frames = 0; frames < FramesPerRun; frames += FramesPerRead) _read.CopyTo(_scratch, 0);
    }

    [Benchmark(OperationsPerInvoke = FramesPerRun)]
    public int Echo()
    {
        int bytesOut = 0;
        for (int frames = 0; frames < FramesPerRun; frames += FramesPerRead)
        {
            _read.CopyTo(_scratch, 0);
            _turn.Begin(_engine, _scratch, 0, _read.Length);
            while (_turn.TryRead(out Message message)) _turn.Echo(message);
            bytesOut += _turn.Output.Length;
            _turn.End();
        }

        return bytesOut;
    }

    /// <summary>As <see cref="Echo"/>, but each read ends inside a frame, which the next one completes.</summary>
    [Benchmark(OperationsPerInvoke = FramesPerRun)]
    public int Echo_of_frames_cut_in_two()
    {
        int bytesOut = 0;
        for (int frames = 0; frames < FramesPerRun; frames += FramesPerRead)
        {
            int cut = _read.Length - PayloadBytes / 2;
            for (int part = 0; part < 2; part++)
            {
                Span<byte> bytes = part == 0 ? _read.AsSpan(0, cut) : _read.AsSpan(cut);
                bytes.CopyTo(_scratch);
                _turn.Begin(_engine, _scratch, 0, bytes.Length);
                while (_turn.TryRead(out Message message)) _turn.Echo(message);
                bytesOut += _turn.Output.Length;
                _turn.End();
            }
        }

        return bytesOut;
    }
}
