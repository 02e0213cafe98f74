using System.Buffers.Binary;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using Broker.Tests.EndToEnd;

namespace Broker.Tests.Hostile;

/// <summary>One connection of an attacker: a socket that may send anything, may read or not, and may vanish.</summary>
internal sealed class Attacker : IDisposable
{
    private readonly Socket _socket;
    private readonly Stream _stream;        // Over the socket: what TLS makes of it, or itself.
    private byte[] _buffer = [];
    private int _start, _end;

    private Attacker(Socket socket, Stream stream)
    {
        _socket = socket;
        _stream = stream;
    }

    /// <summary>The code of the Close frame that came; 0 while none has, and if none ever did.</summary>
    public int CloseCode { get; private set; }

    /// <summary>What it said.</summary>
    public string CloseReason { get; private set; } = "";

    /// <summary>Opens a connection and says nothing.</summary>
    /// <param name="port">Of the host.</param>
    /// <param name="stop">Ends the wait.</param>
    /// <param name="receiveBytes">Size of the receive buffer in the kernel: small for one who will not read.</param>
    public static async Task<Attacker> ConnectAsync(int port, CancellationToken stop, int? receiveBytes = null)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        if (receiveBytes is { } bytes) socket.ReceiveBufferSize = bytes;
        await socket.ConnectAsync(IPAddress.Loopback, port, stop);
        return new Attacker(socket, new NetworkStream(socket, ownsSocket: true));
    }

    /// <summary>Opens a connection with TLS around it, and says nothing behind its handshake.</summary>
    public static async Task<Attacker> ConnectTlsAsync(int port, EntryPoints entryPoints, CancellationToken stop, int? receiveBytes = null)
    {
        Attacker plain = await ConnectAsync(port, stop, receiveBytes);
        var secured = new SslStream(plain._stream);
        await secured.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, shown, _, _) => entryPoints.Trusts(shown) },
                stop);
        return new Attacker(plain._socket, secured);
    }

    /// <summary>Opens a connection and upgrades it.</summary>
    public static async Task<Attacker> OpenAsync(int port, string path, CancellationToken stop, int? receiveBytes = null) =>
        await (await ConnectAsync(port, stop, receiveBytes)).UpgradeAsync(path, "", stop);

    /// <summary>Upgrades on the hub's path and says connect.</summary>
    public static async Task<Attacker> EnterAsync(int port, CancellationToken stop, int? receiveBytes = null) =>
        await (await OpenAsync(port, AttackedHost.HubPath, stop, receiveBytes)).SendConnectAsync(stop);

    /// <summary>Upgrades, on a path and with more fields in the request.</summary>
    public async Task<Attacker> UpgradeAsync(string path, string moreFields, CancellationToken stop)
    {
        Assert.True(await TrySendAsync(HostileClient.Upgrade(path, moreFields), stop));
        string head = await ReadHeadAsync(stop);
        Assert.StartsWith("HTTP/1.1 101 ", head, StringComparison.Ordinal);
        return this;
    }

    /// <summary>Says connect in the JSON dialect, and waits for the answer.</summary>
    public async Task<Attacker> SendConnectAsync(CancellationToken stop)
    {
        Assert.True(await TrySendAsync(HostileClient.Line("""{"id":1,"connect":{}}"""), stop));
        Assert.Contains("\"connect\"", await ReadTextAsync(stop), StringComparison.Ordinal);
        return this;
    }

    /// <summary>Says hello in the native protocol, and waits for welcome.</summary>
    public async Task<Attacker> SendHelloAsync(CancellationToken stop)
    {
        Assert.True(await TrySendAsync(HostileClient.Frame(HostileClient.Binary, HostileNativeClient.Hello), stop));
        (byte first, ReadOnlyMemory<byte> payload) = await ReadFrameAsync(stop);
        Assert.Equal((HostileClient.Binary, HostileNativeClient.Welcome), (first, payload.Span[1]));
        return this;
    }

    /// <summary>Sends all of it.</summary>
    /// <returns>False once the host has ended the connection.</returns>
    public async Task<bool> TrySendAsync(ReadOnlyMemory<byte> bytes, CancellationToken stop)
    {
        try
        {
            await _stream.WriteAsync(bytes, stop);
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>The head of the answer to an upgrade; what there is of one, if the host ends the connection within it.</summary>
    public async Task<string> ReadHeadAsync(CancellationToken stop)
    {
        int head;
        while ((head = Unread.Span.IndexOf("\r\n\r\n"u8)) < 0)
        {
            if (!await FillAsync(stop)) return Encoding.ASCII.GetString(Unread.Span);
        }

        string text = Encoding.ASCII.GetString(Unread.Span[..head]);
        _start += head + 4;
        return text;
    }

    /// <summary>The next text message that is no ping; empty at the end of the connection.</summary>
    public async Task<string> ReadTextAsync(CancellationToken stop)
    {
        while (await ReadFrameAsync(stop) is var (first, payload) && first != 0)
        {
            if (first == HostileClient.Text && !payload.Span.SequenceEqual("{}"u8)) return Encoding.UTF8.GetString(payload.Span);
        }

        return "";
    }

    /// <summary>
    /// Reads and drops everything until the host has ended the connection, in whatever way; ends its own side at a Close.
    /// </summary>
    /// <returns>The code of its Close frame, or 0.</returns>
    /// <param name="stop">Ends the wait.</param>
    /// <param name="judge">Looks at the first byte of each frame before the Close frame.</param>
    public async Task<int> ReadToEndAsync(CancellationToken stop, Action<byte>? judge = null)
    {
        while (await ReadFrameAsync(stop) is var (first, _) && first != 0)
        {
            if (first == HostileClient.Close) EndSending();
            else judge?.Invoke(first);
        }

        return CloseCode;
    }

    /// <summary>The next frame; its first byte is 0 at the end of the connection.</summary>
    public async Task<(byte First, ReadOnlyMemory<byte> Payload)> ReadFrameAsync(CancellationToken stop)
    {
        while (true)
        {
            if (TryTakeFrame(out byte first, out ReadOnlyMemory<byte> payload))
            {
                if (first == HostileClient.Close && payload.Length >= 2)
                {
                    CloseCode = BinaryPrimitives.ReadUInt16BigEndian(payload.Span);
                    CloseReason = Encoding.UTF8.GetString(payload.Span[2..]);
                }

                return (first, payload);
            }

            if (!await FillAsync(stop)) return default;
        }
    }

    private bool TryTakeFrame(out byte first, out ReadOnlyMemory<byte> payload)
    {
        (first, payload) = (0, default);
        ReadOnlySpan<byte> rest = Unread.Span;
        if (rest.Length < 2) return false;
        int head = rest[1] switch { 127 => 10, 126 => 4, _ => 2 };
        if (rest.Length < head) return false;
        int length = rest[1] switch
        {
            127 => checked((int)BinaryPrimitives.ReadInt64BigEndian(rest[2..])),
            126 => BinaryPrimitives.ReadUInt16BigEndian(rest[2..]),
            byte code => code,
        };
        if (rest.Length < head + length) return false;
        first = rest[0];
        payload = Unread.Slice(head, length);
        _start += head + length;
        return true;
    }

    private ReadOnlyMemory<byte> Unread => _buffer.AsMemory(_start, _end - _start);

    private async ValueTask<bool> FillAsync(CancellationToken stop)
    {
        if (_buffer.Length == 0) _buffer = new byte[1024];
        if (_start > 0)
        {
            Unread.CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
        }

        if (_end == _buffer.Length) Array.Resize(ref _buffer, _buffer.Length * 2);
        try
        {
            int count = await _stream.ReadAsync(_buffer.AsMemory(_end), stop);
            _end += count;
            return count > 0;
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>Says no more, and still reads.</summary>
    public void EndSending()
    {
        if (_socket.Connected) _socket.Shutdown(SocketShutdown.Send);
    }

    /// <summary>Vanishes with a reset, whatever is under way.</summary>
    public void Reset()
    {
        _socket.LingerState = new LingerOption(enable: true, seconds: 0);
        _socket.Dispose();
    }

    /// <inheritdoc/>
    public void Dispose() => _stream.Dispose();
}
