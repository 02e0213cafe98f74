using System.Runtime.CompilerServices;
using Broker.Reactor.Loops;
using Broker.Reactor.Sockets.Interop;

namespace Broker.Reactor.Sockets.IoUring;

/// <summary>
/// The reactor over io_uring: what a turn sends is handed over by one call, and the same call brings what has been received.
/// </summary>
/// <remarks>
/// An open connection is received from by one standing request, into buffers that all connections share. Two kinds are read
/// as the epoll reactor reads them, once for each readiness: those that are handshaking, so that the socket can still be
/// given away with nothing of it in a buffer here, and those that are not known to bring little at a time: the kernel fills a
/// standing receive with all that has come, and none shall get more of a turn than others.
/// </remarks>
internal sealed unsafe class RingReactor : SocketReactor
{
    private const byte SelectsBuffer = 1 << 5, SkipsSuccess = 1 << 6;
    private const ushort ReceivesAgainAndAgain = 1 << 1;
    private const uint PollsAgainAndAgain = 1 << 0;
    private const int DataKindShift = 56, DataSlotShift = 32;

    private const int RequestsOfAWait = 16;

    private const int CompletionsOfACall = 20;        // The kernel stops at so many, and keeps the others for the next call.
    private const int CompletionsOfATurn = 256;       // About so many, and no more calls are made for them.

    private readonly Ring _ring;
    private List<RingConnection> _waiting = [];       // For their sends to be made, so that what is behind them can leave.
    private List<RingConnection> _continuing = [];
    private List<RingConnection> _readNext = [];      // Have bytes that the kernel has told of.
    private List<RingConnection> _readNow = [];
    private uint _judged;                             // Completions before it were searched for failed sends.
    private bool _listenerWatched;
    private bool _closing;

    internal RingReactor(int number, ReactorSettings settings, IConnectionAcceptor acceptor, TimeProvider time)
        : base(number, settings, acceptor, time)
    {
        _ring = new Ring();
        Buffers = new ReceiveBuffers(_ring, settings.ScratchBytes / 2);
        Sends = new RingSends(Buffers);
        _judged = _ring.CompletionsEnd;
        PollOnce(WakeDescriptor, EpollEvents.Readable, (ulong)Kind.Wake << DataKindShift);
    }

    /// <summary>What a completion is of.</summary>
    private enum Kind : byte
    {
        Nobody,
        Wake,
        Listener,
        Receive,
        Send,
        Readable,
        Writable,
        Failure,
    }

    internal ReceiveBuffers Buffers { get; }

    internal RingSends Sends { get; }

    // A few requests are handed over by the call that waits for what comes next. Many are not: meanwhile the loop would pass for
    // asleep, and the posting thread to it would wake it.
    private protected override bool IsReadyToWait =>
        !_ring.HasCompletions && HasNothingUnderWay && _ring.RequestsPrepared <= RequestsOfAWait;

    private bool HasNothingUnderWay => _waiting.Count == 0 && _readNext.Count == 0;

    private protected override bool Poll(int waitMilliseconds)
    {
        // What the last turn's end brought is served before anything is asked for.
        if (waitMilliseconds != 0 && HasNothingUnderWay) Gather(1, waitMilliseconds);
        else if (_ring.HasRequests || (!_ring.HasCompletions && _ring.HasWork)) Gather(0, 0);

        // A deadline that is set while serving counts from now, and not from before the sleep.
        if (waitMilliseconds != 0) NoteTime();

        bool served = false;
        uint end = _ring.CompletionsEnd;
        if (Sends.HasAny) JudgeSends(end);
        _judged = end;
        (_readNow, _readNext) = (_readNext, _readNow);
        while (_ring.TryTake(end, out RingCompletion completion))
        {
            Serve(completion);
            RunCaused();
            served = true;
        }

        return ReadNow() || served;
    }

    // Who floods is read once a turn, after those who were silent.
    private bool ReadNow()
    {
        if (_readNow.Count == 0) return false;
        foreach (RingConnection connection in _readNow)
        {
            try
            {
                connection.OnTurnToRead();
            }
            catch (Exception failure)
            {
                Fail(connection, failure);
            }

            RunCaused();
        }

        _readNow.Clear();
        return true;
    }

    // Hands over what is prepared, and takes everyone who is ready: served a few at a time, each few would wait for what the few
    // before them caused to be sent.
    private void Gather(uint completionsMin, int waitMilliseconds)
    {
        uint before = _ring.CompletionsEnd;
        _ring.Enter(completionsMin, waitMilliseconds);
        while (_ring.CompletionsEnd - before >= CompletionsOfACall && _ring.CompletionsWaiting < CompletionsOfATurn)
        {
            before = _ring.CompletionsEnd;
            _ring.Enter(0, 0);
        }
    }

