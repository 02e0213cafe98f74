using Akka.Actor;
using Broker.Actors.Channels.Delivery;
using Broker.Actors.Channels.Home;
using Broker.Actors.Channels.Presence;
using Broker.Actors.Model;
using static Broker.Actors.Channels.Delivery.ChannelProtocol;

namespace Broker.Actors.Channels.Relay;

/// <summary>
/// The part of a relay that a hub of one node does not have: asks homes on other nodes, follows the homes of this node's channels when
/// the cluster changes, and takes what arrives for them.
/// </summary>
/// <remarks>
/// For the thread of its actor. Of each channel with subscriptions here it knows where the node is attached. While a home is asked, or
/// there is no way to one, the channel's gate holds what comes behind.
/// <code>
/// attached here  --home moves-->  moving  --attached-->  attached there
/// attached there --lane ends, home moves-->  moving
/// </code>
/// While another node is the home and both reach each other, a channel moves when the home has said that its last publication was sent.
/// </remarks>
internal sealed class NodeHomes
{
    /// <summary>How long a command waits for a home before it is answered with a temporary error.</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    /// <summary>How long a channel stays with its former home, which has not said yet that it has sent its last publication.</summary>
    internal static readonly TimeSpan ReleasePatience = TimeSpan.FromMilliseconds(500);

    private const int WaitingMax = 100_000;

    private readonly ChannelRelay _relay;
    private readonly INodeDirectory _directory;
    private readonly Action _onWaiting;
    private readonly Func<long> _now;
    private readonly Dictionary<ulong, INodeCall> _calls = [];           // Sent, by the number of the request.
    private readonly List<INodeCall> _waiting = [];                      // For a way to the home, oldest first.
    private readonly Dictionary<string, EdgeChannel> _channels = new(StringComparer.Ordinal);
    private readonly List<EdgeChannel>?[] _byPartition;
    private readonly Dictionary<int, INodeLane> _released = [];         // By partition: the home that has sent its last publication.
    private readonly Dictionary<int, long> _unreleased = [];            // By partition: since when its home has been another one.
    private readonly bool[] _keptHere;                                  // By partition: whether histories of it are here.
    private readonly int[] _asked;                                      // By partition: calls under way that may attach this node.
    private readonly Dictionary<string, ChannelAppends> _appends = new(StringComparer.Ordinal);
    private ulong _lastRequest, _lastCall;
    // While an answer is handled: where it came from; null of the home here.
    private INodeLane? _answeredBy;

    /// <summary>Where the node is attached for one channel, and who of this node is there.</summary>
    private sealed class EdgeChannel(string name, int partition, bool isKept)
    {
        internal string Name { get; } = name;

        internal int Partition { get; } = partition;

        internal bool IsKept { get; } = isKept;

        internal int Index { get; set; }                                // In the list of its partition.

        internal INodeLane? Lane { get; set; }                          // Null: the home is here.

        internal bool IsMoving { get; set; }                            // It is being attached somewhere else.

        internal Dictionary<string, PresentClient>? Members { get; set; }               // Of this node, from the first on.

        internal List<(PresentClient Client, bool HasJoined)>? Changes { get; set; }    // Joins and leaves since it began to move.
    }

    // Publications of one channel that are on their way: a later one does not overtake them on the way to another home.
    private struct ChannelAppends
    {
        internal INodeLane? Lane;
        internal int Sent;
        internal int Waiting;
    }

    /// <summary>Makes it.</summary>
    /// <param name="relay">The relay.</param>
    /// <param name="directory">Where homes are.</param>
    /// <param name="thread">The relay's thread.</param>
    /// <param name="now">Milliseconds of the loop's clock.</param>
    /// <param name="onWaiting">Called when something begins to wait, for <see cref="Tick"/> a moment later.</param>
    internal NodeHomes(ChannelRelay relay, INodeDirectory directory, IHomeThread thread, Func<long> now, Action onWaiting)
    {
        _relay = relay;
        _directory = directory;
        _now = now;
        _onWaiting = onWaiting;
        Thread = thread;
        _keptHere = new bool[directory.Partitions];
        _byPartition = new List<EdgeChannel>?[directory.Partitions];
        _asked = new int[directory.Partitions];
    }

