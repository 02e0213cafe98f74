using System.Net;
using System.Runtime.CompilerServices;
using Broker.Core.Buffers;
using Broker.Core.Framing;
using Broker.Reactor.Loops;
using Broker.Reactor.Sockets.Interop;

namespace Broker.Reactor.Sockets;

/// <summary>A connection over a TCP socket that its reactor watches; how it is watched is the backend's.</summary>
internal abstract unsafe class SocketConnection : Connection
{
    private const int VectorsMax = 32;

    private static readonly TimeSpan s_spareLimit = TimeSpan.FromSeconds(1);

    private readonly SocketReactor _reactor;
    private byte[]? _held;          // What came before the handler: part of the head, or frames behind it.
    private int _heldLength;
    private IPEndPoint? _remote;    // Where the system does not know it: of a client behind a proxy, and after the end.
    private bool _isTakenOut;

    private protected SocketConnection(SocketReactor reactor, int descriptor, ConnectionId id)
        : base(reactor, id)
    {
        _reactor = reactor;
        Descriptor = descriptor;
        SetTransportDue(reactor.Settings.HandshakeLimit);
    }

    // Rarely asked for, and 72 bytes: too much to keep for each idle client.
    public override IPEndPoint Remote => _remote ?? SocketAddress.Peer(Descriptor);

    /// <summary>Bytes of the PROXY header that came before the request; 0 until it is whole, and where there is none.</summary>
    internal int PreambleBytes { get; private set; }

    internal int Descriptor { get; }

    /// <summary>Whether its descriptor is one of the reserve: it is answered at once and closed.</summary>
    internal bool IsSpare { get; private set; }

    /// <summary>Where its loop lists it, while it is handshaking or a spare.</summary>
    internal LinkedListNode<HandshakeList.Entry>? Place { get; set; }

    /// <summary>Whether what comes is read now. Frames that came with the request are read before those that came later.</summary>
    private protected bool MayRead => WantsRead && !IsOverReadMark && (_held is null || State == ConnectionState.Handshaking);

    /// <summary>Bytes wait that have been received and not read.</summary>
    private protected bool HasHeld => _held is not null;

    /// <summary>The socket takes bytes again.</summary>
    private protected void OnWritable()
    {
        Outbound.Flush(this);
        if (!IsOverReadMark) OnReadingChanged();
    }

    /// <summary>Reads once from the socket into the loop's scratch, and serves what came.</summary>
    /// <returns>Bytes read; 0 at the end; an error, or that there are none, as a negative number.</returns>
    private protected int Read()
    {
        byte[] scratch = _reactor.Scratch;
        nint received = Libc.Receive(Descriptor, Unsafe.AsPointer(ref scratch[0]), (nuint)scratch.Length, 0);
        if (received > 0)
        {
            switch (State)
            {
                case ConnectionState.Handshaking: OnHead(scratch.AsSpan(0, (int)received)); break;
                case ConnectionState.Lingering: break;
                default: Receive(scratch, 0, (int)received); break;
            }
        }
        else if (received == 0)
        {
            OnEndOfStream();
        }
        else
        {
            Errno error = Libc.LastError;
            OnFailedCall(error);
            return -(int)error;
        }

        return (int)received;
    }

    private protected void OnFailedCall(Errno error)
    {
        // Only what is certain ends a connection: the error of a call can be another's (see Libc.BindAll).
        if (error is Errno.ConnectionReset or Errno.BrokenPipe or Errno.BadDescriptor or Errno.TimedOut or Errno.ConnectionAborted
            or Errno.NotConnected)
            OnSocketFailed($"The socket failed: {error}.");
    }

