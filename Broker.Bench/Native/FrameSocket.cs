using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Broker.Bench.Load;
using Broker.Core.Framing;

namespace Broker.Bench.Native;

/// <summary>
/// A WebSocket that costs next to nothing: it sends frames that are made already, and gives payloads as they lie in its buffer.
/// </summary>
internal sealed class FrameSocket : IDisposable
{
    private const uint Key = 0x37fa213d;

    private readonly Socket _socket;
    private readonly byte[] _buffer = new byte[256 * 1024];
    private int _start;
    private int _end;

    private FrameSocket(Socket socket) => _socket = socket;

    /// <summary>A socket whose opening handshake is done.</summary>
    public static async Task<FrameSocket> ConnectAsync(int port, string path, string? subprotocol, CancellationToken stop)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, port, stop);
        var frames = new FrameSocket(socket);
        string offer = subprotocol is null ? "" : $"Sec-WebSocket-Protocol: {subprotocol}\r\n";
        await frames.SendAsync(Encoding.ASCII.GetBytes(
            $"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: "
                + $"13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{offer}\r\n"), stop);
        int end;
        while ((end = frames._buffer.AsSpan(0, frames._end).IndexOf("\r\n\r\n"u8)) < 0) await frames.ReadAsync(stop);
        frames._start = end + 4;
        return frames;
    }

    /// <summary>A masked frame.</summary>
    public static byte[] Frame(Opcode opcode, ReadOnlySpan<byte> payload) => FrameWriter.Frame(opcode, payload, Key);

    public async ValueTask SendAsync(ReadOnlyMemory<byte> frames, CancellationToken stop)
    {
        while (!frames.IsEmpty) frames = frames[await _socket.SendAsync(frames, stop)..];
    }

    /// <summary>Takes the next whole frame that is here.</summary>
    /// <param name="payload">Its payload, until the next read.</param>
    public bool TryTake(out ReadOnlySpan<byte> payload)
    {
        payload = default;
        var reader = new FrameReader(_buffer.AsSpan(_start, _end - _start));
        if (reader.ReadHeader(out FrameHeader header) != OperationStatus.Done || header.PayloadLength > _end - _start - reader.Position)
            return false;
        payload = reader.TakePayload((int)header.PayloadLength);
        _start += reader.Position;
        return true;
    }

    /// <summary>Waits for bytes.</summary>
    public async ValueTask ReadAsync(CancellationToken stop)
    {
        _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
        (_start, _end) = (0, _end - _start);
        int received = await _socket.ReceiveAsync(_buffer.AsMemory(_end), stop);
        if (received == 0) throw new LoadException("The server has ended the connection.");
        _end += received;
    }

    public void Dispose() => _socket.Dispose();
}