    /// <summary>What moves partitions between homes.</summary>
    internal required PartitionMoves Moves { private get; init; }

    internal IHomeThread Thread { get; }

    /// <summary>Whether the home of a channel is on this node and nothing of the channel is on its way.</summary>
    internal bool IsHere(string channel) => _channels.TryGetValue(channel, out EdgeChannel? known)
        ? known is { Lane: null, IsMoving: false } && Moves.WayTo(known.Partition, known.IsKept).IsHere
        : Moves.WayTo(_directory.PartitionOf(channel), _relay.IsKept(channel)).IsHere;

    /// <summary>Puts a command to the home of its channel. The channel's gate is held until the answer.</summary>
    internal void Ask<TCommand, TAnswer>(NodeMethod<TCommand, TAnswer> method, TCommand command, string channel)
    {
        var call = new NodeCall<TCommand, TAnswer>(this, _relay, method, command, channel, _directory.PartitionOf(channel), _now());
        call.Number = ++_lastCall;
        if (!call.IsAppend) _asked[call.Partition]++;
        _relay.BeginGate(channel, method.IsAppend);
        if (call.IsAppend && _appends.TryGetValue(channel, out ChannelAppends before) && before.Waiting > 0) Wait(call);
        else Dispatch(call);
    }

    private void Dispatch(INodeCall call)
    {
        HomeWay way = Moves.WayTo(call.Partition, _relay.IsKept(call.Channel));
        if (call.IsAppend && _appends.TryGetValue(call.Channel, out ChannelAppends before) && before.Sent > 0
            && !ReferenceEquals(before.Lane, way.Lane))
        {
            Wait(call);
        }
        else if (way.IsHere)
        {
            call.AskHere();
        }
        else if (way.Lane is { } lane)
        {
            call.Lane = lane;
            ulong request = ++_lastRequest;
            _calls.Add(request, call);
            if (lane.Send(call.Partition, call.Write(request)))
            {
                CountAppend(call, sent: 1, waiting: 0);
                return;
            }

            _calls.Remove(request);
            Wait(call);
        }
        else
        {
            Wait(call);
        }
    }

    private void Wait(INodeCall call)
    {
        call.Lane = null;
        if (_waiting.Count >= WaitingMax)
        {
            call.Fail(HubError.Internal);
            return;
        }

        _waiting.Add(call);
        CountAppend(call, sent: 0, waiting: 1);
        _onWaiting();
    }

    private INodeCall? TakeSent(ulong request)
    {
        if (!_calls.Remove(request, out INodeCall? call)) return null;
        CountAppend(call, sent: -1, waiting: 0);
        return call;
    }

    private void CountAppend(INodeCall call, int sent, int waiting)
    {
        if (!call.IsAppend) return;
        ChannelAppends known = _appends.GetValueOrDefault(call.Channel);
        known.Sent += sent;
        known.Waiting += waiting;
        if (sent > 0) known.Lane = call.Lane;
        if (known is { Sent: 0, Waiting: 0 }) _appends.Remove(call.Channel);
        else _appends[call.Channel] = known;
    }

    /// <summary>A call is done: what waits behind it follows.</summary>
    /// <param name="call">The call.</param>
    /// <param name="lane">Where the answer came from; null of the home here.</param>
    /// <param name="then">Goes on with the answer.</param>
    internal void Finished(INodeCall call, INodeLane? lane, Action then) => _relay.EndGate(call.Channel, call.IsAppend, () =>
    {
        if (!call.IsAppend) _asked[call.Partition]--;
        _answeredBy = lane;
        try
        {
            then();
        }
        finally
        {
            _answeredBy = null;
        }
    });