    private void OnHead(ReadOnlySpan<byte> received)
    {
        if (_held is null)
        {
            int used = _reactor.Handshakes.Continue(this, received, scannedBytes: 0);
            if (State == ConnectionState.Handshaking || (IsUpgraded && used < received.Length)) Keep(received[used..]);
        }
        else
        {
            int scanned = _heldLength;
            Keep(received);
            int used = _reactor.Handshakes.Continue(this, _held.AsSpan(0, _heldLength), scanned);
            if (IsUpgraded) KeepFrom(used);
        }

        // A handler that was attached meanwhile waits for what came behind the head.
        if (IsUpgraded) OnReadingChanged();
    }

    private bool IsUpgraded => State is ConnectionState.Open or ConnectionState.Closing;

    /// <summary>Keeps a copy of what was received until it may be read.</summary>
    private protected void Keep(ReadOnlySpan<byte> bytes)
    {
        // Never more than one head and one read: the head's own limit is checked by the one that parses it.
        if (_held is null) _held = new byte[bytes.Length];
        else if (_held.Length < _heldLength + bytes.Length) Array.Resize(ref _held, Math.Max(_heldLength + bytes.Length, _held.Length * 2));
        bytes.CopyTo(_held.AsSpan(_heldLength));
        _heldLength += bytes.Length;
    }

    private void KeepFrom(int start)
    {
        _heldLength -= start;
        if (_heldLength == 0) _held = null;
        else _held.AsSpan(start, _heldLength).CopyTo(_held);
    }

    /// <summary>A PROXY header is whole: what was received begins with it, and the request follows.</summary>
    internal void PassPreamble(int bytes, IPEndPoint client)
    {
        PreambleBytes = bytes;
        KnowClient(client);
    }

    /// <summary>Someone who is believed told who the client is.</summary>
    internal void KnowClient(IPEndPoint client) => _remote = client;

    /// <summary>It has a descriptor of the reserve, and as little time as that allows.</summary>
    internal void BecomeSpare()
    {
        IsSpare = true;
        if (_reactor.Settings.HandshakeLimit > s_spareLimit) SetTransportDue(s_spareLimit);
    }

    /// <summary>Answers the request, and messages may flow.</summary>
    internal void Open(FrameEngine engine, WebSocketEndpoint endpoint, string? subprotocol, ReadOnlySpan<byte> response)
    {
        HandshakeList.Remove(this);
        SetOpen(engine, endpoint, subprotocol, response);
    }

    /// <summary>Says one last thing in HTTP and ends the connection.</summary>
    internal void Refuse(ReadOnlySpan<byte> response, ClosureCause cause, string reason)
    {
        _ = TrySend(response);
        if (State == ConnectionState.Closed) return;

        // What was held is part of a request that is not read any further; what comes is discarded up to the client's end.
        _held = null;
        if (!IsSpare) HandshakeList.Remove(this);
        Leave(ConnectionState.Lingering, new Closure(cause, CloseCode.Abnormal, reason));
        if (IsSpare && _reactor.Settings.CloseLimit > s_spareLimit) SetTransportDue(s_spareLimit);
        FinishIfFlushed();
    }

    /// <summary>Takes the socket out of the loop, with what was read from it.</summary>
    internal HandedOver TakeOut(byte[] received)
    {
        if (_isTakenOut || State != ConnectionState.Handshaking) throw new InvalidOperationException("The socket was taken already.");
        var taken = new HandedOver(Descriptor, received, Remote, SocketAddress.Own(Descriptor)) { IsSpare = IsSpare };
        Unlist();
        if (_reactor.Remove(this)) Unwatch();
        _isTakenOut = true;
        return taken;
    }

    /// <summary>
    /// Takes the socket of a connection of plain bytes out of the loop; null if bytes are left that it does not take now.
    /// </summary>
    internal int? TakeSocket()
    {
        if (State != ConnectionState.Open) return null;
        Outbound.Flush(this);
        if (State != ConnectionState.Open || Outbound.HasQueued || HasHeld) return null;
        if (_reactor.Remove(this)) Unwatch();
        _isTakenOut = true;
        End(new Closure(ClosureCause.HandedOver, CloseCode.NoStatus, "It goes on in another loop."));
        return Descriptor;
    }

