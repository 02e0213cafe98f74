using System.Buffers;
using System.Net;
using System.Text;
using Broker.Core.Framing;
using Broker.Core.Upgrade;
using Broker.Reactor.Loops;

namespace Broker.Tests.Support;

/// <summary>An open connection without a socket, which keeps each write by itself.</summary>
internal sealed class FakeConnection : Connection
{
    private static readonly WebSocketEndpoint s_endpoint = new()
    {
        Path = "/fake",
        Subprotocols = new SubprotocolChoice([], fallback: null, refusesUnmatched: false),
        Origins = new OriginRule([]),
        Engine = EngineExchange.Server,
    };

    public FakeConnection(EventLoop loop, int slot = 0)
        : base(loop, new ConnectionId(slot, Generation: 0, loop.Number)) =>
        SetOpen(new FrameEngine(s_endpoint.Engine, loop.Pool), s_endpoint, subprotocol: null, response: default);

    /// <summary>What the socket took, write by write.</summary>
    public List<byte[]> Writes { get; } = [];

    /// <summary>The lines of each text frame that was written.</summary>
    public List<string[]> Frames => [.. Writes.SelectMany(FramesOf)];

    /// <summary>A socket that fails in a way nothing has thought of.</summary>
    public bool Throws { get; set; }

    public override IPEndPoint Remote { get; } = new(IPAddress.Loopback, 1);

    private static IEnumerable<string[]> FramesOf(byte[] written)
    {
        var frames = new List<string[]>();
        var reader = new FrameReader(written);
        while (reader.ReadHeader(out FrameHeader header) == OperationStatus.Done)
        {
            ReadOnlySpan<byte> payload = reader.TakePayload((int)header.PayloadLength);
            if (header.Opcode == Opcode.Text) frames.Add(Encoding.UTF8.GetString(payload).Split('\n'));
        }

        return frames;
    }

    private protected override int TrySend(ReadOnlySpan<byte> bytes)
    {
        if (Throws) throw new InvalidOperationException("The socket of the test fails.");
        Writes.Add(bytes.ToArray());
        return bytes.Length;
    }

    private protected override int TrySend(in OutboundQueue queue)
    {
        var segments = new (byte[] Array, int Start, int Length)[64];
        int count = queue.CopyTo(segments);
        byte[] gathered = [.. segments.Take(count).SelectMany(each => each.Array.AsSpan(each.Start, each.Length).ToArray())];
        LastOffered = gathered.Length;
        return TrySend(gathered);
    }

    private protected override void OnAttached()
    {
    }

    private protected override void OnReadingChanged()
    {
    }

    private protected override void OnBlockedChanged(bool blocked)
    {
    }

    private protected override void OnHandshakeLate()
    {
    }

    private protected override void OnAnnounced(Closure closure)
    {
    }

    private protected override void ShutdownSend()
    {
    }

    private protected override void CloseSocket()
    {
    }
}