    /// <summary>Tries again what waits for a home, and gives up what has waited for too long.</summary>
    /// <returns>Whether something still waits.</returns>
    internal bool Tick()
    {
        INodeCall[] waiting = [.. _waiting.OrderBy(static call => call.Number)];
        _waiting.Clear();
        foreach (INodeCall call in waiting) CountAppend(call, sent: 0, waiting: -1);
        long now = _now();
        foreach (INodeCall call in waiting)
        {
            if (now - call.StartedMilliseconds > Patience.TotalMilliseconds) call.Fail(HubError.Internal);
            else if (call.IsAppend && _appends.TryGetValue(call.Channel, out ChannelAppends before) && before.Waiting > 0) Wait(call);
            else Dispatch(call);
        }

        return _waiting.Count > 0 || _unreleased.Count > 0;
    }

    /// <summary>Moves the channels whose former home has not said that it is done, once they have waited for it.</summary>
    internal void MoveOverdue()
    {
        long now = _now();
        foreach ((int partition, long since) in _unreleased.ToArray())
        {
            if (now - since < ReleasePatience.TotalMilliseconds) continue;
            _unreleased.Remove(partition);
            MoveEach(partition, static _ => true);
        }
    }

    /// <summary>A channel has subscriptions of this node from now on.</summary>
    internal void Attached(string channel)
    {
        var known = new EdgeChannel(channel, _directory.PartitionOf(channel), _relay.IsKept(channel)) { Lane = _answeredBy };
        _channels[channel] = known;
        List<EdgeChannel> neighbours = _byPartition[known.Partition] ??= [];
        known.Index = neighbours.Count;
        neighbours.Add(known);

        // The home may have moved on since it answered.
        if (IsRight(known)) return;
        _unreleased.TryAdd(known.Partition, _now());
        _onWaiting();
    }

    /// <summary>Whether the answer being handled came from where the node is attached for a channel.</summary>
    internal bool IsAnswerOfHome(string channel) =>
        _channels.TryGetValue(channel, out EdgeChannel? known) && ReferenceEquals(known.Lane, _answeredBy) && !known.IsMoving;

    /// <summary>A channel has no subscription of this node any more, or could not be attached.</summary>
    /// <returns>Whether the home is on this node, and is to be told by the relay.</returns>
    internal bool Detached(string channel)
    {
        INodeLane? lane = Remove(channel, out EdgeChannel? known) ? known.Lane : _answeredBy;
        lane?.Send(_directory.PartitionOf(channel), ChannelHomeSerializer.Write(new ChannelHomeProtocol.Detach(channel)));
        return lane is null;
    }

    private bool Remove(string channel, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out EdgeChannel? known)
    {
        if (!_channels.Remove(channel, out known)) return false;
        List<EdgeChannel> neighbours = _byPartition[known.Partition]!;
        neighbours[^1].Index = known.Index;
        neighbours[known.Index] = neighbours[^1];
        neighbours.RemoveAt(neighbours.Count - 1);
        if (neighbours.Count == 0) _byPartition[known.Partition] = null;
        return true;
    }

    /// <summary>A client of this node is in a channel.</summary>
    /// <returns>Whether the home is on this node, and is to be told by the relay.</returns>
    internal bool Join(string channel, ClientInfo member, bool isReported)
    {
        if (!_channels.TryGetValue(channel, out EdgeChannel? known)) return true;
        var client = new PresentClient(member, isReported);
        (known.Members ??= new(StringComparer.Ordinal))[member.Client] = client;
        if (MustNote(known, client, hasJoined: true)) return false;
        known.Lane?.Send(known.Partition, NodeSerializer.Write(new NodeProtocol.Join(channel, member, isReported)));
        return known.Lane is null;
    }

