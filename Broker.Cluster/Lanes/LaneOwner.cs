using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Text;
using Broker.Actors.Channels.Home;
using Broker.Cluster.Homes;
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
    private static readonly TimeSpan s_soon = TimeSpan.FromMilliseconds(2);
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
    private LoopTimer? _timer, _publish;
    private readonly HashSet<int> _given = [];      // Partitions whose new homes the other nodes are about to be told.
    private bool _isPublishDue;
    private ClusterView? _view;
    private readonly ConcurrentDictionary<ulong, (NodeLane Lane, TaskCompletionSource<byte[]?> Answer)> _calls = new();
    private ulong _lastCall;
    private long _beatAt;
    private readonly HomeKeeper _homes;
    private HashSet<MemberId> _joining = [];
    private bool _isComplete;           // Every other node has told what it knows of homes.
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
        _homes = new HomeKeeper(settings.Partitions);

        // A publication as long as may be, with its head; or a page of a history.
        _messageBytesMax = Math.Max(messageBytesMax, 64 * 1024 * 1024) + (1024 * 1024);
    }

    // Where homes are, for all threads.
    private sealed record Snapshot(ClusterView? View, PartitionMap? Map, MemberId Self, FrozenDictionary<MemberId, INodeLane?[]> Lanes)
    {
        internal static Snapshot Alone { get; } = new(null, null, default, FrozenDictionary<MemberId, INodeLane?[]>.Empty);

        internal IReadOnlyList<HomeEntry> Homes { get; init; } = [];

        internal IReadOnlyList<(string Node, int Number, NodeLane? Open, LaneCounters Counters)> Reports { get; init; } = [];

        internal FrozenSet<MemberId> Draining { get; init; } = FrozenSet<MemberId>.Empty;

        internal bool IsComplete { get; init; }

        internal bool IsDraining { get; init; }

        internal INodeLane? LaneTo(MemberId member, int partition) =>
            Lanes.TryGetValue(member, out INodeLane?[]? lanes) ? lanes[partition % lanes.Length] : null;
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

        internal LaneCounters Counters { get; } = new();

        internal NodeLane? Open { get; set; }

        internal TimeSpan ReceivedAt { get; set; }

        internal string? Sent { get; set; }     // The last reason that was logged.
    }

    /// <summary>HOST:PORT of this node.</summary>
    public string Address => _port.Address;

    /// <summary>All that the nodes are to know in common, in pieces, for one that this one meets; null for nothing.</summary>
    public Func<IEnumerable<byte[]>>? Shared { get; set; }

    /// <summary>Takes a piece of what another node knows. On a loop's thread.</summary>
    public Action<byte[]>? SharedArrived { get; set; }

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
        ProtocolMember? home = map.View.Find(snapshot.Homes[partition].Home);

        // What no one keeps goes to the next node at once when its home is not reached.
        if (!isKept && home is not { IsReachable: true })
            home = home is not null || snapshot.IsComplete ? map.VolatileHome(partition) : null;
        if (home is null) return default;
        return home.Id == snapshot.Self ? new HomeWay(IsHere: true, null)
            : new HomeWay(IsHere: false, snapshot.LaneTo(home.Id, partition));
    }

    /// <inheritdoc />
    public INodeLane? MoveTo(int partition)
    {
        Snapshot snapshot = _snapshot;
        if (snapshot.Map is not { } map || snapshot.Homes[partition].Home != snapshot.Self) return null;
        foreach (ProtocolMember each in map.Rank(partition))
        {
            if (!each.TakesHomes || each.Id == snapshot.Self) return null;
            if (each.IsReachable && snapshot.LaneTo(each.Id, partition) is { } lane) return lane;
            if (!snapshot.IsDraining) return null;
        }

        return null;
    }

    /// <inheritdoc />
    public ulong? MoveOf(int partition)
    {
        Snapshot snapshot = _snapshot;
        return snapshot.Map is not null && snapshot.Homes[partition] is { Term: > 0 } entry && entry.Home == snapshot.Self ? entry.Move
            : null;
    }

    /// <inheritdoc />
    public void Give(int partition, string node, ulong move) => OnPort(() =>
    {
        if (_homes.Table.TryGive(partition, _snapshot.Self, new MemberId(NodeNames.HashOf(node)), move)) PublishSoon(partition);
    });

    // Many partitions move together: all are told once.
    private void PublishSoon(int? given = null)
    {
        if (given is { } partition) _given.Add(partition);
        if (_isPublishDue) return;
        _isPublishDue = true;
        _publish!.Set(s_soon);
    }

    private void PublishDue()
    {
        _isPublishDue = false;
        if (_given.Count > 0 && _view is not null) Broadcast(_homes.Of(_given));
        _given.Clear();
        Publish();
    }

    /// <inheritdoc />
    public INodeLane? LaneTo(string node, int partition) => _snapshot.LaneTo(new MemberId(NodeNames.HashOf(node)), partition);

    /// <summary>Partitions that this node is the home of. For any thread.</summary>
    public int HomesHere
    {
        get
        {
            Snapshot snapshot = _snapshot;
            return snapshot.Map is null ? 0 : snapshot.Homes.Count(entry => entry.Term > 0 && entry.Home == snapshot.Self);
        }
    }

    /// <summary>All lanes to the other members. For any thread.</summary>
    public IReadOnlyList<LaneReport> Lanes =>
        [.. _snapshot.Reports.Select(static lane =>
            new LaneReport(lane.Node, lane.Number, lane.Open is not null, lane.Open?.WaitingBytes ?? 0, lane.Counters))];

    /// <summary>Partitions whose home is each member, by its name, as this node knows it. For any thread.</summary>
    public IReadOnlyDictionary<NodeName, (int Homes, bool IsDraining)> HomesOf(IEnumerable<NodeName> members)
    {
        ArgumentNullException.ThrowIfNull(members);
        Snapshot snapshot = _snapshot;
        Dictionary<MemberId, int> counts =
            snapshot.Homes.Where(static entry => entry.Term > 0).CountBy(static entry => entry.Home).ToDictionary();
        return members.ToDictionary(
            static name => name, name => (counts.GetValueOrDefault(IdOf(name)), snapshot.Draining.Contains(IdOf(name))));
    }

    /// <summary>Whether this node knows all homes: every reachable node has told it. For any thread.</summary>
    public bool IsComplete => _snapshot is { Map: not null, IsComplete: true };

    /// <summary>Whether there is another node that takes homes and clients. For any thread.</summary>
    public bool HasOthers => _snapshot is { Map: { } map } snapshot
        && map.View.Members.Any(member => member is { TakesHomes: true, IsReachable: true } && member.Id != snapshot.Self);

    /// <summary>Hands all homes over to the other nodes. Its clients are still served.</summary>
    /// <param name="limit">Stops waiting after this.</param>
    /// <returns>How many homes are still here; over 0 after the limit, or where no other node takes them.</returns>
    public async Task<int> DrainAsync(TimeSpan limit)
    {
        OnPort(() =>
        {
            _homes.IsDraining = true;
            if (_view is null) return;
            Broadcast(_homes.Of([]));
            Publish();
        });
        long start = _time.GetTimestamp();
        while (_time.GetElapsedTime(start) < limit)
        {
            Snapshot snapshot = _snapshot;
            if (snapshot.Map is null || (snapshot.IsDraining && (HomesHere == 0 || !HasOthers))) break;
            await Task.Delay(s_tick, _time).ConfigureAwait(false);
        }

        return HomesHere;
    }

    /// <summary>Tells all other nodes what all are to know. For any thread; who is not reached is told everything when it is met.</summary>
    public void Share(byte[] piece) => OnPort(() =>
    {
        foreach (Peer peer in _peers.Values) peer.Lanes.FirstOrDefault(static lane => lane.Open is not null)?.Open!.SendShared(piece);
    });

    internal void OnShared(byte[] piece) => SharedArrived?.Invoke(piece);

    // To each other node once.
    private void Broadcast(NodeState state)
    {
        byte[] bytes = state.ToBytes();
        foreach (Peer peer in _peers.Values) peer.Lanes.FirstOrDefault(static lane => lane.Open is not null)?.Open!.SendState(bytes);
    }

    internal void OnState(NodeLane lane, byte[] bytes) => OnPort(() =>
    {
        if (_view is null || !_peers.Keys.Any(name => IdOf(name) == lane.Member)) return;
        if (NodeState.Read(bytes) is not { } state) lane.Close("It told a state that cannot be read.");
        else if (_homes.OnState(lane.Member, state)) PublishSoon();
    });

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
            _publish = new LoopTimer(_port.Loop, PublishDue);
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
        if (_view is null) _homes.Reset();
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

    private PartitionMap MapOf(ClusterView view)
    {
        Snapshot before = _snapshot;
        _joining = [.. view.Members.Where(static member => member.State == MemberState.Joining).Select(static member => IdOf(member.Node))];
        ProtocolMember[] members =
        [
            .. view.Members.Where(static member => member.State != MemberState.Down).Select(member =>
                new ProtocolMember(IdOf(member.Node), new StoreId(member.Store))
                {
                    IsReachable = member.IsReachable,
                    IsDraining = member.State == MemberState.Joining
                        || (member.Node == view.Self ? _homes.IsDraining : _homes.Drains(IdOf(member.Node))),
                    IsLeaving = member.State is MemberState.Leaving,
                }),
        ];
        var anew = new MembershipView(members);
        return before.Map is { } map && map.View.Members.SequenceEqual(anew.Members) ? map : new PartitionMap(_settings.Partitions, anew);
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
            PartitionMap map = MapOf(view);
            MemberId self = IdOf(view.Self);
            TimeSpan now = Now;
            _homes.Follow(
                [.. map.View.Members.Where(member => member.Id != self)
                    .Select(member => (member.Id, member.IsReachable && !_joining.Contains(member.Id)))], now);
            _isComplete = _homes.IsComplete(now);
            if (_homes.Claim(map, self, now) is { Count: > 0 } claimed) Broadcast(_homes.Of(claimed));
            _snapshot = new Snapshot(
                view, map, self,
                    _peers.ToFrozenDictionary(
                        static pair => IdOf(pair.Key), static pair =>
                            pair.Value.Lanes.Select(static lane => (INodeLane?)lane.Open).ToArray()))
            {
                Homes = _homes.Table.Entries,
                Reports = [.. _peers.Values.SelectMany(
                    static peer => peer.Lanes.Select(lane => (peer.Name.Address, lane.Number, lane.Open, lane.Counters)))],
                Draining = map.View.Members.Where(member => member.IsDraining && !_joining.Contains(member.Id))
                    .Select(static member => member.Id).ToFrozenSet(),
                IsComplete = _isComplete,
                IsDraining = _homes.IsDraining,
            };
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
        if (!_isComplete && _view is not null && _homes.IsComplete(now)) Publish();
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
                .AdoptBytes(socket,
                connection => opened = new NodeLane(this, connection, peer.Name, lane.Counters, _messageBytesMax, _relays));
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
        if (lane.Number == 0)
        {
            // A node takes part when it has been told the state: by then it knows the rest.
            foreach (byte[] piece in Shared?.Invoke() ?? []) opened.SendShared(piece);
            opened.SendState(_homes.State.ToBytes());
        }

        Publish();
    }

    /// <summary>Asks all other members that are not leaving. For any thread.</summary>
    /// <returns>HOST:PORT of each and its answer; null where there was none within 5 s.</returns>
    public async Task<IReadOnlyList<(string Node, byte[]? Answer)>> AskAllAsync(byte[] request, CancellationToken cancellationToken)
    {
        ClusterView? view = _snapshot.View;
        if (view is null) return [];
        return await Task.WhenAll(
            view.Members.Where(member => member.Node != view.Self && member.State == MemberState.Up)
                .Select(member => AskAsync(member.Node, request, cancellationToken))).ConfigureAwait(false);
    }

    /// <summary>Asks one other member. For any thread.</summary>
    /// <returns>Its answer; null if there was none within 5 s.</returns>
    public async Task<byte[]?> AskAsync(string address, byte[] request, CancellationToken cancellationToken) =>
        _snapshot.View?.Members.FirstOrDefault(member => member.Node.Address == address) is { Node.Uid: not 0 } member
            ? (await AskAsync(member.Node, request, cancellationToken).ConfigureAwait(false)).Answer : null;

    private async Task<(string Node, byte[]? Answer)> AskAsync(NodeName name, byte[] request, CancellationToken cancellationToken)
    {
        string node = name.Address;
        if (_snapshot.LaneTo(IdOf(name), 0) is not NodeLane lane) return (node, null);
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
    public void Dispose()
    {
        _timer?.Stop();
        _publish?.Stop();
    }
}
