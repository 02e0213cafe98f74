using System.Buffers;
using System.Net;
using Broker.Core.Framing;
using Broker.Reactor.Loops;

namespace Broker.Reactor.Pipes;

/// <summary>A connection whose bytes another server carries: TLS, HTTP/2, a Unix socket, or any stream.</summary>
/// <remarks>
/// <para>A read waits without a buffer until there is something; then, on the loop, it reads into a rented one, in which the
/// turn runs. A write is copied once, so that the turn's buffer and the queue are free again; while it is under way nothing
/// else is written, and the queue fills.</para>
/// <para>Reads and writes complete on other threads. These only note it and post; all else is the loop's.</para>
/// </remarks>
internal sealed class PipeConnection : Connection
{
    private const int SendBytesMax = 64 * 1024;

    // Where no side can be ended alone: for what the client has sent behind its last word, and what would answer it with a reset.
    private static readonly TimeSpan s_moment = TimeSpan.FromMilliseconds(50);

    private static readonly Action<object> s_readable = static connection =>
        ((PipeConnection)connection).Guard(static self => self.OnReadable());
    private static readonly Action<object> s_sent = static connection => ((PipeConnection)connection).Guard(static self => self.OnSent());
    private static readonly Action<object> s_flush = static connection =>
        ((PipeConnection)connection).Guard(static self => self.FlushIfIdle());

    private readonly ICarrier _carrier;
    private readonly CancellationTokenSource _gone = new();
    private readonly TaskCompletionSource<bool> _released;
    private int _users = 1;         // The connection, and each read and write under way; the last one releases the carrier.
    private bool _asking;           // A read is under way, with a buffer or without.
    private bool _readable;         // There is something to read, and no one wanted it yet.
    private byte[]? _read;          // What a read has brought that did not complete at once,
    private int _readLength;        // and its length.
    private bool _sending;          // A write is under way.
    private volatile string? _readFailure;
    private volatile string? _sendFailure;
    private bool _sendingEnds;      // Our side ends as soon as nothing is on its way.
    private bool _sendingEnded;     // It has.
    private bool _sawFinalClose;    // The client has answered or begun the closing handshake.
    private bool _peerEnded;

    internal PipeConnection(EventLoop loop, ConnectionId id, ICarrier carrier, TaskCompletionSource<bool> released)
        : base(loop, id)
    {
        _carrier = carrier;
        _released = released;
    }

    public override IPEndPoint Remote => _carrier.Remote;

    public override MessageInbox? Inbox => _carrier.Inbox;

    internal void Open(CarriedOpening opening) =>
        SetOpen(new FrameEngine(
            opening.Endpoint.EngineAtFirst ?? opening.Endpoint.Engine, Loop.Pool, opening.Deflate is { } terms
                ? new MessageDeflate(terms, opening.Policy!, Loop.Deflate) : null), opening.Endpoint, opening.Subprotocol.Supported,
                response: default);

    private bool MayRead => WantsRead && !IsOverReadMark;

    private void Guard(Action<PipeConnection> step)
    {
        try
        {
            step(this);
        }
        catch (Exception failure)
        {
            Loop.Report(failure);
            Abort(ClosureCause.SessionFailed, failure.Message);
        }
    }

    // Asks to be notified when there is something to read; at most one asks at a time.
    private void Ask()
    {
        if (_asking || !MayRead) return;
        if (_readable)
        {
            // Not at once: the requester may be in a turn of this very connection.
            _asking = true;
            Loop.Post(s_readable, this);
            return;
        }

        _asking = true;
        AddRef();
        _ = AskAsync();
    }

    private async Task AskAsync()
    {
        try
        {
            ValueTask<int> ready = _carrier.Frames.ReadAsync(Memory<byte>.Empty, _gone.Token);

            // A connection that always has more goes round by way of the pool, so that it does not keep the loop from others.
            if (ready.IsCompleted) await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            await ready.ConfigureAwait(false);
        }
        catch (Exception failure)
        {
            _readFailure = failure.Message;
        }

        Release();
        Loop.Post(s_readable, this);
    }

    private void OnReadable()
    {
        _asking = false;
        if (State == ConnectionState.Closed)
        {
            ReturnRead();
        }
        else if (_readFailure is { } failure)
        {
            OnSocketFailed(failure);
        }
        else if (_read is { } read)
        {
            _read = null;
            OnRead(read, _readLength);
        }
        else
        {
            _readable = true;
            if (MayRead) Read();
        }
    }

    private void Read()
    {
        _readable = false;
        byte[] buffer = ArrayPool<byte>.Shared.Rent(Loop.Settings.ScratchBytes);
        ValueTask<int> read = _carrier.Frames.ReadAsync(buffer, _gone.Token);
        if (read.IsCompletedSuccessfully)
        {
            OnRead(buffer, read.Result);
            return;
        }

        // Nothing was there after all, or it failed; either is told on the usual way.
        _asking = true;
        AddRef();
        _ = AwaitReadAsync(read, buffer);
    }

    private async Task AwaitReadAsync(ValueTask<int> read, byte[] buffer)
    {
        try
        {
            _readLength = await read.ConfigureAwait(false);
            _read = buffer;
        }
        catch (Exception failure)
        {
            ArrayPool<byte>.Shared.Return(buffer);
            _readFailure = failure.Message;
        }

        Release();
        Loop.Post(s_readable, this);
    }

