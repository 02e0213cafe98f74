using System.Net;
using System.Net.Sockets;
using Broker.Core.Upgrade;
using Broker.Reactor;
using Broker.Reactor.Loops;
using Broker.Reactor.Sockets;
using Microsoft.Extensions.Logging;

namespace Broker.Cluster.Links;

/// <summary>
/// The port of a node for other nodes: accepts and dials links on an event loop of its own, so that heartbeats wait for no client.
/// It outlives subscriptions.
/// </summary>
/// <remarks>
/// Whatever a stranger sends ends that connection, and nothing else. Before its handshake a connection costs a few hundred bytes and ends
/// after 5 s.
/// </remarks>
public sealed class NodePort : IByteAcceptor, IDisposable
{
    private const int StrangersMax = 256;
    private static readonly TimeSpan s_closeLimit = TimeSpan.FromSeconds(1);        // A stranger that was refused is gone then.
    private static readonly TimeSpan s_dialLimit = TimeSpan.FromSeconds(2);

    private readonly ILogger _log;
    private readonly RepeatedLog _repeated;
    private readonly LinkAgreement _agreement;
    private readonly HashSet<NodeLink> _links = [];         // Of the loop.
    private readonly LinkedList<NodeLink> _handshaking = new();     // Of the loop; accepted ones, the oldest first.
    private readonly Thread _thread;
    private SocketReactor? _reactor;
    private volatile Action<NodeLink>? _membership;
    private volatile bool _isStopping;

    /// <summary>Makes the port; nothing listens yet.</summary>
    /// <param name="agreement">What has to be equal on all nodes.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">Gets who was refused and why.</param>
    public NodePort(LinkAgreement agreement, TimeProvider time, ILogger log)
    {
        _agreement = agreement;
        _log = log;
        _repeated = new RepeatedLog(time);
        _reactor = ReactorFactory.Create(0, new ReactorSettings { Backend = ReactorBackend.Epoll, CloseLimit = s_closeLimit }, this, time);
        _reactor.WorkFailed += failure => _log.LogError(failure, "Work on the loop of the node's links failed");
        _thread = new Thread(_reactor.Run) { Name = "node-links", IsBackground = true };
    }

    /// <summary>Whether this system can run it.</summary>
    public static bool IsSupported => SocketReactor.IsSupported;

    /// <summary>HOST:PORT under which other nodes reach it; with the real port once it listens.</summary>
    public string Address { get; private set; } = "";

    /// <summary>What this node says of itself.</summary>
    public Func<(ulong Uid, bool IsMember)> Self { get; set; } = static () => (0, false);

    /// <summary>Whether a peer may have a lane, once it has proven itself; null says yes.</summary>
    public Func<LinkPeer, LinkRefusal?> JudgeLane { get; set; } = static _ =>
        new LinkRefusal(LinkRefusalKind.NotReady, "the node takes no lanes yet");

    /// <summary>Takes the socket of a lane that a peer has opened; on the loop's thread.</summary>
    public Action<LinkPeer, int>? LaneAccepted { get; set; }

    internal EventLoop Loop => _reactor ?? throw new ObjectDisposedException(nameof(NodePort));

    /// <summary>Listens.</summary>
    /// <param name="bind">Where; port 0 lets the system pick one.</param>
    /// <param name="host">The host under which other nodes reach it.</param>
    /// <exception cref="SocketException">The address is taken, or is not this machine's.</exception>
    public void Start(IPEndPoint bind, string host)
    {
        ListeningSocket listener = ListeningSocket.OpenAll(bind, 1, backlog: 512)[0];
        Address = NodeAddress.Format(host, listener.EndPoint.Port);
        _reactor!.Listen(listener);
        _thread.Start();
    }

    /// <summary>Has a subscription's transport take links of subscription; null refuses them.</summary>
    public void ListenForMembership(Action<NodeLink>? accepted) => _membership = accepted;

    /// <summary>Ends all links of subscription.</summary>
    public void EndMembership() => OnLoop(() =>
    {
        foreach (NodeLink link in _links.ToArray()) link.Close("The membership has ended.");
    });

    /// <summary>Dials a node and does the handshake.</summary>
    /// <param name="address">HOST:PORT; each address of the host is tried.</param>
    /// <param name="purpose">What the link is for.</param>
    /// <param name="argument">What belongs to the purpose.</param>
    public async Task<DialOutcome> DialAsync(string address, LinkPurpose purpose, ushort argument = 0)
    {
        string error;
        try
        {
            DialOutcome? last = null;
            foreach (IPEndPoint endPoint in await NodeAddress.ResolveAsync(address).ConfigureAwait(false))
            {
                last = await DialAsync(endPoint, purpose, argument).ConfigureAwait(false);
                if (last.Error is null) return last;
            }

            return last ?? new DialOutcome(Peer: null, Error: $"{address} has no IP address");
        }
        catch (SocketException unreachable)
        {
            error = unreachable.Message;
        }

        return new DialOutcome(Peer: null, Error: error);
    }

