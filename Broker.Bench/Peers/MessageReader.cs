using System.Buffers;
using System.Net.WebSockets;

namespace Broker.Bench.Peers;

/// <summary>Reads whole messages of one socket into one pooled buffer that grows to the longest of them.</summary>
internal sealed class MessageReader(WebSocket socket) : IDisposable
{
    private const int FirstBytes = 4 * 1024;
    private const int MessageBytesMax = 16 * 1024 * 1024;

    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(FirstBytes);

    /// <summary>Reads one message.</summary>
    /// <returns>
    /// Its type and its bytes, borrowed until the next read; the type is <c>Close</c> when the peer wants to close,
    /// is gone, or sent more than 16 MiB.
    /// </returns>
    public async ValueTask<(WebSocketMessageType Type, ReadOnlyMemory<byte> Bytes)> ReadAsync(CancellationToken stop)
    {
        int length = 0;
        try
        {
            while (true)
            {
                var read = await socket.ReceiveAsync(_buffer.AsMemory(length), stop);
                length += read.Count;
                if (read.EndOfMessage) return (read.MessageType, _buffer.AsMemory(0, length));
                if (length == _buffer.Length && !TryGrow()) break;
            }
        }
        catch (WebSocketException)
        {
            // The generator leaves without a closing handshake.
        }
        return (WebSocketMessageType.Close, default);
    }

    public void Dispose() => ArrayPool<byte>.Shared.Return(_buffer);

    private bool TryGrow()
    {
        if (_buffer.Length >= MessageBytesMax) return false;
        byte[] wider = ArrayPool<byte>.Shared.Rent(_buffer.Length * 2);
        _buffer.CopyTo(wider, 0);
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = wider;
        return true;
    }
}
