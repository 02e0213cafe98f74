using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Broker.Bench.Load;
using Broker.Bench.Native;
using Broker.Core.Framing;

namespace Broker.Bench.Channels;

/// <summary>What a client learned when it read at last.</summary>
/// <param name="Delivered">Publications that it got.</param>
/// <param name="Announced">Publications of whose loss it was told by their offsets.</param>
/// <param name="Recovered">Publications that it got by recovery on another connection.</param>
/// <param name="NotRecovered">Whether that was answered with <c>recovered: false</c>.</param>
/// <param name="Unknown">Publications of which it knows nothing.</param>
/// <param name="Close">How its connection ended; null where it did not.</param>
internal sealed record SlowReport(long Delivered, long Announced, long Recovered, bool NotRecovered, long Unknown, string? Close);

/// <summary>A subscriber that reads nothing until it is told to, over a socket that buffers next to nothing.</summary>
internal sealed class SlowReader : IDisposable
{
    private static readonly TimeSpan s_quiet = TimeSpan.FromSeconds(2);

    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };
    private readonly SortedSet<ulong> _known = [];
    private readonly int _port;
    private readonly string _channel;
    private byte[] _buffer = new byte[64 * 1024];
    private int _start, _end;
    private string _epoch = "";
    private ulong _first, _last;
    private long _delivered, _announced;
    private string? _close;

    private SlowReader(int port, string channel) => (_port, _channel) = (port, channel);

    /// <summary>Subscribes; nothing is read behind the answer.</summary>
    public static async Task<SlowReader> SubscribeAsync(int port, string channel, CancellationToken stop)
    {
        var reader = new SlowReader(port, channel);
        await reader.OpenAsync("", stop);
        return reader;
    }

    /// <summary>Reads everything that waits, comes back if the connection was ended, and says what it knows.</summary>
    /// <param name="top">The channel's newest offset.</param>
    public async Task<SlowReport> ReadAsync(ulong top, CancellationToken stop)
    {
        using (var quiet = CancellationTokenSource.CreateLinkedTokenSource(stop))
        {
            try
            {
                while (_close is null)
                {
                    quiet.CancelAfter(s_quiet);
                    if (!await FillAsync(quiet.Token)) _close ??= "the end of the stream";
                    while (_close is null && TryTake(out ReadOnlyMemory<byte> payload, out bool isClose)) Take(payload, isClose);
                }
            }
            catch (OperationCanceledException) when (!stop.IsCancellationRequested)
            {
                // Nothing more comes.
            }
            catch (SocketException broken)
            {
                _close ??= $"{broken.SocketErrorCode}";
            }
        }

        long recovered = 0;
        bool notRecovered = false;
        if (_close is not null)
        {
            using var again = new SlowReader(_port, _channel);
            JsonElement answer = await again.OpenAsync($",\"recover\":true,\"epoch\":\"{_epoch}\",\"offset\":{_last}", stop);
            if (answer.GetProperty("recovered").GetBoolean())
            {
                foreach (JsonElement publication in answer.GetProperty("publications").EnumerateArray())
                {
                    recovered++;
                    _known.Add(publication.GetProperty("offset").GetUInt64());
                }
            }
            else
            {
                notRecovered = true;
            }
        }

        long unknown = notRecovered ? 0 : (long)(top - _first) - _known.Count;
        return new SlowReport(_delivered, _announced, recovered, notRecovered, unknown, _close);
    }

    public void Dispose() => _socket.Dispose();

    private async Task<JsonElement> OpenAsync(string since, CancellationToken stop)
    {
        await _socket.ConnectAsync(IPAddress.Loopback, _port, stop);
        await SendAsync("GET /connection/websocket HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", stop);
        int head;
        while ((head = _buffer.AsSpan(0, _end).IndexOf("\r\n\r\n"u8)) < 0) await FillAsync(stop);
        _start = head + 4;
        byte[] commands = FrameSocket.Frame(
            Opcode.Text,
            Encoding.UTF8.GetBytes($"{{\"id\":1,\"connect\":{{}}}}\n{{\"id\":2,\"subscribe\":{{\"channel\":\"{_channel}\"{since}}}}}"));
        await SendAsync(commands, stop);
        while (true)
        {
            while (TryTake(out ReadOnlyMemory<byte> payload, out _))
            {
                foreach (JsonElement line in Lines(payload))
                {
                    if (!line.TryGetProperty("id", out JsonElement id) || id.GetInt32() != 2) continue;
                    JsonElement answer = line.GetProperty("subscribe");
                    _epoch = answer.GetProperty("epoch").GetString()!;
                    _first = _last = answer.TryGetProperty("offset", out JsonElement offset) ? offset.GetUInt64() : 0;
                    return answer;
                }
            }

            if (!await FillAsync(stop)) throw new LoadException("The server has ended the connection.");
        }
    }

    private void Take(ReadOnlyMemory<byte> payload, bool isClose)
    {
        if (isClose)
        {
            _close = $"{(payload.Span[0] << 8) | payload.Span[1]} {Encoding.UTF8.GetString(payload.Span[2..])}";
            return;
        }

        foreach (JsonElement line in Lines(payload))
        {
            if (!line.TryGetProperty("push", out JsonElement push)) continue;
            if (push.TryGetProperty("pub", out JsonElement publication))
            {
                _delivered++;
                _last = publication.GetProperty("offset").GetUInt64();
                if (!_known.Add(_last)) throw new LoadException($"Offset {_last} came twice.");
            }
            else if (push.TryGetProperty("message", out JsonElement message)
                && message.GetProperty("data").TryGetProperty("gap", out JsonElement gap))
            {
                for (ulong offset = gap.GetProperty("from").GetUInt64(); offset <= gap.GetProperty("to").GetUInt64(); offset++)
                {
                    if (_known.Add(offset)) _announced++;
                    _last = Math.Max(_last, offset);
                }
            }
        }
    }

    private static IEnumerable<JsonElement> Lines(ReadOnlyMemory<byte> payload) =>
        Encoding.UTF8.GetString(payload.Span).Split('\n').Select(static line => JsonElement.Parse(line));

    private bool TryTake(out ReadOnlyMemory<byte> payload, out bool isClose)
    {
        (payload, isClose) = (default, false);
        var reader = new FrameReader(_buffer.AsSpan(_start, _end - _start));
        if (reader.ReadHeader(out FrameHeader header) != OperationStatus.Done || header.PayloadLength > _end - _start - reader.Position)
            return false;
        isClose = header.Opcode == Opcode.Close;
        payload = _buffer.AsMemory(_start + reader.Position, (int)header.PayloadLength);
        _start += reader.Position + payload.Length;
        return true;
    }

    private async ValueTask<bool> FillAsync(CancellationToken stop)
    {
        _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
        (_start, _end) = (0, _end - _start);
        if (_end == _buffer.Length) Array.Resize(ref _buffer, 2 * _buffer.Length);
        int received = await _socket.ReceiveAsync(_buffer.AsMemory(_end), stop);
        _end += received;
        return received > 0;
    }

    private ValueTask SendAsync(string text, CancellationToken stop) => SendAsync(Encoding.ASCII.GetBytes(text), stop);

    private async ValueTask SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken stop)
    {
        while (!bytes.IsEmpty) bytes = bytes[await _socket.SendAsync(bytes, stop)..];
    }
}