    private async Task<DialOutcome> DialAsync(IPEndPoint endPoint, LinkPurpose purpose, ushort argument)
    {
        int descriptor;
        try
        {
            descriptor = await SocketDialer.DialAsync(endPoint, s_dialLimit).ConfigureAwait(false);
        }
        catch (SocketException unreachable)
        {
            return new DialOutcome(Peer: null, Error: unreachable.Message);
        }

        var outcome = new TaskCompletionSource<DialOutcome>(TaskCreationOptions.RunContinuationsAsynchronously);
        OnLoop(() =>
        {
            if (_isStopping)
            {
                SocketDialer.Close(descriptor);
                outcome.TrySetResult(new DialOutcome(Peer: null, Error: "this node is stopping"));
                return;
            }

            NodeLink? link = null;
            _reactor!.AdoptBytes(
                descriptor, connection =>
                    link = new NodeLink(
                        this, connection, new DialerHandshake(SelfNow(), _agreement, purpose, argument), acceptor: null, outcome));
            _links.Add(link!);
            link!.Start();
        });
        return await outcome.Task.ConfigureAwait(false);
    }

    private LinkSelf SelfNow()
    {
        (ulong uid, bool isMember) = Self();
        return new LinkSelf(Address, uid, isMember);
    }

    private void OnLoop(Action action) => Loop.Post(static state => ((Action)state)(), action);

    /// <summary>Runs something on the port's loop. From any thread; nothing happens once the port is disposed of.</summary>
    internal void Post(Action action) => _reactor?.Post(static state => ((Action)state)(), action);

    /// <inheritdoc />
    IByteHandler? IByteAcceptor.Accept(Connection connection)
    {
        if (_isStopping) return null;

        // A node is done in a moment; the oldest silent connection makes room for it.
        if (_handshaking.Count >= StrangersMax) _handshaking.First!.Value.AbortHandshake();
        var link = new NodeLink(this, connection, dialer: null, new AcceptorHandshake(SelfNow, _agreement, Judge), outcome: null);
        _links.Add(link);
        _handshaking.AddLast(link);
        OnLoop(link.Start);
        return link;
    }

    private LinkRefusal? Judge(LinkPeer peer) => peer.Purpose switch
    {
        LinkPurpose.Lane => JudgeLane(peer),
        LinkPurpose.Membership when _membership is null => new LinkRefusal(LinkRefusalKind.NotReady, "the node is starting or stopping"),
        _ => null,
    };

    internal void EndHandshake(NodeLink link) => _handshaking.Remove(link);

    internal void Remove(NodeLink link) => _links.Remove(link);

    internal void AcceptMembership(NodeLink link)
    {
        if (_membership is { } accepted) accepted(link);
        else link.Close("The node is starting or stopping.");
    }

    internal void AcceptLane(LinkPeer peer, int socket)
    {
        if (LaneAccepted is { } accepted) accepted(peer, socket);
        else SocketDialer.Close(socket);
    }

    internal void Refused(string remote, LinkRefusal refusal, bool isDialer)
    {
        // Who scans ports sends what is no handshake; that is no news.
        LogLevel level =
            refusal.Kind is LinkRefusalKind.Malformed or LinkRefusalKind.NotReady or LinkRefusalKind.NotMember ? LogLevel.Debug
                : LogLevel.Warning;
        if (!_log.IsEnabled(level) || !_repeated.IsNew($"{remote[..Math.Max(0, remote.LastIndexOf(':'))]}{refusal.Kind}{isDialer}")) return;
        if (isDialer) _log.Log(level, "The node at {Remote} and this one cannot be linked: {Reason}", remote, refusal.Reason);
        else _log.Log(level, "Refused a link from {Remote}: {Reason}", remote, refusal.Reason);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        if (_reactor is not { } reactor) return;
        _isStopping = true;
        _membership = null;
        if (_thread.IsAlive)
        {
            reactor.Stop();
            _thread.Join();
        }

        reactor.Dispose();
        _reactor = null;
    }

    WebSocketEndpoint? IConnectionAcceptor.Find(UpgradeRequest request) => null;

    bool IConnectionAcceptor.MayOpen(out TimeSpan retryAfter)
    {
        retryAfter = default;
        return false;
    }

    bool IConnectionAcceptor.TryHandOver(Func<HandedOver> take) => false;

    void IConnectionAcceptor.Opened(Connection connection, UpgradeRequest request)
    {
    }

    void IConnectionAcceptor.Ended(Connection connection, Closure closure)
    {
    }
}
