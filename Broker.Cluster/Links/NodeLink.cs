using Broker.Reactor.Loops;
using Broker.Reactor.Sockets;

namespace Broker.Cluster.Links;

/// <summary>What becomes of dialling a node.</summary>
/// <param name="Peer">The other side; null if there is no link.</param>
/// <param name="Link">The open link of subscription; null for other purposes.</param>
/// <param name="Refusal">Why the node refused; null if it did not.</param>
/// <param name="Error">Why the node could not be reached; null if it could.</param>
public sealed record DialOutcome(LinkPeer? Peer, NodeLink? Link = null, LinkRefusal? Refusal = null, string? Error = null)
{
    /// <summary>The socket of a lane, for the loop that runs it; the caller's from now on. Null for other purposes.</summary>
    public int? Socket { get; init; }
}

/// <summary>What stands above an open link of subscription. Every call comes on the loop's thread.</summary>
public interface ILinkHandler
{
    /// <summary>One frame; the payload is borrowed until the return.</summary>
    void OnFrame(byte kind, ReadOnlySpan<byte> payload);

    /// <summary>The link has ended. Called once.</summary>
    void OnEnded();
}

/// <summary>One connection between two nodes on the port's loop: its handshake, and after that the frames of subscription.</summary>
public sealed class NodeLink : IByteHandler, ILinkFrameSink
{
    private static readonly TimeSpan s_handshakeLimit = TimeSpan.FromSeconds(5);

    private readonly NodePort _port;
    private readonly Connection _connection;
    private readonly LinkFrameReader _reader = new();
    private readonly DialerHandshake? _dialer;
    private readonly AcceptorHandshake? _acceptor;
    private readonly TaskCompletionSource<DialOutcome>? _outcome;
    private readonly string _remote;
    private ILinkHandler? _handler;
    private int _posted;        // Bytes that wait for the loop; from any thread.

    internal NodeLink(
        NodePort port, Connection connection, DialerHandshake? dialer, AcceptorHandshake? acceptor,
            TaskCompletionSource<DialOutcome>? outcome)
    {
        _port = port;
        _connection = connection;
        _dialer = dialer;
        _acceptor = acceptor;
        _outcome = outcome;
        _remote = connection.Remote.ToString();
    }

    /// <inheritdoc />
    public int QueueBytesMax => 16 * 1024 * 1024;

    /// <inheritdoc />
    public TimeSpan BlockedLimit => TimeSpan.FromSeconds(10);

    /// <summary>The other side; null during the handshake.</summary>
    public LinkPeer? Peer { get; private set; }

    /// <summary>Bytes that wait to leave. From any thread, and about.</summary>
    public int PendingBytes => Volatile.Read(ref _posted) + _connection.QueuedBytes;

    /// <summary>Begins the handshake. On the loop's thread, when the connection has been adopted.</summary>
    internal void Start()
    {
        _connection.SetDeadline(s_handshakeLimit);
        if (_dialer is not null) _connection.Write(_dialer.Begin());
    }

    /// <summary>Sends a whole frame. From any thread.</summary>
    public void Send(byte[] frame)
    {
        ArgumentNullException.ThrowIfNull(frame);
        Interlocked.Add(ref _posted, frame.Length);
        _port.Loop.Post(static state => ((Action)state)(), () =>
        {
            Interlocked.Add(ref _posted, -frame.Length);
            _connection.Write(frame);
        });
    }

    /// <summary>Puts a handler above the open link. On the loop's thread.</summary>
    public void Attach(ILinkHandler handler)
    {
        _handler = handler;
        if (_connection.Closure is not null) handler.OnEnded();
    }

    /// <summary>Ends the link behind what was sent. From any thread.</summary>
    public void Close(string reason) => _port.Loop.Post(static state => ((Action)state)(), () => _connection.EndAfterFlush(reason));

    /// <inheritdoc />
    public void OnBytes(ReadOnlySpan<byte> bytes)
    {
        if (_reader.Read(bytes, this) is { } fault) Fail(new LinkRefusal(LinkRefusalKind.Malformed, fault));
    }

    /// <inheritdoc />
    public bool OnFrame(byte kind, ReadOnlySpan<byte> payload)
    {
        if (!_connection.IsOpen) return false;
        if (Peer is null) Continue(_dialer?.Handle(kind, payload) ?? _acceptor!.Handle(kind, payload));
        else if (kind == (byte)LinkFrameKind.Membership && _handler is not null) _handler.OnFrame(kind, payload);
        else Fail(new LinkRefusal(LinkRefusalKind.Malformed, $"a frame of kind {kind} does not belong here"));
        return _connection.IsOpen;
    }

    private void Continue(HandshakeStep step)
    {
        if (step.Reply.Length > 0) _connection.Write(step.Reply);
        if (step.Refusal is { } refusal) Fail(refusal);
        else if (step.Peer is { } peer) Open(peer);
    }

    private void Open(LinkPeer peer)
    {
        Peer = peer;
        _port.EndHandshake(this);
        _connection.SetDeadline(Timeout.InfiniteTimeSpan);
        switch (peer.Purpose)
        {
            case LinkPurpose.Probe:
                if (_acceptor is null) _outcome!.TrySetResult(new DialOutcome(peer));
                _connection.EndAfterFlush("The question is answered.");
                break;
            case LinkPurpose.Lane:
                OpenLane(peer);
                break;
            default:
                _reader.FrameBytesMax = LinkFrames.MembershipBytesMax;
                if (_acceptor is null) _outcome!.TrySetResult(new DialOutcome(peer, this));
                else _port.AcceptMembership(this);
                break;
        }
    }

    // What the peer sends of a lane waits for the first frame from here, so nothing of it can have been read yet.
    private void OpenLane(LinkPeer peer)
    {
        if (SocketReactor.TakeSocket(_connection) is not { } socket)
        {
            _connection.Abort(ClosureCause.SocketError, "The socket cannot be handed to its loop.");
            return;
        }

        if (_acceptor is null) _outcome!.TrySetResult(new DialOutcome(peer) { Socket = socket });
        else _port.AcceptLane(peer, socket);
    }

    /// <summary>Ends it at once, as others wait. On the loop's thread.</summary>
    internal void AbortHandshake() => _connection.Abort(ClosureCause.HandshakeRefused, "Too many connections are in their handshake.");

    private void Fail(LinkRefusal refusal)
    {
        _port.Refused(_remote, refusal, isDialer: _dialer is not null);
        _outcome?.TrySetResult(new DialOutcome(Peer: null, Refusal: refusal));
        _connection.EndAfterFlush(refusal.Reason);
    }

    /// <inheritdoc />
    public void OnDeadline()
    {
        if (Peer is null)
            Fail(new LinkRefusal(LinkRefusalKind.Malformed, $"the handshake was not complete within {s_handshakeLimit.TotalSeconds:0} s"));
    }

    /// <inheritdoc />
    public void OnEnded(Closure closure)
    {
        ArgumentNullException.ThrowIfNull(closure);
        _port.EndHandshake(this);
        _port.Remove(this);
        if (closure.Cause == ClosureCause.HandedOver) return;       // Its socket goes on in a loop of the hub.
        _outcome?.TrySetResult(new DialOutcome(Peer: null, Error: $"{_remote} ended the connection during the handshake"));
        _handler?.OnEnded();
    }
}
