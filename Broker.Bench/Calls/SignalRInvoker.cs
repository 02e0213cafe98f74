using System.Buffers;
using System.Text;
using Broker.Bench.Load;
using Broker.Bench.Native;
using Broker.Core.Framing;

namespace Broker.Bench.Calls;

/// <summary>Invocations by a protocol of SignalR: all that are sent together in one frame, which both allow.</summary>
/// <remarks>The server cuts its frames where it likes, so an answer may lie in two.</remarks>
internal sealed class SignalRInvoker(FrameSocket socket, ISignalRWire wire) : IAsker
{
    private readonly ArrayBufferWriter<byte> _messages = new();
    private readonly byte[] _received = new byte[512 * 1024];
    private int _length;
    private int _last;

    /// <summary>Connects to a <see cref="Peers.SignalRPeer"/>, and agrees on a protocol.</summary>
    public static Func<int, CancellationToken, Task<IAsker>> Of(ISignalRWire wire) => async (port, stop) =>
    {
        FrameSocket socket = await FrameSocket.ConnectAsync(port, "/hub", subprotocol: null, stop);
        await socket.SendAsync(
            FrameSocket.Frame(Opcode.Text, Encoding.UTF8.GetBytes($$"""{"protocol":"{{wire.Name}}","version":1}{{'\u001e'}}""")), stop);
        while (!socket.TryTake(out _)) await socket.ReadAsync(stop);
        return new SignalRInvoker(socket, wire);
    };

    public ValueTask AskAsync(int requests, CancellationToken stop)
    {
        _messages.ResetWrittenCount();
        for (int i = 0; i < requests; i++) wire.Write(_messages, ++_last);
        return socket.SendAsync(FrameSocket.Frame(wire.Opcode, _messages.WrittenSpan), stop);
    }

    public async ValueTask<int> AnswersAsync(CancellationToken stop)
    {
        while (true)
        {
            int answers = Take();
            if (answers > 0) return answers;
            await socket.ReadAsync(stop);
        }
    }

    public void Dispose() => socket.Dispose();

    private int Take()
    {
        while (socket.TryTake(out ReadOnlySpan<byte> payload))
        {
            payload.CopyTo(_received.AsSpan(_length));
            _length += payload.Length;
        }

        int answers = 0, used = 0;
        while (wire.TryTake(_received.AsSpan(used, _length - used), out ReadOnlySpan<byte> message, out int bytes))
        {
            used += bytes;
            if (wire.IsPing(message)) continue;
            if (!wire.IsResult(message)) throw new LoadException($"An invocation failed: {Encoding.UTF8.GetString(message)}");
            answers++;
        }

        _length -= used;
        _received.AsSpan(used, _length).CopyTo(_received);
        return answers;
    }
}
