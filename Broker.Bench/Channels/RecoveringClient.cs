using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Broker.Bench.Load;
using Broker.Bench.Native;
using Broker.Core.Framing;

namespace Broker.Bench.Channels;

/// <summary>
/// A client of Centrifuge JSON that costs little: a socket, and a buffer only while it reads. It subscribes to one channel, from a position
/// on or anew, and counts the publications of the answer without parsing them.
/// </summary>
internal sealed class RecoveringClient : IDisposable
{
    private static readonly byte[] s_upgrade = Encoding.ASCII.GetBytes(
        "GET /connection/websocket HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");

    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };

    /// <summary>Connects, subscribes, and reads to the end of the answer.</summary>
    /// <param name="port">Of the host.</param>
    /// <param name="source">The address that it connects from.</param>
    /// <param name="subscribe">What the command subscribes to, as JSON.</param>
    /// <param name="stop">Stops it.</param>
    /// <returns>The answer's line as text without its publications, and how many publications it had.</returns>
    public async Task<(string Answer, int Publications)> SubscribeAsync(
        int port, IPAddress source, string subscribe, CancellationToken stop)
    {
        _socket.Bind(new IPEndPoint(source, 0));
        await _socket.ConnectAsync(IPAddress.Loopback, port, stop);
        byte[] commands = FrameSocket.Frame(
            Opcode.Text, Encoding.UTF8.GetBytes($"{{\"id\":1,\"connect\":{{}}}}\n{{\"id\":2,\"subscribe\":{subscribe}}}"));
        await SendAsync(s_upgrade, stop);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(256 * 1024);
        try
        {
            int end = 0, start;
            while ((start = buffer.AsSpan(0, end).IndexOf("\r\n\r\n"u8)) < 0) end += await ReceiveAsync(buffer, end, stop);
            if (!buffer.AsSpan().StartsWith("HTTP/1.1 101"u8)) throw new LoadException(Encoding.ASCII.GetString(buffer, 0, start));
            start += 4;
            await SendAsync(commands, stop);
            while (true)
            {
                if (Take(buffer, ref start, end) is { Length: > 0 } line) return (Head(line), Count(line));
                if (start > 0) buffer.AsSpan(start, end - start).CopyTo(buffer);
                (start, end) = (0, end - start);
                end += await ReceiveAsync(buffer, end, stop);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Breaks the connection off, without a word.</summary>
    public void Dispose()
    {
        _socket.LingerState = new LingerOption(true, 0);
        _socket.Dispose();
    }

    // The answer to the subscribe, if a whole frame with it is here.
    private static ReadOnlyMemory<byte> Take(byte[] buffer, ref int start, int end)
    {
        while (true)
        {
            var reader = new FrameReader(buffer.AsSpan(start, end - start));
            if (reader.ReadHeader(out FrameHeader header) != OperationStatus.Done || header.PayloadLength > end - start - reader.Position)
                return default;
            ReadOnlyMemory<byte> payload = buffer.AsMemory(start + reader.Position, (int)header.PayloadLength);
            start += reader.Position + payload.Length;
            int at = payload.Span.IndexOf("{\"id\":2"u8);
            if (at < 0) continue;
            payload = payload[at..];
            int line = payload.Span.IndexOf((byte)'\n');
            return line < 0 ? payload : payload[..line];
        }
    }

    private static int Count(ReadOnlyMemory<byte> line) => line.Span.Count("{\"data\":"u8);

    private static string Head(ReadOnlyMemory<byte> line)
    {
        string text = Encoding.UTF8.GetString(line.Span);
        int from = text.IndexOf("\"publications\":[", StringComparison.Ordinal), to = text.LastIndexOf(']');
        return from < 0 ? text : text[..from] + text[(to + 1)..];
    }

    private async ValueTask SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken stop)
    {
        while (!bytes.IsEmpty) bytes = bytes[await _socket.SendAsync(bytes, stop)..];
    }

    private async ValueTask<int> ReceiveAsync(byte[] buffer, int end, CancellationToken stop)
    {
        if (end == buffer.Length) throw new LoadException("The answer is longer than 256 KiB.");
        int received = await _socket.ReceiveAsync(buffer.AsMemory(end), stop);
        return received > 0 ? received : throw new LoadException("The server has ended the connection.");
    }
}
