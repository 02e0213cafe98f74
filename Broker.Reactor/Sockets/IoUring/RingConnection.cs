using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Broker.Core.Buffers;
using Broker.Reactor.Loops;
using Broker.Reactor.Sockets.Interop;

namespace Broker.Reactor.Sockets.IoUring;

/// <summary>A connection whose socket is served by requests in an io_uring.</summary>
/// <remarks>
/// One send is on its way at a time. It is prepared when bytes are written, made when the turn's requests are handed over,
/// and judged when the next turn begins; until then nothing else of the connection is sent.
/// </remarks>
internal sealed unsafe class RingConnection : SocketConnection
{
    private const int NoBuffer = -1;
    private const int LittleBytes = 12 * 1024;    // After so many reads in a row of no more, there is a standing receive,
    private const int LittleReads = 8;            // until
    private const int MuchBytes = 16 * 1024;      // one brings so much.

    private readonly RingReactor _reactor;
    private Asked _receiving;
    private Asked _polling;           // For its readiness, while it is not received from.
    private bool _writablePolled;
    private bool _failurePolled;
    private bool _metered = true;     // It is read once a turn at most, into the loop's scratch.
    private int _littleReads;         // While metered: how many in a row.
    private bool _unread;             // While metered: it was notified of bytes that it has not read, and is not notified again.
    private bool _endReported;            // The client's end stands behind them.
    private bool _readsNext;          // It is read in the turn that comes.
    private bool _endHeld;            // The client's end came behind bytes that are still held.
    private bool _awaitsSend;         // It is told when its send is made.
    private long _sending;            // The number of the last send,
    private int _sendingStart;        // and its bytes, in what the loop holds for it.
    private int _sendingLength;
    private int _turnBuffer = NoBuffer;       // The receive buffer of the turn at hand.

    internal RingConnection(RingReactor reactor, int descriptor, ConnectionId id)
        : base(reactor, descriptor, id) => _reactor = reactor;

    private enum Asked : byte
    {
        Nothing,
        Standing,
        Cancelled,
    }

    internal override void Watch() => WatchReading();

    private protected override void WatchReading()
    {
        if (State == ConnectionState.Closed) return;
        if (IsReadByReadiness) WatchReadiness();
        else WatchBytes();
    }

    private bool IsReadByReadiness => State == ConnectionState.Handshaking || _metered;

    private void WatchReadiness()
    {
        if (_unread)
        {
            ReadNext();
            return;
        }

        if (_receiving != Asked.Nothing || _polling != Asked.Nothing) return;
        _polling = Asked.Standing;

        // One that is handshaking may be given away, with nothing of it left in the ring.
        _reactor.PollReadable(this, again: State != ConnectionState.Handshaking);
        if (_failurePolled) _reactor.CancelFailure(this);
        AssertInvariant();
    }

    private void WatchBytes()
    {
        if (_polling == Asked.Standing)
        {
            _polling = Asked.Cancelled;
            _reactor.CancelReadable(this);
        }

        if (_receiving != Asked.Nothing || _polling != Asked.Nothing) return;
        _unread = false;
        _receiving = Asked.Standing;
        _reactor.Receive(this);
        if (_failurePolled) _reactor.CancelFailure(this);
        AssertInvariant();
    }

    // It is received from or polled, never both; and what it sends lies within what the loop holds for it.
    [Conditional("DEBUG")]
    private void AssertInvariant()
    {
        Debug.Assert(_receiving != Asked.Standing || _polling != Asked.Standing);
        Debug.Assert(_sendingStart >= 0 && _sendingLength >= 0);
    }

    // While nothing is received, a reset is still learned of.
    private void WatchFailure()
    {
        if (_failurePolled || IsWatched || State == ConnectionState.Closed) return;
        _failurePolled = true;
        _reactor.PollFailure(this);
    }

