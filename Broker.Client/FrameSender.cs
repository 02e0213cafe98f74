using System.Buffers;
using System.Net.WebSockets;
using Broker.Core.Protocol.Messages;
using Broker.Core.Protocol.Transfers;

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
    private TaskCompletionSource? _room;        // A caller waits until less is queued.
    private int _corks;
    private bool _isUrgent;                     // What waits leaves in spite of corks, as a caller waits for it.

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

    /// <summary>The streams that are sent between the small messages. Call <see cref="Signal"/> after a change.</summary>
    public ChunkSender Chunks => _outbox.Chunks;

    private bool IsHeld => _corks > 0 && !_isUrgent;

    /// <summary>Holds frames back until <see cref="Uncork"/> has been called as often.</summary>
    public void Cork() => _corks++;

    /// <summary>Sends what gathered.</summary>
    public void Uncork()
    {
        if (_corks > 0 && --_corks == 0) Signal();
    }

    /// <summary>Takes a message that fits a frame.</summary>
    /// <exception cref="QueueFullException">As much waits as may.</exception>
    /// <exception cref="PayloadTooLargeException">It is longer than a frame.</exception>
    public void Post(byte[] message)
    {
        ThrowIfTooLarge(message.Length, Limits.ThresholdBytes);
        if (_outbox.Post(message) != Posted.Queued) throw new QueueFullException($"Messages of {_outbox.QueuedBytes} bytes wait already.");
        Signal();
    }

    /// <summary>Takes a message that fits a frame, once there is room for it; without the lock.</summary>
    /// <param name="message">The message; it is kept.</param>
    /// <param name="isWanted">Asked under the lock, when there is room.</param>
    /// <param name="cancellationToken">Stops waiting; then nothing was sent.</param>
    /// <param name="posted">Called under the lock, with the message taken.</param>
    /// <returns>False when it is wanted no longer, or the connection has ended; then nothing was sent.</returns>
    /// <exception cref="PayloadTooLargeException">It is longer than a frame, or than the whole queue.</exception>
    public async ValueTask<bool> PostAsync(byte[] message, Func<bool> isWanted, CancellationToken cancellationToken, Action? posted = null)
    {
        ThrowIfTooLarge(message.Length, Math.Min(Limits.ThresholdBytes, _state.Options.SendBytesMax));
        while (true)
        {
            Task room;
            lock (_state.Gate)
            {
                if (_state.CloseInfo is not null || !isWanted()) return false;
                if (_outbox.Post(message) == Posted.Queued)
                {
                    posted?.Invoke();
                    Signal();
                    return true;
                }

                _room ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                room = _room.Task;
                FlushSoon();
            }

            await room.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Takes a message that the hub waits for, such as a credit or a fault: it passes the bound of what is queued, and no
    /// <see cref="Cork"/> holds it. A hub that has taken nothing for so long that even this fails loses the connection.
    /// </summary>
    public void PostControl<T>(scoped in T message)
        where T : INativeMessage<T>, allows ref struct
    {
        if (_state.CloseInfo is not null) return;
        if (_outbox.TryPostControl(NativeWriter.Message(message)))
        {
            FlushSoon();
            return;
        }

        _state.Bye ??= CloseInfo.FromCode(1006, $"The hub takes nothing: messages of {_outbox.QueuedBytes} bytes wait.");
        _socket.Abort();
    }

    /// <summary>A caller waits for what is queued, or for the answer to it: it leaves in spite of any <see cref="Cork"/>.</summary>
    public void FlushSoon()
    {
        _isUrgent = true;
        Signal();
    }

    /// <summary>Wakes the loop.</summary>
    public void Signal()
    {
        if (IsHeld) return;
        _idle?.TrySetResult();
        _idle = null;
    }

    /// <summary>The connection is gone: drops what waits, and lets the loop end.</summary>
    public void Clear()
    {
        _corks = 0;
        _outbox.Clear();
        Signal();
        SignalRoom();
    }

    /// <summary>The loop; without the lock.</summary>
    /// <returns>How the connection ended, where the socket failed under it; null where another has ended it.</returns>
    public async Task<CloseInfo?> RunAsync()
    {
        var frame = new ArrayBufferWriter<byte>(16 * 1024);
        try
        {
            while (true)
            {
                Task? idle = null;
                lock (_state.Gate)
                {
                    if (_state.CloseInfo is not null) return null;
                    if (IsHeld || !_outbox.TryFillFrame(frame))
                    {
                        _isUrgent = false;
                        _idle = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                        idle = _idle.Task;
                    }
                    else
                    {
                        SignalRoom();
                    }
                }

                if (idle is not null)
                {
                    await idle.ConfigureAwait(false);
                    continue;
                }

                await _socket.SendAsync(frame.WrittenMemory, WebSocketMessageType.Binary, endOfMessage: true, CancellationToken.None)
                    .ConfigureAwait(false);
                frame.ResetWrittenCount();
            }
        }
        catch (Exception failure)
        {
            // The receiver has the better reason, such as the hub's Close frame; if it has none, this ends the connection.
            return _socket.State is WebSocketState.Open ? CloseInfo.FromFailure(failure) : null;
        }
    }

    private static void ThrowIfTooLarge(int bytes, long most)
    {
        if (bytes > most) throw new PayloadTooLargeException($"A message of {bytes} bytes is more than may be sent in a frame: {most}.");
    }

    private void SignalRoom()
    {
        _room?.TrySetResult();
        _room = null;
    }
}
