using System.Net.WebSockets;
using System.Threading.Channels;

namespace Broker.Bench.Peers;

/// <summary>One subscriber of <see cref="KestrelHub"/>: a bounded queue, and the loop that empties it into the socket.</summary>
internal sealed class HubSubscriber(WebSocket socket)
{
    private const int QueueMessagesMax = 256;

    private readonly Channel<HubMessage> _queue = Channel.CreateBounded<HubMessage>(
        new BoundedChannelOptions(QueueMessagesMax) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });

    public bool TryQueue(HubMessage message) => _queue.Writer.TryWrite(message);

    /// <summary>Waits for room; a subscriber that has left takes nothing and holds no one up.</summary>
    public async ValueTask QueueAsync(HubMessage message, CancellationToken stop)
    {
        while (await _queue.Writer.WaitToWriteAsync(stop))
        {
            if (_queue.Writer.TryWrite(message)) return;
        }
    }

    public void Complete() => _queue.Writer.TryComplete();

    /// <summary>Runs until <see cref="Complete"/>, or until the socket takes no more.</summary>
    public async Task WriteAsync(CancellationToken stop)
    {
        try
        {
            while (await _queue.Reader.WaitToReadAsync(stop))
            {
                while (_queue.Reader.TryRead(out HubMessage message))
                    await socket.SendAsync(message.Bytes.AsMemory(), message.Type, endOfMessage: true, stop);
            }
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException or ObjectDisposedException)
        {
            Complete();
        }
    }
}