    internal void OnFailurePolled(int result)
    {
        _failurePolled = false;
        if (result > 0) OnSocketFailed("The socket failed while nothing was read from it.");
        else WatchFailure();
    }

    private bool IsWatched => _receiving == Asked.Standing || _polling == Asked.Standing;

    /// <summary>The socket has bytes, an end or an error; or it is not waited for any more.</summary>
    /// <remarks>What is there when this is sent is not said again: it has to be remembered until it is read.</remarks>
    internal void OnReadable(in RingCompletion completion)
    {
        if (!completion.GoesOn) _polling = Asked.Nothing;
        if (completion.Result > 0 && IsReadByReadiness)
        {
            var events = (EpollEvents)completion.Result;
            _unread = true;
            _endReported |= (events & (EpollEvents.PeerEnd | EpollEvents.Error | EpollEvents.HangUp)) != 0;
            if (_readsNext) return;
            if (MayRead) ReadOnce();
            else if ((events & (EpollEvents.Error | EpollEvents.HangUp)) != 0)
                OnSocketFailed("The socket failed while nothing was read from it.");
        }

        if (MayRead) OnReadingChanged();
        else WatchFailure();
    }

    private void ReadOnce()
    {
        int bytes = Read();

        // A read that does not fill the scratch has taken all there was, but for an end. One that failed is tried again.
        _unread = bytes == _reactor.Scratch.Length || (bytes > 0 && _endReported) || (bytes < 0 && bytes != -(int)Errno.TryAgain);
        Meter(bytes);
    }

    private void ReadNext()
    {
        if (_readsNext) return;
        _readsNext = true;
        _reactor.ReadNext(this);
    }

    /// <summary>Its turn to be read has come, without a word from the kernel.</summary>
    internal void OnTurnToRead()
    {
        _readsNext = false;
        if (_unread && MayRead && IsReadByReadiness) ReadOnce();
        if (MayRead) OnReadingChanged();
        else WatchFailure();
    }

    // A client that may bring much at once is read at most one scratch a turn.
    private void Meter(int bytes)
    {
        if (bytes <= 0 || State == ConnectionState.Handshaking) return;
        if (!_metered)
        {
            if (bytes < MuchBytes) return;
            _metered = true;
            _littleReads = 0;
            StopReceiving();
        }
        else
        {
            _littleReads = bytes <= LittleBytes ? _littleReads + 1 : 0;
            _metered = _littleReads < LittleReads;
        }
    }

    /// <summary>The standing receive has brought bytes, an end or an error.</summary>
    internal void OnReceived(in RingCompletion completion, int start)
    {
        if (!completion.GoesOn) _receiving = Asked.Nothing;
        Meter(completion.Result);
        if (completion.Result > 0) OnBytes(completion.Buffer, start, completion.Result);
        else if (completion.Result == 0) OnEnd();
        else OnFailedCall((Errno)(-completion.Result));

        // Out of buffers, or cancelled and wanted again.
        if (_receiving == Asked.Nothing && MayRead) OnReadingChanged();
    }

    private void OnBytes(int buffer, int start, int length)
    {
        if (State == ConnectionState.Lingering) return;
        byte[] array = _reactor.Buffers[buffer];
        if (!MayRead)
        {
            Keep(array.AsSpan(start, length));
            StopReceiving();
            return;
        }

        _turnBuffer = buffer;
        Receive(array, start, length);
        _turnBuffer = NoBuffer;
    }

    private void OnEnd()
    {
        if (HasHeld && State is ConnectionState.Open or ConnectionState.Closing) _endHeld = true;
        else OnEndOfStream();
    }

    private void StopReceiving()
    {
        if (_receiving != Asked.Standing) return;
        _receiving = Asked.Cancelled;
        _reactor.CancelReceive(this);
        WatchFailure();
    }

    private protected override void OnKeptRead()
    {
        if (HasHeld || !_endHeld) OnReadingChanged();
        else OnEndOfStream();
    }