    // Only a send that failed, or was cut short, has a completion. It is looked at before all others: a connection that goes on to
    // receive must know whether its next reply can leave.
    private void JudgeSends(uint end)
    {
        uint submitted = _ring.Submitted;
        bool overflown = _ring.HasOverflow;
        for (; _judged != end; _judged++)
        {
            RingCompletion completion = _ring.Peek(_judged);
            if ((Kind)(completion.Data >> DataKindShift) == Kind.Send) ServeConnection(completion);
        }

        // What the kernel has no room for is not seen yet.
        if (overflown) return;
        Sends.Settle(submitted);
        (_waiting, _continuing) = (_continuing, _waiting);
        foreach (RingConnection connection in _continuing) Continue(connection);
        _continuing.Clear();
    }

    private void Continue(RingConnection connection)
    {
        try
        {
            connection.OnSent();
        }
        catch (Exception failure)
        {
            Fail(connection, failure);
        }
    }

    private void Fail(RingConnection connection, Exception failure)
    {
        Report(failure);
        connection.Abort(ClosureCause.SessionFailed, failure.Message);
    }

    private void Serve(in RingCompletion completion)
    {
        switch ((Kind)(completion.Data >> DataKindShift))
        {
            case Kind.Wake:
                ClearWake();
                PollOnce(WakeDescriptor, EpollEvents.Readable, completion.Data);
                break;
            case Kind.Listener:
                if (completion.Result >= 0) AcceptReady();
                break;
            case Kind.Nobody:
            case Kind.Send:    // Judged before.
                break;
            default:
                ServeConnection(completion);
                break;
        }
    }

    private void AcceptReady()
    {
        _listenerWatched = false;
        Accept();
        if (Listener is not null && !IsAcceptPaused) WatchListener(Listener);
    }

    private void ServeConnection(in RingCompletion completion)
    {
        int start = completion.HasBuffer ? Buffers.Take(completion.Buffer, Math.Max(0, completion.Result), completion.BufferGoesOn) : 0;
        if (Table.TryFind((int)(completion.Data >> DataSlotShift) & 0xff_ffff, (uint)completion.Data, out Connection? found))
        {
            var connection = Unsafe.As<RingConnection>(found);
            try
            {
                switch ((Kind)(completion.Data >> DataKindShift))
                {
                    case Kind.Receive: connection.OnReceived(completion, start); break;
                    case Kind.Send: connection.OnCutShort(completion.Result); break;
                    case Kind.Readable: connection.OnReadable(completion); break;
                    case Kind.Writable: connection.OnPolledWritable(); break;
                    default: connection.OnFailurePolled(completion.Result); break;
                }
            }
            catch (Exception failure)
            {
                Fail(connection, failure);
            }
        }

        if (completion.HasBuffer) Buffers.Release(completion.Buffer);
    }

    private protected override void FlushCloses() => Submit();

    private protected override void OnTurnEnded()
    {
        // The next turn begins with a call anyway.
        if (_ring.HasRequests && !TurnFollows) Submit();
    }

    private protected override SocketConnection Make(int descriptor, ConnectionId id) => new RingConnection(this, descriptor, id);

    private protected override void WatchListener(ListeningSocket listener)
    {
        if (_listenerWatched) return;
        _listenerWatched = true;
        PollOnce(listener.Descriptor, EpollEvents.Readable, (ulong)Kind.Listener << DataKindShift);
    }

    internal override void UnwatchListener(ListeningSocket listener)
    {
        if (!_listenerWatched) return;
        _listenerWatched = false;
        Cancel((ulong)Kind.Listener << DataKindShift);
        Submit();
    }

    /// <summary>Receives from an open connection until it is cancelled or fails.</summary>
    internal void Receive(RingConnection connection)
    {
        RingRequest* request = _ring.Prepare();
        request->Operation = RingOperation.Receive;
        request->Flags = SelectsBuffer;
        request->Priority = ReceivesAgainAndAgain;
        request->Descriptor = connection.Descriptor;
        request->BufferGroup = ReceiveBuffers.Group;
        request->Data = Data(Kind.Receive, connection);
    }

    /// <summary>Ends the receive; it completes once more.</summary>
    internal void CancelReceive(RingConnection connection) => Cancel(Data(Kind.Receive, connection));