    /// <summary>A client of this node is in the channel no longer.</summary>
    /// <returns>Whether the home is on this node, and is to be told by the relay.</returns>
    internal bool Leave(string channel, string client, bool isReported)
    {
        if (!_channels.TryGetValue(channel, out EdgeChannel? known)) return true;
        if (known.Members is null || !known.Members.Remove(client, out PresentClient left)) return false;
        if (MustNote(known, left, hasJoined: false)) return false;
        known.Lane?.Send(known.Partition, NodeSerializer.Write(new NodeProtocol.Leave(channel, client, isReported)));
        return known.Lane is null;
    }

    // While there is no home to tell, it is told by the next one in its order.
    private bool MustNote(EdgeChannel known, PresentClient client, bool hasJoined)
    {
        if (!known.IsMoving && !(known.Lane is null && Moves.IsLeaving(known.Partition))) return false;
        (known.Changes ??= []).Add((client, hasJoined));
        return true;
    }

    /// <summary>Homes, or ways to them, have changed: channels follow.</summary>
    internal void OnChanged()
    {
        Moves.OnChanged();
        for (int partition = 0; partition < _byPartition.Length; partition++)
        {
            if (_byPartition[partition] is not { } channels)
            {
                _released.Remove(partition);
                continue;
            }

            MoveEach(partition, MayMove);
        }

        if (_unreleased.Count > 0) _onWaiting();

        DropMoved();
        Tick();
    }

    private bool IsRight(EdgeChannel known)
    {
        HomeWay way = _directory.WayTo(known.Partition, known.IsKept);
        return way.IsHere ? known.Lane is null : known.Lane is not null && ReferenceEquals(way.Lane, known.Lane);
    }

    // What the former home has sent is on its way while its lane is open: the channel moves behind that.
    private bool MayMove(EdgeChannel known)
    {
        if (known.Lane is not { } lane || !ReferenceEquals(_directory.LaneTo(lane.Node, known.Partition), lane)) return true;
        if (_released.TryGetValue(known.Partition, out INodeLane? released) && ReferenceEquals(released, lane)) return true;
        long now = _now();
        if (!_unreleased.TryGetValue(known.Partition, out long since)) _unreleased[known.Partition] = since = now;
        return now - since >= ReleasePatience.TotalMilliseconds;
    }

    // The home has sent its last publication of the partition.
    private void OnReleased(INodeLane lane, int partition)
    {
        _released[partition] = lane;
        MoveEach(partition, known => ReferenceEquals(known.Lane, lane));
    }

    private void MoveEach(int partition, Func<EdgeChannel, bool> mayMove)
    {
        foreach (EdgeChannel known in (_byPartition[partition] ?? []).FindAll(each => !each.IsMoving && !IsRight(each) && mayMove(each)))
            Move(known);
    }

    /// <summary>A partition stays where it is after all: its home learns who has joined and left meanwhile.</summary>
    internal void StayHere(int partition)
    {
        foreach (EdgeChannel known in _byPartition[partition] ?? [])
        {
            if (known is not { Lane: null, IsMoving: false, Changes: { } changes }) continue;
            known.Changes = null;
            foreach ((PresentClient client, bool hasJoined) in changes) _relay.ChangeHere(known.Name, client, hasJoined);
        }
    }

    /// <summary>The channels of this node whose home was on another one, which has moved it here, stay where they are.</summary>
    internal void AdoptHere(int partition, INodeLane former)
    {
        foreach (EdgeChannel known in _byPartition[partition] ?? [])
        {
            if (known.IsMoving || !ReferenceEquals(known.Lane, former) || _relay.Find(known.Name) is not { } channel
                || !_relay.TryAttachHere(channel)) continue;
            known.Lane = null;
            foreach (PresentClient each in known.Members?.Values ?? Enumerable.Empty<PresentClient>())
                _relay.JoinHere(known.Name, each.Member);
        }
    }

