using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Text;
using Broker.Actors.Channels.Home;
using Broker.Cluster.Links;
using Broker.Cluster.Membership;
using Broker.Cluster.Protocol.Lanes;
using Broker.Cluster.Protocol.Members;
using Broker.Cluster.Protocol.Placement;
using Broker.Cluster.Settings;
using Broker.Reactor.Loops;
using Broker.Reactor.Sockets;
using Microsoft.Extensions.Logging;
using ProtocolMember = Broker.Cluster.Protocol.Members.ClusterMember;

namespace Broker.Cluster.Lanes;

/// <summary>
/// Keeps the lanes to all other members, and tells the homes and relays of this node where homes are. Of two nodes the one with the lower
/// address dials; each lane runs on one loop of the hub.
/// </summary>
/// <remarks>Its state belongs to the loop of the node's port; what others read is a snapshot that is replaced as a whole.</remarks>
public sealed class LaneOwner : INodeDirectory, IDisposable
{
    private static readonly TimeSpan s_tick = TimeSpan.FromMilliseconds(64);
    private static readonly TimeSpan s_callLimit = TimeSpan.FromSeconds(5);

    private readonly ClusterSettings _settings;
    private readonly NodePort _port;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly long _start;
    private readonly Dictionary<NodeName, Peer> _peers = [];
    private readonly LaneLimits _limits = new();
    private readonly int _messageBytesMax;
    private EventLoop[] _loops = [];
    private Action<int, object> _send = static (_, _) => { };
    private int _relays;
    private LoopTimer? _timer;
    private ClusterView? _view;
    private readonly ConcurrentDictionary<ulong, (NodeLane Lane, TaskCompletionSource<byte[]?> Answer)> _calls = new();
    private ulong _lastCall;
    private long _beatAt;
    private volatile Snapshot _snapshot = Snapshot.Alone;

    /// <summary>Makes it.</summary>
    /// <param name="settings">How the node takes part.</param>
    /// <param name="port">The node's port.</param>
    /// <param name="messageBytesMax">The longest message of a client.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">Gets what becomes of lanes.</param>
    public LaneOwner(ClusterSettings settings, NodePort port, int messageBytesMax, TimeProvider time, ILogger log)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(port);
        _settings = settings;
        _port = port;
        _time = time;
        _log = log;
        _start = time.GetTimestamp();

