using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Broker.Tests.EndToEnd;

/// <summary>
/// A client so light that one process holds ten thousand: a socket and a buffer. It uses the Centrifuge dialect as the
/// official clients do, answers pings, and answers a Close frame; it shares no code with the product.
/// </summary>
internal sealed class LightClient : IDisposable
{
    private const int TextFrame = 0x81, CloseFrame = 0x88, PingFrame = 0x89, PongFrame = 0x8A;
    private const int Masked = 0x80;

    private static readonly byte[] s_pongFrame = FrameOf(TextFrame, "{}"u8);

    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private byte[] _buffer = new byte[512];
    private int _start, _end;
    private ReadOnlyMemory<byte> _lines;
    private int _lastId;
    private bool _sentClose;

    /// <summary>Called at each ping of the dialect, once it is answered.</summary>
    public Action OnPing { get; set; } = () => { };

    /// <summary>The code of the server's Close frame; 0 until it came.</summary>
    public int CloseCode { get; private set; }

    /// <summary>What the server said with it.</summary>
    public string CloseReason { get; private set; } = "";

    /// <summary>Whether it answers a Close frame, as every client should.</summary>
    public bool AnswersClose { get; init; } = true;

    /// <summary>The address that it connects from; any of 127.0.0.0/8 is this machine's.</summary>
    public IPAddress Source { get; init; } = IPAddress.Any;

    /// <summary>Lines of its request beside those that it needs.</summary>
    public IReadOnlyList<string> Headers { get; init; } = [];

    /// <summary>Opens the WebSocket.</summary>
    public async Task OpenAsync(int port, CancellationToken stop)
    {
        if (!Source.Equals(IPAddress.Any)) _socket.Bind(new IPEndPoint(Source, 0));
        await _socket.ConnectAsync(IPAddress.Loopback, port, stop);
        string request =
            $"GET /connection/websocket HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
            + string.Concat(Headers.Select(line => line + "\r\n")) + "\r\n";
        await SendAllAsync(Encoding.ASCII.GetBytes(request), stop);

        int head;
        while ((head = _buffer.AsSpan(_start, _end - _start).IndexOf("\r\n\r\n"u8)) < 0)
            Assert.True(await FillAsync(stop), "The server ended the handshake.");
        string answer = Encoding.ASCII.GetString(_buffer, _start, head);
        Assert.StartsWith("HTTP/1.1 101 ", answer, StringComparison.Ordinal);
        _start += head + 4;
    }

    /// <summary>Opens the WebSocket and says connect.</summary>
    public static async Task<LightClient> ConnectAsync(int port, CancellationToken stop)
    {
        var client = new LightClient();
        await client.OpenAsync(port, stop);
        await client.CallAsync("\"connect\":{}", stop);
        return client;
    }

    /// <summary>Subscribes and waits for the answer.</summary>
    public Task SubscribeAsync(string channel, CancellationToken stop) => CallAsync($"\"subscribe\":{{\"channel\":\"{channel}\"}}", stop);

    /// <summary>Sends a command and reads lines until its answer, which must be no error.</summary>
    public async Task CallAsync(string command, CancellationToken stop)
    {
        int id = ++_lastId;
        await SendAsync($"{{\"id\":{id},{command}}}", stop);
        string wanted = $"{{\"id\":{id},";
        while (await ReadLineAsync(stop) is { } line)
        {
            string text = Encoding.UTF8.GetString(line.Span);
            if (!text.StartsWith(wanted, StringComparison.Ordinal)) continue;
            Assert.DoesNotContain("\"error\"", text, StringComparison.Ordinal);
            return;
        }

        Assert.Fail($"The server closed with {CloseCode} {CloseReason} instead of answering {command}");
    }

    /// <summary>Sends bye, and reads until the server has said it too.</summary>
    public async Task CloseAsync(ushort code, string reason, CancellationToken stop)
    {
        byte[] payload = [(byte)(code >> 8), (byte)code, .. Encoding.UTF8.GetBytes(reason)];
        _sentClose = true;
        await SendAllAsync(FrameOf(CloseFrame, payload), stop);
        while (await ReadLineAsync(stop) is not null) { }
    }

    /// <summary>Sends lines as one message.</summary>
    public Task SendAsync(string lines, CancellationToken stop) => SendAllAsync(FrameOf(TextFrame, Encoding.UTF8.GetBytes(lines)), stop);