    /// <summary>
    /// Tells who of this node has joined or left a channel since the former home, which has moved it here, was told: what was on its way to
    /// that was lost.
    /// </summary>
    internal void ReconcileHere(string channel, IReadOnlyList<PresentClient> before)
    {
        EdgeChannel? known = _channels.GetValueOrDefault(channel);
        if (known is { IsMoving: true }) return;        // It tells its changes when it has moved.
        foreach (PresentClient each in before)
        {
            if (each.IsReported && known?.Members?.ContainsKey(each.Member.Client) != true)
                _relay.AnnounceAll(channel, new PresenceChange(each.Member, HasJoined: false));
        }

        HashSet<string> clients = [.. before.Select(static each => each.Member.Client)];
        foreach (PresentClient each in known?.Members?.Values ?? Enumerable.Empty<PresentClient>())
        {
            if (each.IsReported && !clients.Contains(each.Member.Client))
                _relay.AnnounceAll(channel, new PresenceChange(each.Member, HasJoined: true));
        }
    }

    /// <summary>The channels of this node in a partition whose home is here, with its clients that are there.</summary>
    internal IEnumerable<(string Channel, IReadOnlyList<PresentClient> Members)> ListenersOf(int partition) =>
        (_byPartition[partition] ?? []).Where(static known => known is { Lane: null, IsMoving: false })
            .Select(static known =>
            (known.Name, (IReadOnlyList<PresentClient>)[.. known.Members?.Values ?? Enumerable.Empty<PresentClient>()]));

    // A history whose home has moved on is void: another node counts on, under another epoch.
    private void DropMoved()
    {
        for (int partition = 0; partition < _keptHere.Length; partition++)
        {
            bool isHere = _directory.WayTo(partition, isKept: true).IsHere;
            if (_keptHere[partition] && !isHere) _relay.Evict(partition);
            _keptHere[partition] = isHere;
            if (!_unreleased.ContainsKey(partition)) continue;
            if (_byPartition[partition] is not { } channels || channels.TrueForAll(IsRight)) _unreleased.Remove(partition);
        }
    }

    /// <summary>The home does not know this node any more.</summary>
    internal void AttachAgain(string channel)
    {
        if (_channels.TryGetValue(channel, out EdgeChannel? known) && !known.IsMoving) Move(known);
    }

    private void Move(EdgeChannel known)
    {
        known.IsMoving = true;
        _relay.Enqueue(new MoveChannel(known.Name));
    }

    /// <summary>Attaches this node to the channel's new home, in the channel's turn.</summary>
    internal void Handle(MoveChannel move)
    {
        if (!_channels.TryGetValue(move.Channel, out EdgeChannel? known) || _relay.Find(move.Channel) is not { } channel)
        {
            return;
        }

        known.IsMoving = true;
        if (known.Lane is { } old) old.Send(known.Partition, ChannelHomeSerializer.Write(new ChannelHomeProtocol.Detach(move.Channel)));
        else _relay.DetachHere(channel, known.Members?.Keys ?? Enumerable.Empty<string>());
        Ask(NodeMethods.Move, (channel, move), move.Channel);
    }

    /// <summary>This node is attached to the channel's new home.</summary>
    internal void OnMoved(RelayChannel channel, in ChannelHomeProtocol.Attached attached)
    {
        if (!_channels.TryGetValue(channel.Name, out EdgeChannel? known)) return;
        known.IsMoving = false;
        if (attached.Error is not null)
        {
            Move(known);
            return;
        }

        known.Lane = _answeredBy;
        GoOn(channel, attached);
        SendPresence(known);

        // The home may have moved on meanwhile.
        if (!IsRight(known)) Move(known);
    }