    internal override int TrySendReplies(ReadOnlySpan<byte> frames)
    {
        // Only what lies in the receive buffer stays there; the turn returns a buffer of the pool at its end.
        ref byte start = ref MemoryMarshal.GetReference(frames);
        if (_turnBuffer == NoBuffer || !LiesIn(_reactor.Buffers[_turnBuffer], ref start)) return TrySend(frames);
        _sendingStart = (int)Unsafe.ByteOffset(ref MemoryMarshal.GetArrayDataReference(_reactor.Buffers[_turnBuffer]), ref start);
        _sending = _reactor.Sends.Begin(_turnBuffer, StartSend((byte*)Unsafe.AsPointer(ref start), frames.Length));
        return frames.Length;
    }

    private static bool LiesIn(byte[] array, ref byte start)
    {
        nint offset = Unsafe.ByteOffset(ref MemoryMarshal.GetArrayDataReference(array), ref start);
        return offset >= 0 && offset < array.Length;
    }

    internal override int TrySend(SharedBytes bytes, int start)
    {
        int length = bytes.Length - start;
        _sendingStart = start;
        _sending = _reactor.Sends.Begin(
            bytes, StartSend((byte*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(bytes.Array)) + start, length));
        return length;
    }

    internal override int TrySendFirst(in OutboundQueue queue) =>
        queue.HasSeveral ? TrySend(in queue) : TrySend(queue.FrontBytes!, queue.FrontStart);

    private uint StartSend(byte* start, int length)
    {
        _sendingLength = length;
        return _reactor.Send(this, start, length);
    }

    internal override bool IsSending => _reactor.Sends.IsUnderWay(_sending);

    internal override void AwaitSend()
    {
        if (_awaitsSend) return;
        _awaitsSend = true;
        _reactor.ContinueAfterSend(this);
    }

    /// <summary>The send has been made.</summary>
    internal void OnSent()
    {
        _awaitsSend = false;
        if (State != ConnectionState.Closed) Outbound.ContinueAfterSend(this);
    }

    /// <summary>The send has been made in part, or not at all.</summary>
    /// <param name="result">Bytes that the socket took, or an error as a negative number.</param>
    internal void OnCutShort(int result)
    {
        int sent = Math.Max(result, 0);
        if (sent < _sendingLength)
        {
            SharedBytes? shared = _reactor.Sends.AddRefBytes(_sending);
            if (shared is not null) Outbound.KeepUnsent(this, shared, _sendingStart + sent);
            else Outbound.KeepUnsent(this, CopyOfRest(sent), 0);
        }

        _sending = 0;
        if (result < 0) OnFailedCall((Errno)(-result));
    }

    private SharedBytes CopyOfRest(int sent)
    {
        ReadOnlySpan<byte> bytes = _reactor.Sends.BufferOf(_sending).AsSpan(_sendingStart + sent, _sendingLength - sent);
        SharedBytes copy = SharedBytes.Rent(_reactor.Pool, bytes.Length);
        copy.Append(bytes);
        return copy;
    }

    internal override void OnBlockedChanged(bool blocked)
    {
        if (!blocked || _writablePolled) return;
        _writablePolled = true;
        _reactor.PollWritable(this);
    }

    internal void OnPolledWritable()
    {
        _writablePolled = false;
        OnWritable();
        if (IsBlocked) OnBlockedChanged(blocked: true);
    }

    // What was written before the end still leaves: the close is handed over behind it.
    private protected override void Unwatch()
    {
        if (_receiving != Asked.Nothing) _reactor.CancelReceive(this);
        if (_polling != Asked.Nothing) _reactor.CancelReadable(this);
        if (_writablePolled) _reactor.CancelWritable(this);
        if (_failurePolled) _reactor.CancelFailure(this);
    }

    private protected override void CloseDescriptor() => _reactor.Close(Descriptor);
}
