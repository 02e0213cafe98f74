using System.Net.WebSockets;
using BenchmarkDotNet.Attributes;
using Broker.Core.Framing;

namespace Broker.Bench.Micro;

/// <summary>
/// What does it cost to make a server's frame of a payload, in each of our three ways, beside <c>System.Net.WebSockets</c>?
/// </summary>
/// <remarks>The numbers are per frame. Theirs copies header and payload into a buffer and hands it to a stream, which drops it.</remarks>
[MemoryDiagnoser(false)]
public class EncodeBench
{
    private const int FramesPerBuffer = 16;

    private byte[] _payload = [];
    private byte[] _room = [];
    private byte[] _many = [];
    private WebSocket _webSocket = null!;

    [Params(8, 64, 125, 1000, 16384)]
    public int PayloadBytes { get; set; }

    [GlobalSetup]
    public void Fill()
    {
        _payload = new byte[PayloadBytes];
        _room = new byte[FrameHeader.SizeMax + PayloadBytes];
        _many = new byte[FramesPerBuffer * (FrameHeader.SizeMax + PayloadBytes)];
        _webSocket =
            WebSocket.CreateFromStream(
                new RepeatedReads([0]), new WebSocketCreationOptions { IsServer = true, KeepAliveInterval = TimeSpan.Zero });
    }

    [Benchmark(Baseline = true)]
    public ValueTask System_Net_WebSockets() =>
        _webSocket.SendAsync(_payload.AsMemory(), WebSocketMessageType.Binary, endOfMessage: true, CancellationToken.None);

    [Benchmark]
    public byte[] Allocate_and_prefix() => FrameWriter.Frame(Opcode.Binary, _payload);

    [Benchmark]
    public int Prefix_in_the_callers_buffer() => FrameWriter.Prefix(_room, FrameHeader.SizeMax, Opcode.Binary);

    /// <summary>The same for a client, which masks its own bytes where they lie.</summary>
    [Benchmark]
    public int Prefix_and_mask_in_the_callers_buffer() =>
        FrameWriter.Prefix(_room, FrameHeader.SizeMax, Opcode.Binary, maskingKey: 0x37fa213d);

    [Benchmark(OperationsPerInvoke = FramesPerBuffer)]
    public int Many_into_one_buffer()
    {
        var writer = new FrameWriter(_many);
        for (int frame = 0; frame < FramesPerBuffer; frame++) writer.TryWrite(Opcode.Binary, _payload);
        return writer.Position;
    }
}
