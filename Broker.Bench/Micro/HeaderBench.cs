using BenchmarkDotNet.Attributes;
using Broker.Core.Framing;

namespace Broker.Bench.Micro;

/// <summary>What does one header cost, to read and judge and to write, in each of the three lengths?</summary>
public class HeaderBench
{
    private readonly byte[] _target = new byte[FrameHeader.SizeMax];
    private readonly FrameRules _rules = new(Side.Server);
    private byte[] _wire = [];
    private FrameHeader _header;

    [Params(125, 1000, 100_000)]
    public int PayloadBytes { get; set; }

    [GlobalSetup]
    public void Fill()
    {
        _header = new(Final: true, Reserved: 0, Opcode.Binary, PayloadBytes, MaskingKey: 0x37fa213d);
        _wire = FrameWriter.Frame(Opcode.Binary, new byte[PayloadBytes], _header.MaskingKey)[.._header.Size];
    }

    [Benchmark]
    public long Read()
    {
        var reader = new FrameReader(_wire);
        reader.ReadHeader(out FrameHeader header);
        return header.PayloadLength;
    }

    [Benchmark]
    public bool Read_and_check()
    {
        var reader = new FrameReader(_wire);
        reader.ReadHeader(out FrameHeader header);
        return _rules.Check(header, messageOpen: false, _rules.MaskWanted) is null;
    }

    [Benchmark]
    public int Write() => FrameWriter.WriteHeader(_target, _header);
}
