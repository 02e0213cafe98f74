using System.Net.WebSockets;
using BenchmarkDotNet.Attributes;
using Broker.Core.Buffers;
using Broker.Core.Framing;

namespace Broker.Bench.Micro;

/// <summary>What does it cost to receive a masked frame: to read its header and unmask it, beside <c>System.Net.WebSockets</c>?</summary>
/// <remarks>
/// The numbers are per frame. Both sides read the same stream in memory, which completes at once and gives at most
/// <see cref="FramesPerRead"/> whole frames a read. Ours reads into one scratch and sees each payload there; theirs receives
/// each message into a buffer of the caller.
/// </remarks>
[MemoryDiagnoser(false)]
public class ReceiveBench
{
    private const int FramesPerRun = 1024;
    private const int FramesPerRead = 8;

    private readonly BufferPool _pool = new();
    private readonly byte[] _scratch = GC.AllocateArray<byte>(64 * 1024, pinned: true);
    private readonly byte[] _received = GC.AllocateArray<byte>(4 * 1024, pinned: true);
    private RepeatedReads _wire = null!;
    private WebSocket _webSocket = null!;
    private FrameEngine _engine = null!;
    private Turn _turn = null!;

    [Params(8, 64, 125, 1000)]
    public int PayloadBytes { get; set; }

    [Params(Opcode.Binary, Opcode.Text)]
    public Opcode Opcode { get; set; }

    [GlobalSetup]
    public void Fill()
    {
        byte[] payload = new byte[PayloadBytes];
        payload.AsSpan().Fill((byte)'x');
        byte[] frame = FrameWriter.Frame(Opcode, payload, maskingKey: 0x37fa213d);
        _wire = new RepeatedReads([.. Enumerable.Repeat(frame, FramesPerRead).SelectMany(bytes => bytes)]);
        _webSocket = WebSocket.CreateFromStream(_wire, new WebSocketCreationOptions { IsServer = true, KeepAliveInterval = TimeSpan.Zero });
        _engine = new(new(MessageBytesMax: 1 << 20, FragmentsMax: 1000), _pool);
        _turn = new(_pool);
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = FramesPerRun)]
    public async Task<int> System_Net_WebSockets()
    {
        int bytes = 0;
        for (int frames = 0; frames < FramesPerRun; frames++)
        {
            ValueWebSocketReceiveResult result = await _webSocket.ReceiveAsync(_received.AsMemory(), CancellationToken.None);
            if (!result.EndOfMessage) throw new InvalidOperationException("A message did not come as a whole.");
            bytes += result.Count;
        }

        return Checked(bytes);
    }

    /// <summary>The engine as a connection uses it: all rules are kept, text is judged.</summary>
    [Benchmark(OperationsPerInvoke = FramesPerRun)]
    public async Task<int> Engine()
    {
        int bytes = 0;
        for (int frames = 0; frames < FramesPerRun; frames += FramesPerRead)
        {
            int read = await _wire.ReadAsync(_scratch.AsMemory());
            bytes += ReadTurn(read);
        }

        return Checked(bytes);
    }

    /// <summary>A header and its payload after the other by hand, without any rule: the two parts alone.</summary>
    [Benchmark(OperationsPerInvoke = FramesPerRun)]
    public async Task<int> Header_and_unmask()
    {
        int bytes = 0;
        for (int frames = 0; frames < FramesPerRun; frames += FramesPerRead)
        {
            int read = await _wire.ReadAsync(_scratch.AsMemory());
            bytes += ReadByHand(_scratch.AsSpan(0, read));
        }

        return Checked(bytes);
    }

    /// <summary>The reads alone, as they are part of the others.</summary>
    [Benchmark(OperationsPerInvoke = FramesPerRun)]
    public async Task<int> Reads_only()
    {
        int bytes = 0;
        for (int frames = 0; frames < FramesPerRun; frames += FramesPerRead) bytes += await _wire.ReadAsync(_scratch.AsMemory());
        return bytes;
    }

    private int ReadTurn(int length)
    {
        int bytes = 0;
        _turn.Begin(_engine, _scratch, 0, length);
        while (_turn.TryRead(out Message message)) bytes += message.Payload.Length;
        _turn.End();
        return bytes;
    }

    private static int ReadByHand(Span<byte> wire)
    {
        int bytes = 0;
        var reader = new FrameReader(wire);
        while (reader.ReadHeader(out FrameHeader header) == System.Buffers.OperationStatus.Done)
        {
            int at = reader.Position;
            int length = reader.TakePayload((int)header.PayloadLength).Length;
            Masking.Apply(wire.Slice(at, length), header.MaskingKey.GetValueOrDefault());
            bytes += length;
        }

        return bytes;
    }

    private int Checked(int bytes) => bytes == FramesPerRun * PayloadBytes
        ? bytes
        : throw new InvalidOperationException($"{bytes} bytes instead of {FramesPerRun * PayloadBytes}.");
}
