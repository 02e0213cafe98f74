using System.Net;
using System.Net.Sockets;
using System.Text;
using Broker.Bench.Load;
using Broker.Core.Framing;

namespace Broker.Bench.Calls;

/// <summary>Invocations by SignalR's JSON protocol: all that are sent together in one frame, which its protocol allows.</summary>
internal sealed class SignalRInvoker(Socket socket) : IInvoker
{
    private const uint Key = 0x37fa213d;

    private readonly byte[] _buffer = new byte[256 * 1024];
    private readonly StringBuilder _text = new();
    private int _length;
    private int _last;

    private static ReadOnlySpan<byte> Completion => "\"type\":3"u8;

    public static async Task<IInvoker> ConnectAsync(int port, CancellationToken stop)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, port, stop);
        var invoker = new SignalRInvoker(socket);
        await invoker.SendAsync(
            "GET /hub HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"u8.ToArray(), stop);
        int end;
        while ((end = invoker._buffer.AsSpan(0, invoker._length).IndexOf("\r\n\r\n"u8)) < 0) await invoker.ReadAsync(stop);
        invoker.Drop(end + 4);
        await invoker.SendAsync(Frame("{\"protocol\":\"json\",\"version\":1}\u001e"u8), stop);
        while (invoker._buffer.AsSpan(0, invoker._length).IndexOf((byte)0x1e) < 0) await invoker.ReadAsync(stop);
        invoker.Drop(invoker._buffer.AsSpan(0, invoker._length).IndexOf((byte)0x1e) + 1);
        return invoker;
    }

    public ValueTask CallAsync(int calls, CancellationToken stop)
    {
        _text.Clear();
        for (int i = 0; i < calls; i++)
        {
            _text.Append("{\"type\":1,\"invocationId\":\"").Append(++_last).Append("\",\"target\":\"Same\",\"arguments\":[\"").Append(InvokeRun.ArgumentText).Append("\"]}\u001e");
        }

        return SendAsync(Frame(Encoding.UTF8.GetBytes(_text.ToString())), stop);
    }

    // Each answer ends with a record separator; what stands before the last one is whole.
    public async ValueTask<int> AnswersAsync(CancellationToken stop)
    {
        while (true)
        {
            int end = _buffer.AsSpan(0, _length).LastIndexOf((byte)0x1e) + 1;
            int answers = _buffer.AsSpan(0, end).Count(Completion);
            Drop(end);
            if (answers > 0) return answers;
            await ReadAsync(stop);
        }
    }

    public void Dispose() => socket.Dispose();

    private static byte[] Frame(ReadOnlySpan<byte> text) => FrameWriter.Frame(Opcode.Text, text, Key);

    private async ValueTask SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken stop)
    {
        while (!bytes.IsEmpty) bytes = bytes[await socket.SendAsync(bytes, stop)..];
    }

    private async ValueTask ReadAsync(CancellationToken stop)
    {
        int received = await socket.ReceiveAsync(_buffer.AsMemory(_length), stop);
        if (received == 0) throw new LoadException("The hub has ended the connection.");
        _length += received;
    }

    private void Drop(int bytes)
    {
        _length -= bytes;
        _buffer.AsSpan(bytes, _length).CopyTo(_buffer);
    }
}