    // A new home may have sent publications before this answer: they are not delivered twice.
    private static void GoOn(RelayChannel channel, in ChannelHomeProtocol.Attached attached)
    {
        if (attached.Position == channel.Position) return;
        if (!attached.Recovered || channel.RecoverFrom is null || attached.Position.Epoch != channel.Position.Epoch)
        {
            // The one that has a position learns that it means nothing any more, and subscribes again.
            channel.Move(attached.Position);
            channel.Verify(isLost: true);
            return;
        }

        foreach (Publication missed in attached.Missed ?? [])
        {
            if (missed.Offset > channel.Position.Offset)
                channel.Deliver(
                    new ChannelHomeProtocol.Deliver(channel.Name, attached.Position with { Offset = missed.Offset }, missed, ""));
        }

        channel.Position = attached.Position;
    }

    // Who was there when the channel began to move, and then what has changed since, in its order.
    private void SendPresence(EdgeChannel known)
    {
        if (known.Members is null) return;
        List<(PresentClient Client, bool HasJoined)> changes = known.Changes ?? [];
        known.Changes = null;
        Dictionary<string, PresentClient> before = new(known.Members, StringComparer.Ordinal);
        for (int i = changes.Count - 1; i >= 0; i--)
        {
            (PresentClient client, bool hasJoined) = changes[i];
            if (hasJoined) before.Remove(client.Member.Client);
            else before[client.Member.Client] = client;
        }

        if (known.Lane is not { } lane)
        {
            foreach (PresentClient each in before.Values) _relay.JoinHere(known.Name, each.Member);
            foreach ((PresentClient client, bool hasJoined) in changes) _relay.ChangeHere(known.Name, client, hasJoined);
            return;
        }

        lane.Send(known.Partition, NodeSerializer.Write(new NodeProtocol.Present(known.Name, before.Values)));
        foreach ((PresentClient client, bool hasJoined) in changes)
        {
            lane.Send(
                known.Partition, hasJoined ? NodeSerializer.Write(new NodeProtocol.Join(known.Name, client.Member, client.IsReported))
                    : NodeSerializer.Write(new NodeProtocol.Leave(known.Name, client.Member.Client, client.IsReported)));
        }
    }

    /// <summary>A lane has ended: what was asked over it is asked again, or has an unknown outcome.</summary>
    internal void OnEnded(INodeLane lane)
    {
        foreach ((ulong request, INodeCall call) in _calls.Where(each => ReferenceEquals(each.Value.Lane, lane)).ToArray())
        {
            _ = TakeSent(request);
            if (call.MayRepeat) Wait(call);
            else call.Fail(HubError.Internal);
        }

        OnChanged();
    }

    /// <summary>Takes a message of another node that is for this side of it.</summary>
    /// <returns>False if it is for a home.</returns>
    internal bool TryHandle(INodeLane lane, int partition, byte[] message)
    {
        switch (NodeSerializer.KindOf(message))
        {
            case NodeSerializer.Kind.Deliver: OnDeliver(lane, message); return true;
            case NodeSerializer.Kind.Announce: OnAnnounce(message); return true;
            case NodeSerializer.Kind.Moved: OnReleased(lane, partition); return true;
            case NodeSerializer.Kind.ListWanted: SendList(lane, partition); return true;
            case NodeSerializer.Kind.NotAttached when NodeSerializer.TryRead(message, out NodeProtocol.NotAttached unknown):
                foreach (string channel in unknown.Channels)
                {
                    if (IsAttachedBy(lane, channel)) AttachAgain(channel);
                }

                return true;
            case NodeSerializer.Kind.NotHome when NodeSerializer.TryRead(message, out NodeProtocol.NotHome elsewhere):
                if (TakeSent(elsewhere.Request) is { } refused) Wait(refused);
                return true;
            case NodeSerializer.Kind.Attached or NodeSerializer.Kind.Published or NodeSerializer.Kind.PositionChecked
                or NodeSerializer.Kind.HistoryRead
                or NodeSerializer.Kind.HistoryRemoved or NodeSerializer.Kind.PresenceRead:
                OnAnswer(lane, message);
                return true;
            default:
                return false;
        }
    }