    /// <summary>Ends the wait for bytes; it completes once more.</summary>
    internal void CancelReadable(RingConnection connection) => Cancel(Data(Kind.Readable, connection));

    /// <summary>Ends the wait for room; it completes once more.</summary>
    internal void CancelWritable(RingConnection connection) => Cancel(Data(Kind.Writable, connection));

    /// <summary>Ends the wait for a failure; it completes once more.</summary>
    internal void CancelFailure(RingConnection connection) => Cancel(Data(Kind.Failure, connection));

    // By its data, which the kernel finds at once: for a descriptor it looks at the requests of every connection.
    private void Cancel(ulong data)
    {
        RingRequest* request = _ring.Prepare();
        request->Operation = RingOperation.AsyncCancel;
        request->Flags = SkipsSuccess;
        request->Address = data;
    }

    /// <summary>Sends what the socket takes without blocking. If that is not all, the connection is told; else no one is.</summary>
    /// <param name="connection">Whose socket.</param>
    /// <param name="start">Pinned, and held by <see cref="Sends"/> as the next that it is notified of.</param>
    /// <param name="length">Bytes.</param>
    /// <returns>The mark for <see cref="Sends"/>.</returns>
    internal uint Send(RingConnection connection, byte* start, int length)
    {
        // To wait for all makes less than all a failure (so that it is told), and not to wait lets it be less.
        RingRequest* request = _ring.Prepare();
        request->Operation = RingOperation.Send;
        request->Flags = SkipsSuccess;
        request->Descriptor = connection.Descriptor;
        request->Address = (ulong)start;
        request->Length = (uint)length;
        request->OperationFlags = Libc.NoSignal | Libc.DontWait | Libc.WaitAll;
        request->Data = Data(Kind.Send, connection);
        return _ring.Mark;
    }

    /// <summary>Lets a connection go on once its send is made.</summary>
    internal void ContinueAfterSend(RingConnection connection) => _waiting.Add(connection);

    /// <summary>Hands over what is prepared.</summary>
    internal void Submit() => _ring.Enter(0, 0);

    /// <summary>Waits for bytes or an end.</summary>
    /// <param name="connection">Whose socket.</param>
    /// <param name="again">Completes whenever more come, until it is cancelled or fails; what is there and not read is told once.</param>
    internal void PollReadable(RingConnection connection, bool again)
    {
        RingRequest* request = _ring.Prepare();
        request->Operation = RingOperation.PollAdd;
        request->Descriptor = connection.Descriptor;
        request->Length = again ? PollsAgainAndAgain : 0;
        request->OperationFlags = (uint)(EpollEvents.Readable | EpollEvents.PeerEnd);
        request->Data = Data(Kind.Readable, connection);
    }

    /// <summary>Lets a connection read in the next turn, which is not waited for.</summary>
    internal void ReadNext(RingConnection connection) => _readNext.Add(connection);

    internal void PollWritable(RingConnection connection) =>
        PollOnce(connection.Descriptor, EpollEvents.Writable, Data(Kind.Writable, connection));

    /// <summary>
    /// Waits for nothing but the socket's end by an error, which the kernel reports to the caller that waits for anything.
    /// </summary>
    internal void PollFailure(RingConnection connection) =>
        PollOnce(connection.Descriptor, EpollEvents.None, Data(Kind.Failure, connection));

    /// <summary>Closes a descriptor behind all that was prepared before.</summary>
    internal void Close(int descriptor)
    {
        // Once the loop has ended, its thread may be gone, and no other can hand anything over.
        if (_closing)
        {
            if (_ring.HasRequests) Submit();
            _ = Libc.Close(descriptor);
            return;
        }

        RingRequest* request = _ring.Prepare();
        request->Operation = RingOperation.Close;
        request->Flags = SkipsSuccess;
        request->Descriptor = descriptor;
    }

    private void PollOnce(int descriptor, EpollEvents events, ulong data)
    {
        RingRequest* request = _ring.Prepare();
        request->Operation = RingOperation.PollAdd;
        request->Descriptor = descriptor;
        request->OperationFlags = (uint)events;
        request->Data = data;
    }

    private static ulong Data(Kind kind, RingConnection connection) =>
        ((ulong)kind << DataKindShift) | ((ulong)connection.Id.Slot << DataSlotShift) | connection.Id.Generation;

    /// <inheritdoc />
    public override void Dispose()
    {
        _closing = true;
        base.Dispose();
    }

    private protected override void CloseBackend()
    {
        Submit();
        _ring.Dispose();
        Sends.Settle(_ring.Mark);
        Buffers.Dispose();
    }
}