        // A publication as long as may be, with its head; or a page of a history.
        _messageBytesMax = Math.Max(messageBytesMax, 64 * 1024 * 1024) + (1024 * 1024);
    }

    // Where homes are, for all threads.
    private sealed record Snapshot(ClusterView? View, PartitionMap? Map, MemberId Self, FrozenDictionary<MemberId, INodeLane?[]> Lanes)
    {
        internal static Snapshot Alone { get; } = new(null, null, default, FrozenDictionary<MemberId, INodeLane?[]>.Empty);
    }

    // Another member, and the lanes to it.
    private sealed class Peer(NodeName name, bool dials, int lanes, LaneLimits limits)
    {
        internal NodeName Name { get; } = name;

        internal bool Dials { get; } = dials;

        internal Lane[] Lanes { get; } =
            [.. Enumerable.Range(0, lanes).Select(number => new Lane(number, new LaneMachine(limits, Random.Shared)))];
    }

    private sealed class Lane(int number, LaneMachine machine)
    {
        internal int Number { get; } = number;

        internal LaneMachine Machine { get; } = machine;

        internal NodeLane? Open { get; set; }

        internal TimeSpan ReceivedAt { get; set; }

        internal string? Sent { get; set; }     // The last reason that was logged.
    }

    /// <summary>HOST:PORT of this node.</summary>
    public string Address => _port.Address;

    /// <summary>Answers what another node asks of this one.</summary>
    public Func<byte[], Task<byte[]>>? Answer { get; set; }

    /// <inheritdoc />
    public int Partitions => _settings.Partitions;

    /// <summary>Lanes that are open now, over all peers. For any thread.</summary>
    public int OpenLanes => _snapshot.Lanes.Values.Sum(static lanes => lanes.Count(static lane => lane is not null));

    private TimeSpan Now => _time.GetElapsedTime(_start);

    /// <inheritdoc />
    public int PartitionOf(string channel)
    {
        ArgumentNullException.ThrowIfNull(channel);
        const int OnStackMax = 1024;
        int bytesMax = Encoding.UTF8.GetMaxByteCount(channel.Length);
        Span<byte> name = bytesMax <= OnStackMax ? stackalloc byte[OnStackMax] : new byte[bytesMax];
        return PartitionMap.PartitionOf(name[..Encoding.UTF8.GetBytes(channel, name)], _settings.Partitions);
    }

    /// <inheritdoc />
    public HomeWay WayTo(int partition, bool isKept)
    {
        Snapshot snapshot = _snapshot;

        // A node that is in no cluster serves what no one keeps to its own clients; a history would be another's.
        if (snapshot.Map is not { } map) return new HomeWay(IsHere: !isKept, null);
        ProtocolMember? home = isKept ? map.KeptHome(partition) : map.VolatileHome(partition);
        if (home is null) return default;
        if (home.Id == snapshot.Self) return new HomeWay(IsHere: true, null);
        return new HomeWay(
            IsHere: false, snapshot.Lanes.TryGetValue(home.Id, out INodeLane?[]? lanes) ? lanes[partition % lanes.Length] : null);
    }

    /// <summary>Takes the hub's loops, and the way to its homes. Before the port listens.</summary>
    /// <param name="loops">The hub's loops.</param>
    /// <param name="relays">How many homes the hub has.</param>
    /// <param name="send">Sends a message to the home of a number; from any thread.</param>
    public void Start(IReadOnlyList<EventLoop> loops, int relays, Action<int, object> send)
    {
        _loops = [.. loops];
        _relays = relays;
        _send = send;
        _port.JudgeLane = Judge;
        _port.LaneAccepted = Accept;
        OnPort(() =>
        {
            _timer = new LoopTimer(_port.Loop, Tick);
            _timer.Set(s_tick);
        });
    }

    /// <summary>Takes what the subscription tells; null when it ends.</summary>
    public void OnView(ClusterView? view) => OnPort(() => Follow(view));

    private void OnPort(Action action) => _port.Post(action);

    private static MemberId IdOf(NodeName name) => new(NodeNames.HashOf(name));

    private void Follow(ClusterView? view)
    {
        // One that leaves still asks the others' homes for its clients.
        _view = view is not null
            && view.Members.Any(member => member.Node == view.Self && member.State is MemberState.Up or MemberState.Leaving) ? view : null;
        HashSet<NodeName> members =
            [.. (_view?.Members ?? []).Where(member => member.Node != _view!.Self).Select(static member => member.Node)];
        foreach (NodeName gone in _peers.Keys.Where(name => !members.Contains(name)).ToArray())
        {
            foreach (Lane lane in _peers[gone].Lanes) lane.Open?.Close("The node is no member any more.");
            _peers.Remove(gone);
            SendToAll(new NodeEvents.Removed(gone.ToString()));
        }

        foreach (NodeName name in members)
        {
            if (!_peers.ContainsKey(name))
                _peers.Add(name, new Peer(name, string.CompareOrdinal(_port.Address, name.Address) < 0, _settings.Lanes, _limits));
        }

        Publish();
    }

    // Makes the snapshot anew, and tells all.
    private void Publish()
    {
        if (_view is not { } view)
        {
            _snapshot = Snapshot.Alone;
        }
        else
        {
            Snapshot before = _snapshot;
            PartitionMap map =
                ReferenceEquals(before.View, view) ? before.Map!
                    : new PartitionMap(
                    _settings.Partitions, new MembershipView(view.Members.Where(static member => member.State != MemberState.Down).Select(
                static member => new ProtocolMember(IdOf(member.Node), new StoreId(member.Store))
                {
                    IsReachable = member.IsReachable,
                    IsDraining = member.State == MemberState.Joining,
                    IsLeaving = member.State is MemberState.Leaving,
                })));
            _snapshot = new Snapshot(
                view, map, IdOf(view.Self),
                    _peers.ToFrozenDictionary(
                        static pair => IdOf(pair.Key), static pair =>
                            pair.Value.Lanes.Select(static lane => (INodeLane?)lane.Open).ToArray()));
        }

        SendToAll(NodeEvents.Changed.Instance);
    }

    private void SendToAll(object message)
    {
        for (int relay = 0; relay < _relays; relay++) _send(relay, message);
    }

    private void Tick()
    {
        _timer!.Set(s_tick);
        TimeSpan now = Now;
        bool beats = now.TotalMilliseconds - _beatAt >= _limits.HeartbeatEvery.TotalMilliseconds;
        if (beats) _beatAt = (long)now.TotalMilliseconds;
        foreach (Peer peer in _peers.Values)
        {
            foreach (Lane lane in peer.Lanes)
            {
                if (lane.Open is { } open)
                {
                    if (beats) open.Beat();
                    if (open.TakeReceived()) lane.ReceivedAt = now;
                    if (now - lane.ReceivedAt > _limits.DownAfter)
                        open.Close($"Nothing was received for {_limits.DownAfter.TotalSeconds:0} s.");
                }
                else if (peer.Dials && lane.Machine.Tick(now) == LaneAction.Dial)
                {
                    _ = DialAsync(peer, lane);
                }
            }
        }
    }

    private async Task DialAsync(Peer peer, Lane lane)
    {
        DialOutcome outcome = await _port.DialAsync(peer.Name.Address, LinkPurpose.Lane, (ushort)lane.Number).ConfigureAwait(false);
        OnPort(() => OnDialled(peer, lane, outcome));
    }

    private void OnDialled(Peer peer, Lane lane, DialOutcome outcome)
    {
        bool isWanted =
            _peers.TryGetValue(peer.Name, out Peer? known) && ReferenceEquals(known, peer) && lane.Machine.State == LaneState.Dialling;
        if (outcome.Socket is { } socket)
        {
            if (isWanted && outcome.Peer!.Uid == peer.Name.Uid)
            {
                Open(peer, lane, socket);
                return;
            }

            SocketDialer.Close(socket);
        }

        if (!isWanted) return;
        string reason = outcome.Refusal?.Reason ?? outcome.Error ?? "another membership answers there";
        if (outcome.Refusal is { IsForGood: true })
        {
            if (lane.Machine.OnRefused() == LaneAction.ReportRefusal)
                _log.LogError("Lane {Lane} to {Node} is refused for good: {Reason}", lane.Number, peer.Name, reason);
            return;
        }

        _ = lane.Machine.OnError(Now);
        if (lane.Sent != reason) _log.LogDebug("Lane {Lane} to {Node} is not open: {Reason}", lane.Number, peer.Name, reason);
        lane.Sent = reason;
    }

    private LinkRefusal? Judge(LinkPeer peer)
    {
        var name = new NodeName(peer.Address, peer.Uid);
        if (!_peers.TryGetValue(name, out Peer? known))
            return new LinkRefusal(LinkRefusalKind.NotMember, $"{name} is no member here, or not yet");
        return peer.Argument < known.Lanes.Length ? null : new LinkRefusal(LinkRefusalKind.Malformed, $"there is no lane {peer.Argument}");
    }

    private void Accept(LinkPeer peer, int socket)
    {
        if (!_peers.TryGetValue(new NodeName(peer.Address, peer.Uid), out Peer? known))
        {
            SocketDialer.Close(socket);
            return;
        }

        Open(known, known.Lanes[peer.Argument], socket);
    }

    // A newer connection takes the place of the one before, whose end the homes are told first.
    private void Open(Peer peer, Lane lane, int socket)
    {
        EventLoop loop = _loops[lane.Number % _loops.Length];
        loop.Post(static state => ((Action)state)(), () =>
        {
            NodeLane? opened = null;
            ((SocketReactor)loop)
                .AdoptBytes(socket, connection => opened = new NodeLane(this, connection, peer.Name.ToString(), _messageBytesMax, _relays));
            OnPort(() => OnOpened(peer, lane, opened!));
        });
    }

    private void OnOpened(Peer peer, Lane lane, NodeLane opened)
    {
        if (!_peers.TryGetValue(peer.Name, out Peer? known) || !ReferenceEquals(known, peer))
        {
            opened.Close("The node is no member any more.");
            return;
        }

        lane.Open?.Close("A newer connection has taken its place.");
        lane.Open = opened;
        lane.ReceivedAt = Now;
        lane.Sent = null;
        if (peer.Dials) _ = lane.Machine.OnWelcome(Now);
        _log.LogDebug("Lane {Lane} to {Node} is open", lane.Number, peer.Name);
        Publish();
    }

    /// <summary>Asks all other members that are not leaving. For any thread.</summary>
    /// <returns>HOST:PORT of each and its answer; null where there was none within 5 s.</returns>
    public async Task<IReadOnlyList<(string Node, byte[]? Answer)>> AskAllAsync(byte[] request, CancellationToken cancellationToken)
    {
        Snapshot snapshot = _snapshot;
        if (snapshot.View is not { } view) return [];
        return await Task.WhenAll(view.Members.Where(member => member.Node != view.Self && member.State == MemberState.Up).Select(AskAsync))
            .ConfigureAwait(false);

        async Task<(string Node, byte[]? Answer)> AskAsync(Membership.ClusterMember member)
        {
            string node = member.Node.Address;
            if (!snapshot.Lanes.TryGetValue(IdOf(member.Node), out INodeLane?[]? lanes) || lanes[0] is not NodeLane lane)
                return (node, null);
            ulong call = Interlocked.Increment(ref _lastCall);
            var answer = new TaskCompletionSource<byte[]?>(TaskCreationOptions.RunContinuationsAsynchronously);
            _calls[call] = (lane, answer);
            try
            {
                return (node, lane.Send(NodeLane.CallKind, call, request)
                    ? await answer.Task.WaitAsync(s_callLimit, _time, cancellationToken).ConfigureAwait(false) : null);
            }
            catch (TimeoutException)
            {
                return (node, null);
            }
            finally
            {
                _calls.TryRemove(call, out _);
            }
        }
    }

    internal void OnCall(NodeLane lane, ulong call, byte[] request) => _ = Task.Run(async () =>
    {
        if (Answer is { } answer) lane.Send(NodeLane.AnswerKind, call, await answer(request).ConfigureAwait(false));
    });

    internal void OnAnswer(NodeLane lane, ulong call, byte[] bytes)
    {
        if (_calls.TryGetValue(call, out (NodeLane Lane, TaskCompletionSource<byte[]?> Answer) waiting)
            && ReferenceEquals(waiting.Lane, lane)) waiting.Answer.TrySetResult(bytes);
    }

    internal void Arrived(int relay, NodeEvents.Arrived arrived) => _send(relay, arrived);

    internal void Ended(NodeLane ended, string reason)
    {
        SendToAll(new NodeEvents.Ended(ended));
        foreach ((NodeLane lane, TaskCompletionSource<byte[]?> answer) in _calls.Values)
        {
            if (ReferenceEquals(lane, ended)) answer.TrySetResult(null);
        }

        OnPort(() => OnEnded(ended, reason));
    }

    private void OnEnded(NodeLane ended, string reason)
    {
        foreach (Peer peer in _peers.Values)
        {
            foreach (Lane lane in peer.Lanes)
            {
                if (!ReferenceEquals(lane.Open, ended)) continue;
                lane.Open = null;
                if (peer.Dials) _ = lane.Machine.OnError(Now);
                _log.LogInformation("Lane {Lane} to {Node} has ended: {Reason}", lane.Number, peer.Name, reason);
                Publish();
                return;
            }
        }
    }

    /// <inheritdoc />
    public void Dispose() => _timer?.Stop();
}