    private void OnRead(byte[] buffer, int length)
    {
        try
        {
            if (length == 0)
            {
                _peerEnded = true;
                OnEndOfStream();
                return;
            }

            bool isFinalClose = TrailingClose.IsClose(buffer.AsSpan(0, length));
            if (State != ConnectionState.Lingering) Receive(buffer, 0, length);
            if (State == ConnectionState.Lingering && (isFinalClose || Engine is { State: FrameEngineState.PeerClosed })) ReadFinalClose();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        Ask();
    }

    private void ReadFinalClose()
    {
        if (_sawFinalClose) return;
        _sawFinalClose = true;
        EndInAMoment();
    }

    // Both have sent their last word, but only both sides can be ended, so what is still on its way is read before.
    private void EndInAMoment()
    {
        if (_sendingEnded && _sawFinalClose && !_carrier.CanEndSending) SetTransportDue(s_moment);
    }

    private void ReturnRead()
    {
        if (_read is not { } read) return;
        _read = null;
        ArrayPool<byte>.Shared.Return(read);
    }

    internal override int TrySend(ReadOnlySpan<byte> bytes)
    {
        if (_sending) return 0;
        int length = Math.Min(bytes.Length, SendBytesMax);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(length);
        bytes[..length].CopyTo(buffer);
        return Send(buffer, length);
    }

    internal override int TrySend(in OutboundQueue queue)
    {
        Outbound.LastOffered = 0;
        if (_sending) return 0;
        byte[] buffer = ArrayPool<byte>.Shared.Rent(Math.Min(queue.Bytes, SendBytesMax));
        Span<(byte[] Array, int Start, int Length)> segments = Loop.Segments;
        int count = queue.CopyTo(segments);
        int length = 0;
        foreach ((byte[] array, int start, int segmentLength) in segments[..count])
        {
            int taken = Math.Min(segmentLength, buffer.Length - length);
            array.AsSpan(start, taken).CopyTo(buffer.AsSpan(length));
            length += taken;
            if (taken < segmentLength) break;
        }

        Outbound.LastOffered = length;
        return Send(buffer, length);
    }

    // Whatever the stream makes of it, it has taken the bytes; what it has not yet passed on keeps the next ones waiting.
    private int Send(byte[] buffer, int length)
    {
        try
        {
            ValueTask write = _carrier.Frames.WriteAsync(buffer.AsMemory(0, length), _gone.Token);
            if (!write.IsCompleted)
            {
                _sending = true;
                AddRef();
                _ = AwaitWriteAsync(write, buffer);
                return length;
            }

            write.GetAwaiter().GetResult();
        }
        catch (Exception failure)
        {
            ArrayPool<byte>.Shared.Return(buffer);
            OnSocketFailed(failure.Message);
            return -1;
        }

        ArrayPool<byte>.Shared.Return(buffer);
        return length;
    }

    private async Task AwaitWriteAsync(ValueTask write, byte[] buffer)
    {
        try
        {
            await write.ConfigureAwait(false);
            ArrayPool<byte>.Shared.Return(buffer);
        }
        catch (Exception failure)
        {
            // Not returned: who knows whether a stream that failed still looks at it.
            _sendFailure = failure.Message;
        }

        Release();
        Loop.Post(s_sent, this);
    }

    private void OnSent()
    {
        _sending = false;
        if (State == ConnectionState.Closed) return;
        if (_sendFailure is { } failure)
        {
            OnSocketFailed(failure);
            return;
        }

        Outbound.Flush(this);
        if (State == ConnectionState.Closed) return;
        if (_sendingEnds) EndSending();
        Ask();
    }

    private void FlushIfIdle()
    {
        if (!_sending && State != ConnectionState.Closed) Outbound.Flush(this);
    }

    // A write under way ends the wait by its end; without one, more than one write takes was offered. Whichever of them ends it,
    // the client may have been left unread meanwhile.
    internal override void OnBlockedChanged(bool blocked)
    {
        if (!blocked) Ask();
        else if (!_sending) Loop.Post(s_flush, this);
    }

    private protected override void ShutdownSend()
    {
        _sendingEnds = true;
        if (!_sending) EndSending();
    }

    private void EndSending()
    {
        if (_sendingEnded || _sending) return;
        _sendingEnded = true;
        if (_carrier.CanEndSending)
        {
            AddRef();
            _ = EndSendingAsync();
        }

        EndInAMoment();
    }

    private async Task EndSendingAsync()
    {
        try
        {
            await _carrier.EndSendingAsync().ConfigureAwait(false);
        }
        catch (Exception failure)
        {
            _sendFailure = failure.Message;
            Loop.Post(s_sent, this);
        }

        Release();
    }

    private protected override void OnAttached() => Ask();

    private protected override void OnReadingChanged() => Ask();

    private protected override void OnHandshakeLate()
    {
    }

    private protected override void OnAnnounced(Closure closure)
    {
        Loop.Announce(this, closure);

        // One that ends before its handler came must still receive the client's answer.
        if (State != ConnectionState.Closed) Ask();
    }

    private protected override void CloseSocket()
    {
        Loop.Remove(this);

        // What was handed over still leaves when the carrier is released; an end in disorder leaves nothing.
        if (_sending || !(_sendingEnded || _peerEnded)) _carrier.Abort();
        if (!_asking) ReturnRead();
        _ = _gone.CancelAsync();
        Release();
    }

    private void AddRef() => Interlocked.Increment(ref _users);

    private void Release()
    {
        if (Interlocked.Decrement(ref _users) == 0) _released.TrySetResult(true);
    }
}
