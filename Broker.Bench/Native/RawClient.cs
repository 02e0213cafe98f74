using System.Buffers;
using Broker.Bench.Load;
using Broker.Core.Framing;
using Broker.Core.Protocol;
using Broker.Core.Protocol.Messages;

namespace Broker.Bench.Native;

/// <summary>A client of the native protocol whose frames are made before, and which counts answers without reading them.</summary>
internal sealed class RawClient : IDisposable
{
    private readonly FrameSocket _socket;
    private readonly bool _batched;
    private ulong? _pinged;         // The mark of a ping that has no answer yet.

    private RawClient(FrameSocket socket, bool batched)
    {
        _socket = socket;
        _batched = batched;
    }

    /// <summary>A client that has its welcome.</summary>
    public static async Task<RawClient> ConnectAsync(int port, bool batched, CancellationToken stop)
    {
        var client =
            new RawClient(
                await FrameSocket.ConnectAsync(port, "/ws", batched ? NativeProtocol.Batched : NativeProtocol.Unbatched, stop), batched);
        await client.SendAsync(Frame(NativeWriter.Message(new Hello { Version = 1, FrameBytesMax = 1024 * 1024, Name = "bench"u8 })), stop);
        await client.ReceiveAsync(messages: 1, stop);
        return client;
    }

    /// <summary>A masked frame of messages.</summary>
    public static byte[] Frame(ReadOnlySpan<byte> messages) => FrameSocket.Frame(Opcode.Binary, messages);

    public ValueTask SendAsync(ReadOnlyMemory<byte> frames, CancellationToken stop) => _socket.SendAsync(frames, stop);

    /// <summary>Waits for so many messages at least, pings aside, which it answers.</summary>
    /// <returns>How many came.</returns>
    /// <exception cref="LoadException">One was a fault.</exception>
    public async ValueTask<int> ReceiveAsync(int messages, CancellationToken stop)
    {
        int count = Take();
        while (count < messages)
        {
            await _socket.ReadAsync(stop);
            count += Take();
            if (_pinged is not { } mark) continue;
            _pinged = null;
            await SendAsync(Frame(NativeWriter.Message(new Pong { Mark = mark })), stop);
        }

        return count;
    }

    public void Dispose() => _socket.Dispose();

    private int Take()
    {
        int count = 0;
        while (_socket.TryTake(out ReadOnlySpan<byte> payload))
        {
            var messages = new NativeReader(payload[1..], Side.Client, _batched);
            while (messages.Read(out NativeMessage message) == OperationStatus.Done)
            {
                if (message.Kind == NativeKind.Fault)
                    throw new LoadException($"A call failed: {message.As<Core.Protocol.Messages.CallFault>().Code}.");
                if (message.Kind == NativeKind.Ping) _pinged = message.As<Ping>().Mark;
                else count++;
            }
        }

        return count;
    }
}