    internal void EndTakenOut() => End(new Closure(ClosureCause.HandedOver, CloseCode.NoStatus, "Plain HTTP."));

    private protected override void OnAttached() => OnReadingChanged();

    private void ReceiveHeld()
    {
        if (_held is not { } held || !IsUpgraded || !WantsRead || IsOverReadMark) return;

        // No more at once than one read would have brought.
        int length = Math.Min(_heldLength, _reactor.Scratch.Length);
        byte[] piece = length == _heldLength ? held : held[..length];
        KeepFrom(length);
        Receive(piece, 0, length);
        if (State != ConnectionState.Closed) OnKeptRead();
    }

    /// <summary>What was held has been read: what came or comes behind it is next.</summary>
    private protected virtual void OnKeptRead() => OnReadingChanged();

    internal override void Reject()
    {
        if (State == ConnectionState.Handshaking) _reactor.Handshakes.Reject(this);
    }

    private protected override void OnHandshakeLate()
    {
        _reactor.Handshakes.Late(this);
    }

    internal override int TrySend(ReadOnlySpan<byte> bytes)
    {
        fixed (byte* start = bytes)
        {
            nint sent = Libc.Send(Descriptor, start, (nuint)bytes.Length, Libc.NoSignal);
            if (sent >= 0) return (int)sent;
        }

        OnFailedCall(Libc.LastError);
        return State == ConnectionState.Closed ? -1 : 0;
    }

    internal override int TrySend(in OutboundQueue queue)
    {
        if (!queue.HasSeveral)
        {
            Outbound.LastOffered = queue.Front.Length;
            return TrySend(queue.Front);
        }

        Span<(byte[] Array, int Start, int Length)> segments = _reactor.Segments;
        int count = queue.CopyTo(segments[..VectorsMax]);
        IoVector* vectors = stackalloc IoVector[VectorsMax];
        int offered = 0;
        for (int i = 0; i < count; i++)
        {
            // The pool's arrays are pinned for good.
            (byte[] array, int start, int length) = segments[i];
            vectors[i] = new IoVector { Start = Unsafe.AsPointer(ref array[start]), Length = (nuint)length };
            offered += length;
        }

        Outbound.LastOffered = offered;
        MessageHeader message = new() { Vectors = vectors, VectorCount = (nuint)count };
        nint sent = Libc.SendMessage(Descriptor, &message, Libc.NoSignal);
        if (sent >= 0) return (int)sent;
        OnFailedCall(Libc.LastError);
        return State == ConnectionState.Closed ? -1 : 0;
    }

    private protected override void OnReadingChanged()
    {
        if (!WantsRead) return;

        // What is held is read in a turn of its own: the one that wants it read may still be in a call of its own.
        if (_held is null || State == ConnectionState.Handshaking) WatchReading();
        else _reactor.Post(static connection => ((SocketConnection)connection).ReceiveHeld(), this);
    }

    private protected override void OnAnnounced(Closure closure) => _reactor.Announce(this, closure);

    private protected override void ShutdownSend() => _ = Libc.Shutdown(Descriptor, Libc.ShutdownWrite);

    private protected override void CloseSocket()
    {
        _held = null;
        _remote ??= SocketAddress.Unknown;   // The descriptor's number may soon be an unknown client's.
        if (_isTakenOut) return;
        Unlist();
        if (_reactor.Remove(this)) Unwatch();
        CloseDescriptor();
    }

    private void Unlist()
    {
        HandshakeList.Remove(this);
        if (IsSpare) _reactor.Reserve!.ReturnSpare();
        IsSpare = false;
    }

    /// <summary>It is in the table: reports its first bytes from now on.</summary>
    internal abstract void Watch();

    /// <summary>Reports bytes of the client, if that is not so already.</summary>
    private protected abstract void WatchReading();

    /// <summary>Reports nothing any more; the socket may become another component's.</summary>
    private protected abstract void Unwatch();

    private protected abstract void CloseDescriptor();
}
