using System.Buffers;
using System.Net.Sockets;
using System.Text;
using Broker.Core.Framing;
using Xunit;

namespace Broker.Tests.Support;

/// <summary>A bare socket that moves in step with a loop: it writes or reads a little, then the loop turns.</summary>
internal sealed class LoopClient : IDisposable
{
    private const uint Key = 0x37fa213d;

    private readonly LoopHarness _harness;
    private readonly Socket _socket;
    private readonly List<byte> _received = [];

    public LoopClient(LoopHarness harness, int bufferBytes = 0)
    {
        _harness = harness;
        _socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        if (bufferBytes > 0) _socket.ReceiveBufferSize = _socket.SendBufferSize = bufferBytes;
        _socket.Connect(harness.Listener.EndPoint);
        _socket.Blocking = false;
    }

    /// <summary>The server's side has ended in order.</summary>
    public bool SawEnd { get; private set; }

    /// <summary>The server's side was disconnected.</summary>
    public bool SawReset { get; private set; }

    public static byte[] Request(string path = "/ws") => Encoding.ASCII.GetBytes(
        $"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");

    public static byte[] Text(string text) => FrameWriter.Frame(Opcode.Text, Encoding.UTF8.GetBytes(text), Key);

    public static byte[] Binary(byte[] payload) => FrameWriter.Frame(Opcode.Binary, payload, Key);

    public static byte[] Close(CloseCode code = CloseCode.Normal, string reason = "") => FrameWriter.Close(code, reason, Key);

    /// <summary>Writes everything, however long the server takes to read it.</summary>
    public void Write(params ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            int written = WriteSome(bytes);
            bytes = bytes[written..];
            if (!bytes.IsEmpty) _harness.Loop.RunOnce(1);
        }
    }

    /// <summary>Writes what the socket takes now.</summary>
    public int WriteSome(ReadOnlySpan<byte> bytes)
    {
        int written = _socket.Send(bytes, SocketFlags.None, out SocketError error);
        Assert.True(error is SocketError.Success or SocketError.WouldBlock, $"The client's write failed: {error}.");
        return error == SocketError.Success ? written : 0;
    }

    /// <summary>Ends the client's side, and still reads.</summary>
    public void EndWriting() => _socket.Shutdown(SocketShutdown.Send);

    /// <summary>Cuts the connection off.</summary>
    public void Reset()
    {
        _socket.LingerState = new LingerOption(true, 0);
        _socket.Close();
    }

    /// <summary>Reads once.</summary>
    public bool ReadSome()
    {
        if (SawEnd || SawReset) return false;
        int count = _socket.Receive(_harness.ClientChunk, SocketFlags.None, out SocketError error);
        if (error == SocketError.WouldBlock) return false;
        if (error != SocketError.Success) SawReset = true;
        else if (count == 0) SawEnd = true;
        _received.AddRange(_harness.ClientChunk.AsSpan(0, count));
        return count > 0;
    }

    private bool ReadAll()
    {
        while (ReadSome())
        {
        }

        return true;
    }

    /// <summary>The next bytes from the server.</summary>
    public byte[] Take(int count)
    {
        _harness.Until(
            () => _received.Count >= count || (ReadSome() && _received.Count >= count) || SawEnd || SawReset,
                $"{count} bytes to the client");
        Assert.True(_received.Count >= count, $"The server ended after {_received.Count} of {count} bytes.");
        byte[] taken = [.. _received[..count]];
        _received.RemoveRange(0, count);
        return taken;
    }

    /// <summary>The head of the server's answer.</summary>
    public string TakeHead()
    {
        int end = -1;
        _harness.Until(() => ReadAll() & (end = EndOfHead()) >= 0, "an answer to the client");
        return Encoding.ASCII.GetString(Take(end));
    }

    /// <summary>Everything to the server's end, which must be an orderly one.</summary>
    public byte[] TakeRest()
    {
        _harness.Until(() => ReadAll() & (SawEnd || SawReset), "the server's end");
        Assert.False(SawReset, "The server cut the connection off.");
        byte[] rest = [.. _received];
        _received.Clear();
        return rest;
    }

    /// <summary>Whole frames, as many as there are, and nothing else to the server's end.</summary>
    public IReadOnlyList<Frame> TakeFramesToEnd() => Frame.All(TakeRest());

    /// <summary>Reads to the server's Close frame, and stops there; the server has not ended yet.</summary>
    public IReadOnlyList<Frame> TakeFramesToClose()
    {
        IReadOnlyList<Frame> frames = [];
        _harness.Until(
            () => ReadAll() & (frames = Frame.WholeOf([.. _received])).Any(frame => frame.Opcode == Opcode.Close),
                "a Close frame to the client");
        Assert.Equal(Opcode.Close, frames[^1].Opcode);
        _received.RemoveRange(0, frames.Sum(frame => frame.WireBytes));
        Assert.Empty(_received);
        return frames;
    }

    public void Dispose() => _socket.Dispose();

    private int EndOfHead()
    {
        int end = _received.ToArray().AsSpan().IndexOf("\r\n\r\n"u8);
        return end < 0 ? end : end + 4;
    }
}

/// <summary>One frame that a client got.</summary>
internal sealed record Frame(Opcode Opcode, byte[] Payload, int WireBytes)
{
    public string Text => Encoding.UTF8.GetString(Payload);

    public ClosePayload Close
    {
        get
        {
            Assert.Null(ClosePayload.Check(Payload, out ClosePayload read));
            return read;
        }
    }

    /// <summary>Bytes that are whole unmasked frames and nothing else.</summary>
    public static IReadOnlyList<Frame> All(byte[] wire)
    {
        IReadOnlyList<Frame> frames = WholeOf(wire);
        Assert.Equal(wire.Length, frames.Sum(frame => frame.WireBytes));
        return frames;
    }

    /// <summary>The whole frames at the front of bytes.</summary>
    public static IReadOnlyList<Frame> WholeOf(byte[] wire)
    {
        var frames = new List<Frame>();
        int position = 0;
        while (position < wire.Length)
        {
            var reader = new FrameReader(wire.AsSpan(position));
            OperationStatus status = reader.ReadHeader(out FrameHeader header);
            if (status == OperationStatus.NeedMoreData || position + header.Size + header.PayloadLength > wire.Length) break;
            Assert.Equal(OperationStatus.Done, status);
            Assert.True(header is { MaskingKey: null, Reserved: 0, Final: true } && Enum.IsDefined(header.Opcode),
                $"Not a frame of this server, at {position}: {header}");
            int payload = position + header.Size;
            position = payload + (int)header.PayloadLength;
            frames.Add(new Frame(header.Opcode, wire[payload..position], header.Size + (int)header.PayloadLength));
        }

        return frames;
    }
}
