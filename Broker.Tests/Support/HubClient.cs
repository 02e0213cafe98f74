using System.Buffers;
using System.Net.Sockets;
using System.Text;
using Broker.Core.Framing;
using Xunit;

namespace Broker.Tests.Support;

/// <summary>A client over a real socket that reads only when the test asks it to, and then drives the hub until it is answered.</summary>
internal sealed class HubClient(HubHarness hub, Socket socket) : IDisposable
{
    private const uint Key = 0x37fa213d;

    private readonly byte[] _scratch = new byte[64 * 1024];
    private readonly Queue<byte[]> _frames = new();
    private readonly Queue<string> _lines = new();      // Of the frame that is being read.
    private byte[] _received = [];
    private byte[] _unsent = [];

    /// <summary>The socket, for a test that counts what every step costs.</summary>
    public Socket Socket { get; } = socket;

    /// <summary>The server's Close frame, once it came.</summary>
    public ClosePayload? Close { get; private set; }

    /// <summary>Whether it uses the Protobuf form of the Centrifuge dialect; the test says and sees lines of JSON all the same.</summary>
    public bool IsProtobuf { get; init; }

    /// <summary>Whether the server has ended its side.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>The opening handshake, to its end.</summary>
    public void Upgrade(string path, string? subprotocol = null)
    {
        string offer = subprotocol is null ? "" : $"Sec-WebSocket-Protocol: {subprotocol}\r\n";
        SendRaw(Encoding.ASCII.GetBytes(
            $"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: "
                + $"13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{offer}\r\n"));
        int end = -1;
        hub.RunUntil(() => Receive() && (end = _received.AsSpan().IndexOf("\r\n\r\n"u8)) >= 0, $"the upgrade to {path} is answered");
        Assert.StartsWith("HTTP/1.1 101 ", Encoding.ASCII.GetString(_received.AsSpan(0, end)), StringComparison.Ordinal);
        _received = _received[(end + 4)..];
    }

    /// <summary>One text frame of one line, or of several.</summary>
    public void Send(params string[] lines) => SendRaw(FrameOf(string.Join('\n', lines)));

    /// <summary>A masked frame of lines, in the client's form.</summary>
    public byte[] FrameOf(string lines) => IsProtobuf ? BinaryFrame(ProtobufTranscoder.Encode(lines)) : Frame(lines);

    /// <summary>A masked text frame.</summary>
    public static byte[] Frame(string text) => FrameWriter.Frame(Opcode.Text, Encoding.UTF8.GetBytes(text), Key);

    /// <summary>A masked binary frame.</summary>
    public static byte[] BinaryFrame(byte[] payload) => FrameWriter.Frame(Opcode.Binary, payload, Key);

    /// <summary>Bytes as they are; what the socket does not take now is sent whenever the client reads.</summary>
    public void SendRaw(byte[] bytes)
    {
        _unsent = [.. _unsent, .. bytes];
        SendRest();
    }

    private void SendRest()
    {
        while (_unsent.Length > 0)
        {
            int sent = Socket.Send(_unsent, SocketFlags.None, out SocketError error);
            if (error != SocketError.Success) return;
            _unsent = _unsent[sent..];
        }
    }

    /// <summary>The next line that the server says.</summary>
    public string NextLine()
    {
        if (_lines.Count == 0)
        {
            foreach (string line in NextFrame().Split('\n')) _lines.Enqueue(line);
        }

        return _lines.Dequeue();
    }

    /// <summary>The next lines that the server says.</summary>
    public string[] NextLines(int count) => [.. Enumerable.Range(0, count).Select(_ => NextLine())];

    /// <summary>The next whole frame that the server says.</summary>
    public string NextFrame() => TextOf(NextPayload());

    private string TextOf(byte[] payload) => IsProtobuf ? ProtobufTranscoder.Decode(payload) : Encoding.UTF8.GetString(payload);

    /// <summary>The payload of the next whole frame that the server says.</summary>
    public byte[] NextPayload()
    {
        Assert.Empty(_lines);                   // Of a frame that has been read in part.
        hub.RunUntil(() => Read() && (_frames.Count > 0 || Close is not null), "the server says a frame");
        Assert.True(_frames.Count > 0, $"The server has closed: {Close}.");
        return _frames.Dequeue();
    }

    /// <summary>Everything that came within some turns; for what must not come.</summary>
    public string[] LinesWithin(int turns)
    {
        hub.Turn(turns);
        Read();
        string[] lines = [.. _lines, .. _frames.SelectMany(frame => TextOf(frame).Split('\n'))];
        _lines.Clear();
        _frames.Clear();
        return lines;
    }

    /// <summary>The payloads of all frames that came within some turns.</summary>
    public byte[][] PayloadsWithin(int turns)
    {
        hub.Turn(turns);
        Read();
        byte[][] payloads = [.. _frames];
        _frames.Clear();
        return payloads;
    }

    /// <summary>Waits for the server's Close frame.</summary>
    public (int Code, string Reason) NextClose()
    {
        hub.RunUntil(() => Read() && Close is not null, "the server closes");
        return ((int)Close!.Value.Code, Close.Value.Reason);
    }

    /// <summary>Answers the server's Close frame and waits for its end of the stream.</summary>
    public void SendClose()
    {
        SendRaw(FrameWriter.Close(CloseCode.Normal, "", Key));
        hub.RunUntil(() => Read() && HasEnded, "the server ends the stream");
    }

    /// <summary>Reads what is there.</summary>
    /// <returns>Always true, so that a condition can begin with it.</returns>
    public bool Read()
    {
        SendRest();
        Receive();
        var reader = new FrameReader(_received);
        int used = 0;
        while (reader.ReadHeader(out FrameHeader header) == OperationStatus.Done
            && header.PayloadLength <= _received.Length - reader.Position)
        {
            Take(header, reader.TakePayload((int)header.PayloadLength));
            used = reader.Position;
        }

        if (used > 0) _received = _received[used..];
        return true;
    }

    private void Take(in FrameHeader header, ReadOnlySpan<byte> payload)
    {
        Assert.Null(Close);                     // Nothing follows a Close frame.
        Assert.Null(header.MaskingKey);
        if (header.Opcode == Opcode.Close)
        {
            Assert.Null(ClosePayload.Check(payload, out ClosePayload close));
            Close = close;
            return;
        }

        _frames.Enqueue(payload.ToArray());
    }

    private bool Receive()
    {
        while (!HasEnded)
        {
            int received = Socket.Receive(_scratch, SocketFlags.None, out SocketError error);
            if (error == SocketError.WouldBlock) break;
            HasEnded = received == 0;
            _received = [.. _received, .. _scratch.AsSpan(0, received)];
        }

        return true;
    }

    public void Dispose() => Socket.Dispose();
}
