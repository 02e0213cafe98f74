using System.Buffers;
using System.Net.WebSockets;
using Broker.Core.Chunks;
using Broker.Core.Native;

namespace Broker.Client;

/// <summary>What one connection sends: a queue, and a loop that empties it into the socket frame by frame.</summary>
/// <remarks>While a frame is being sent, whatever is posted gathers for the next: nothing is delayed to be grouped.</remarks>
internal sealed class FrameSender
{
    private const int SmallMessagesMax = 65_536;

    private readonly ConnectionState _state;
    private readonly ClientWebSocket _socket;
    private readonly Outbox _outbox;
    private TaskCompletionSource? _idle;        // The loop waits for something to send.
    private int _corks;

    public FrameSender(ConnectionState state, ClientWebSocket socket, Agreement agreement)
    {
        _state = state;
        _socket = socket;
        int capBytes = Math.Min(OutboundBatcher.ClientCapBytes, agreement.Limits.FrameBytesMax);
        Limits = ChunkLimits.For(agreement.Limits);
        _outbox = new Outbox(agreement.IsBatched, capBytes, Limits, state.Options.SendBytesMax, SmallMessagesMax);
    }

    /// <summary>What the hub takes.</summary>
    public ChunkLimits Limits { get; }

    /// <summary>The streams that are sent between the small messages. Say <see cref="Signal"/> after a change.</summary>
    public ChunkSender Chunks => _outbox.Chunks;

    /// <summary>Holds frames back until <see cref="Uncork"/> was said as often.</summary>
    public void Cork() => _corks++;

    /// <summary>Sends what gathered.</summary>
    public void Uncork()
    {
        if (_corks > 0 && --_corks == 0) Signal();
    }

    /// <summary>Takes a message that fits a frame.</summary>
    /// <exception cref="QueueFullException">As much waits as may.</exception>
    public void Post(byte[] message)
    {
        if (_outbox.Post(message) != Posted.Queued) throw new QueueFullException($"Messages of {_outbox.QueuedBytes} bytes wait already.");
        Signal();
    }

    /// <summary>Takes a message that only tidies up: it may be lost when the queue is full, as it has its own bound over there.</summary>
    public void TryPost<T>(scoped in T message)
        where T : INativeMessage<T>, allows ref struct
    {
        if (_state.Ending is null && _outbox.Post(NativeWriter.Message(message)) == Posted.Queued) Signal();
    }

    /// <summary>Wakes the loop.</summary>
    public void Signal()
    {
        if (_corks > 0) return;
        _idle?.TrySetResult();
        _idle = null;
    }

    /// <summary>The connection is gone: forgets what waits, and lets the loop end.</summary>
    public void Clear()
    {
        _corks = 0;
        _outbox.Clear();
        Signal();
    }

    /// <summary>The loop; without the lock.</summary>
    /// <returns>How the connection ended, where the socket failed under it; null where another has ended it.</returns>
    public async Task<Ending?> RunAsync()
    {
        var frame = new ArrayBufferWriter<byte>(16 * 1024);
        try
        {
            while (true)
            {
                Task? idle = null;
                lock (_state.Gate)
                {
                    if (_state.Ending is not null) return null;
                    if (_corks > 0 || !_outbox.TryFillFrame(frame))
                    {
                        _idle = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                        idle = _idle.Task;
                    }
                }

                if (idle is not null)
                {
                    await idle.ConfigureAwait(false);
                    continue;
                }

                await _socket.SendAsync(frame.WrittenMemory, WebSocketMessageType.Binary, endOfMessage: true, CancellationToken.None).ConfigureAwait(false);
                frame.ResetWrittenCount();
            }
        }
        catch (Exception failure)
        {
            // What the reader finds says more, such as the hub's Close frame; if it finds nothing, this ends it.
            return _socket.State is WebSocketState.Open ? Ending.OfFailure(failure) : null;
        }
    }
}
