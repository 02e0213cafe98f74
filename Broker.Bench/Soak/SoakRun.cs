using System.Buffers;
using Broker.Core.Buffers;
using Broker.Core.Framing;

namespace Broker.Bench.Soak;

/// <summary>Connections one after the other over one turn and one pool, as an event loop has them.</summary>
internal sealed class SoakRun(ulong seed)
{
    private const int FramesPerConnection = 20_000;
    private const int ScratchBytes = 64 * 1024;
    private const int WireBytes = 512 * 1024;

    private static readonly FrameEngineSettings s_settings = new(SoakTraffic.MessageBytesMax, SoakTraffic.FragmentsMax);

    private readonly SoakTraffic _traffic = new(seed);
    private readonly BufferPool _pool = new();
    private readonly byte[] _wire = new byte[WireBytes];
    private readonly byte[] _scratch = new byte[2 * ScratchBytes];
    private Turn? _turn;
    private int _wireStart, _wireEnd;

    /// <summary>Frames that the engines were given.</summary>
    public long Frames { get; private set; }

    /// <summary>Bytes that they came in.</summary>
    public long Bytes { get; private set; }

    /// <summary>Reads that these were cut into.</summary>
    public long Reads { get; private set; }

    /// <summary>Connections that are over.</summary>
    public long Connections { get; private set; }

    /// <summary>One connection from its first frame to its last, disconnected wherever that is.</summary>
    public void RunConnection()
    {
        var engine = new FrameEngine(s_settings, _pool);
        long end = Frames + FramesPerConnection;
        while (Frames < end)
        {
            Fill();
            while (_wireEnd - _wireStart > 0) Read(engine);
            Expect(_traffic.Messages.Count == 0, "Messages were not delivered.");
            Expect(_traffic.Replies.Count == 0, "Replies were not sent.");
        }

        // The traffic goes on where it is, perhaps inside a message; so does the engine, once it is known to hold nothing else.
        while (!engine.IsIdle)
        {
            Fill(once: true);
            while (_wireEnd - _wireStart > 0) Read(engine);
        }

        engine.Drop();
        Expect(_pool.Outstanding == 0, $"{_pool.Outstanding} buffers did not come back.");
        Connections++;
    }

    private void Fill(bool once = false)
    {
        _wireStart = 0;
        var writer = new FrameWriter(_wire);
        while (_traffic.TryWrite(ref writer, _wire.Length - writer.Position))
        {
            Frames++;
            if (once) break;
        }

        _wireEnd = writer.Position;
        Bytes += _wireEnd;
    }

    private void Read(FrameEngine engine)
    {
        int most = _traffic.Next(8) switch { 0 => 16, < 5 => 1500, < 7 => 16 * 1024, _ => ScratchBytes };
        int length = Math.Min(1 + _traffic.Next(most), _wireEnd - _wireStart);
        int start = _traffic.Next(ScratchBytes);
        _wire.AsSpan(_wireStart, length).CopyTo(_scratch.AsSpan(start));
        _wireStart += length;
        Reads++;

        Turn turn = _turn ??= new Turn(_pool);
        turn.Begin(engine, _scratch, start, length);
        while (turn.TryRead(out Message message)) Answer(turn, message);
        Expect(turn.Outcome == TurnOutcome.Open, $"A violation: {turn.Violation?.Reason}");
        Compare(turn.Output.Span);
        turn.End();
    }

    private void Answer(Turn turn, in Message message)
    {
        Expect(_traffic.Messages.TryDequeue(out SoakTraffic.Slice expected), "A message that was not sent.");
        Expect(message.Opcode == expected.Opcode && message.Payload.SequenceEqual(_traffic.BytesOf(expected)),
            "A message came out as another.");
        switch (expected.Answer)
        {
            case SoakTraffic.Answer.Echo: turn.Echo(message); break;
            case SoakTraffic.Answer.Copy: turn.Reply(message.Opcode, message.Payload); break;
            default: break;
        }
    }

    private void Compare(ReadOnlySpan<byte> output)
    {
        var reader = new FrameReader(output);
        while (reader.Position < output.Length)
        {
            Expect(reader.ReadHeader(out FrameHeader header) == OperationStatus.Done, "The answer is no frame.");
            Expect(_traffic.Replies.TryDequeue(out SoakTraffic.Slice expected), "An answer to nothing.");
            bool same = header == new FrameHeader(Final: true, Reserved: 0, expected.Opcode, expected.Length, MaskingKey: null)
                && reader.TakePayload(expected.Length).SequenceEqual(_traffic.BytesOf(expected));
            Expect(same, "An answer came out as another.");
        }
    }

    private static void Expect(bool holds, string message)
    {
        if (!holds) throw new SoakException(message);
    }
}