    // Every answer begins with the number of its request.
    private void OnAnswer(INodeLane lane, byte[] message)
    {
        if (!NodeSerializer.TryReadRequest(message, out ulong request) || TakeSent(request) is not { } call) return;
        if (!ReferenceEquals(call.Lane, lane) || !call.TryFinish(message)) call.Fail(HubError.Internal);
    }

    /// <summary>
    /// Tells the homes of a partition on other nodes what this node listens to there, so that they find out what was lost.
    /// </summary>
    internal void SendDigest(int partition)
    {
        INodeLane? kept = _directory.WayTo(partition, isKept: true).Lane, other = _directory.WayTo(partition, isKept: false).Lane;
        if (kept is not null) SendDigest(kept, partition);
        if (other is not null && !ReferenceEquals(other, kept)) SendDigest(other, partition);
    }

    private void SendDigest(INodeLane lane, int partition)
    {
        if (IsUnsettled(partition)) return;
        var digest = default(InterestDigest);
        foreach (EdgeChannel known in _byPartition[partition] ?? [])
        {
            if (!ReferenceEquals(known.Lane, lane)) continue;
            digest = digest.With(known.Name);
            foreach (string client in known.Members?.Keys ?? Enumerable.Empty<string>()) digest = digest.With(known.Name, client);
        }

        lane.Send(partition, NodeSerializer.Write(new NodeProtocol.Digest(digest)));
    }

    // What is on its way would look like a difference.
    private bool IsUnsettled(int partition) =>
        _asked[partition] > 0 || (_byPartition[partition]?.Exists(static known => known.IsMoving) ?? false);

    private void SendList(INodeLane lane, int partition)
    {
        if (IsUnsettled(partition)) return;
        lane.Send(partition, NodeSerializer.Write(new NodeProtocol.Listens(
            [.. (_byPartition[partition] ?? []).Where(known => ReferenceEquals(known.Lane, lane))
                .Select(static known =>
                new NodeProtocol.Present(known.Name, [.. known.Members?.Values ?? Enumerable.Empty<PresentClient>()]))])));
    }

    private void OnDeliver(INodeLane lane, byte[] message)
    {
        if (!ChannelHomeSerializer.TryRead(message, out ChannelHomeProtocol.Deliver delivery)) return;
        if (_relay.Find(delivery.Channel) is { } channel && (IsAttachedBy(lane, delivery.Channel) || GoesOn(channel, delivery)))
            channel.Deliver(delivery);
        delivery.Publication.LongData?.Release();
    }

    // The next home was told who listens: it may send the next publication before this node has asked it.
    private static bool GoesOn(RelayChannel channel, in ChannelHomeProtocol.Deliver delivery) =>
        delivery.Position.Epoch != 0 && delivery.Position.Epoch == channel.Position.Epoch
            && delivery.Position.Offset == channel.Position.Offset + (delivery.Publication.Offset == 0 ? 0UL : 1UL);

    private void OnAnnounce(byte[] message)
    {
        // While a home moves it may be that of the next one, which this node has not asked yet.
        if (!NodeSerializer.TryRead(message, out NodeProtocol.Announce announce)) return;
        if (_relay.Find(announce.Channel) is { } channel) _relay.Announce(channel, announce.Change);
    }

    private bool IsAttachedBy(INodeLane lane, string channel) =>
        _channels.TryGetValue(channel, out EdgeChannel? known) && ReferenceEquals(known.Lane, lane);

    /// <summary>The relay is lost: the requester is told.</summary>
    internal void Abandon()
    {
        foreach (INodeCall call in _calls.Values.Concat(_waiting).ToArray()) call.Fail(HubError.Internal);
        foreach ((string name, EdgeChannel known) in _channels)
            known.Lane?.Send(known.Partition, ChannelHomeSerializer.Write(new ChannelHomeProtocol.Detach(name)));
    }
}

/// <summary>A channel's home is elsewhere now; handled in the channel's turn.</summary>
/// <param name="Channel">The channel.</param>
internal sealed record MoveChannel(string Channel);
