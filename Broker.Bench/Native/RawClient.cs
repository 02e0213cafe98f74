using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Broker.Bench.Load;
using Broker.Core.Framing;
using Broker.Core.Native;

namespace Broker.Bench.Native;

/// <summary>A client that costs next to nothing: frames are made before, and answers are counted, not read.</summary>
internal sealed class RawClient : IDisposable
{
    private const uint Key = 0x37fa213d;

    private readonly Socket _socket;
    private readonly byte[] _buffer = new byte[256 * 1024];
    private readonly bool _batched;
    private int _length;

    private RawClient(Socket socket, bool batched)
    {
        _socket = socket;
        _batched = batched;
    }

    /// <summary>A client that has its welcome.</summary>
    public static async Task<RawClient> ConnectAsync(int port, bool batched, CancellationToken stop)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, port, stop);
        var client = new RawClient(socket, batched);
        string protocol = batched ? NativeProtocol.Batched : NativeProtocol.Unbatched;
        await client.SendAsync(Encoding.ASCII.GetBytes(
            $"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: {protocol}\r\n\r\n"), stop);
        int end;
        while ((end = client._buffer.AsSpan(0, client._length).IndexOf("\r\n\r\n"u8)) < 0) await client.ReadAsync(stop);
        client.Drop(end + 4);
        await client.SendAsync(Frame(NativeWriter.Message(new Hello { Version = 1, FrameBytesMax = 1024 * 1024, Name = "bench"u8 })), stop);
        await client.ReceiveAsync(messages: 1, stop);
        return client;
    }

    /// <summary>A masked frame of messages.</summary>
    public static byte[] Frame(ReadOnlySpan<byte> messages) => FrameWriter.Frame(Opcode.Binary, messages, Key);

    public async ValueTask SendAsync(ReadOnlyMemory<byte> frames, CancellationToken stop)
    {
        while (!frames.IsEmpty) frames = frames[await _socket.SendAsync(frames, stop)..];
    }

    /// <summary>Waits for so many messages at least, pings aside.</summary>
    /// <returns>How many came.</returns>
    public async ValueTask<int> ReceiveAsync(int messages, CancellationToken stop)
    {
        int count = Take();
        while (count < messages)
        {
            await ReadAsync(stop);
            count += Take();
        }

        return count;
    }

    public void Dispose() => _socket.Dispose();

    private async ValueTask ReadAsync(CancellationToken stop)
    {
        int received = await _socket.ReceiveAsync(_buffer.AsMemory(_length), stop);
        if (received == 0) throw new LoadException("The hub has ended the connection.");
        _length += received;
    }

    private int Take()
    {
        int count = 0;
        var reader = new FrameReader(_buffer.AsSpan(0, _length));
        int used = 0;
        while (reader.ReadHeader(out FrameHeader header) == OperationStatus.Done && header.PayloadLength <= _length - reader.Position)
        {
            var messages = new NativeReader(reader.TakePayload((int)header.PayloadLength)[1..], Side.Client, _batched);
            while (messages.Read(out NativeMessage message) == OperationStatus.Done)
            {
                // Whatever the client says next answers a ping too.
                if (message.Kind != NativeKind.Ping) count++;
            }

            used = reader.Position;
        }

        Drop(used);
        return count;
    }

    private void Drop(int bytes)
    {
        if (bytes == 0) return;
        _length -= bytes;
        _buffer.AsSpan(bytes, _length).CopyTo(_buffer);
    }
}