    /// <summary>The next line that is no ping; borrowed until the next call.</summary>
    /// <returns>The line, or <c>null</c> at the end of the connection.</returns>
    public async ValueTask<ReadOnlyMemory<byte>?> ReadLineAsync(CancellationToken stop)
    {
        while (true)
        {
            while (!_lines.IsEmpty)
            {
                int length = _lines.Span.IndexOf((byte)'\n');
                ReadOnlyMemory<byte> line = length < 0 ? _lines : _lines[..length];
                _lines = length < 0 ? default : _lines[(length + 1)..];
                if (!line.Span.SequenceEqual("{}"u8)) return line;
                await SendAllAsync(s_pongFrame, stop);
                OnPing();
            }

            if (!await ReadFrameAsync(stop)) return null;
        }
    }

    /// <summary>Does what an idle client does: answers pings, until the end of the connection. Nothing else may come.</summary>
    public async Task IdleAsync(CancellationToken stop)
    {
        if (await ReadLineAsync(stop) is { } line) Assert.Fail($"An idle client heard {Encoding.UTF8.GetString(line.Span)}");
    }

    // One frame: a text message becomes lines to read, a Close frame the end.
    private async ValueTask<bool> ReadFrameAsync(CancellationToken stop)
    {
        while (true)
        {
            if (!TryTakeFrame(out int first, out ReadOnlyMemory<byte> payload))
            {
                if (!await FillAsync(stop)) return false;
                continue;
            }

            Assert.Equal(0, CloseCode);     // Nothing follows a Close frame, RFC 6455 section 5.5.1.
            switch (first)
            {
                case TextFrame:
                    _lines = payload;
                    return true;
                case CloseFrame:
                    CloseCode = payload.Length < 2 ? 1005 : BinaryPrimitives.ReadUInt16BigEndian(payload.Span);
                    CloseReason = payload.Length < 2 ? "" : Encoding.UTF8.GetString(payload.Span[2..]);
                    if (!AnswersClose) return false;

                    // "if an endpoint ... did not previously send a Close frame, the endpoint MUST send a Close frame", RFC 6455
                    // section 5.5.1. A second one would reach a proxy that has closed already, which answers with a reset.
                    if (!_sentClose) await SendAllAsync(FrameOf(CloseFrame, payload.Span), stop);
                    _socket.Shutdown(SocketShutdown.Send);
                    break;
                case PingFrame:
                    await SendAllAsync(FrameOf(PongFrame, payload.Span), stop);
                    break;
                default:
                    Assert.Fail($"An unexpected frame {first:x2}");
                    break;
            }
        }
    }

    private bool TryTakeFrame(out int first, out ReadOnlyMemory<byte> payload)
    {
        (first, payload) = (0, default);
        ReadOnlySpan<byte> rest = _buffer.AsSpan(_start, _end - _start);
        if (rest.Length < 2) return false;
        int code = rest[1];
        int head = code switch { 127 => 10, 126 => 4, _ => 2 };
        if (rest.Length < head) return false;
        int length = code switch
        {
            127 => checked((int)BinaryPrimitives.ReadInt64BigEndian(rest[2..])),
            126 => BinaryPrimitives.ReadUInt16BigEndian(rest[2..]),
            _ => code,
        };
        if (rest.Length < head + length) return false;
        first = rest[0];
        payload = _buffer.AsMemory(_start + head, length);
        _start += head + length;
        return true;
    }

    private async ValueTask<bool> FillAsync(CancellationToken stop)
    {
        if (_start == _end)
        {
            (_start, _end) = (0, 0);
        }
        else if (_end == _buffer.Length && _start > 0)
        {
            Buffer.BlockCopy(_buffer, _start, _buffer, 0, _end - _start);
            (_start, _end) = (0, _end - _start);
        }

        if (_end == _buffer.Length) Array.Resize(ref _buffer, _buffer.Length * 2);
        int count = await _socket.ReceiveAsync(_buffer.AsMemory(_end), SocketFlags.None, stop);
        _end += count;
        return count > 0;
    }

    private async Task SendAllAsync(ReadOnlyMemory<byte> bytes, CancellationToken stop)
    {
        while (!bytes.IsEmpty) bytes = bytes[await _socket.SendAsync(bytes, SocketFlags.None, stop)..];
    }

    // Masked with a key of zeros: the payload stands in the frame as it is.
    private static byte[] FrameOf(int first, ReadOnlySpan<byte> payload)
    {
        int head = payload.Length switch { > 65535 => 14, > 125 => 8, _ => 6 };
        byte[] frame = new byte[head + payload.Length];
        frame[0] = (byte)first;
        switch (head)
        {
            case 14:
                frame[1] = Masked | 127;
                BinaryPrimitives.WriteInt64BigEndian(frame.AsSpan(2), payload.Length);
                break;
            case 8:
                frame[1] = Masked | 126;
                BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(2), (ushort)payload.Length);
                break;
            default:
                frame[1] = (byte)(Masked | payload.Length);
                break;
        }

        payload.CopyTo(frame.AsSpan(head));
        return frame;
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();
}
