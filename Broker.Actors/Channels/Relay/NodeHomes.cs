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
/// </remarks>
internal sealed class NodeHomes
{
    /// <summary>How long a command waits for a home before it is answered with a temporary error.</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    private const int WaitingMax = 100_000;

    private readonly ChannelRelay _relay;
    private readonly INodeDirectory _directory;
    private readonly Action _onWaiting;
    private readonly Func<long> _now;
    private readonly Dictionary<ulong, INodeCall> _calls = [];           // Sent, by the number of the request.
    private readonly List<INodeCall> _waiting = [];                      // For a way to the home, oldest first.
    private readonly Dictionary<string, EdgeChannel> _channels = new(StringComparer.Ordinal);
    private readonly bool[] _keptHere;                                  // By partition: whether histories of it are here.
    private ulong _lastRequest;
    // While an answer is handled: where it came from; null of the home here.
    private INodeLane? _answeredBy;

    /// <summary>Where the node is attached for one channel, and who of this node is there.</summary>
    private sealed class EdgeChannel(int partition, bool isKept)
    {
        internal int Partition { get; } = partition;

        internal bool IsKept { get; } = isKept;

        internal INodeLane? Lane { get; set; }                          // Null: the home is here.

        internal bool IsMoving { get; set; }                            // It is being attached somewhere else.

        internal Dictionary<string, ClientInfo>? Members { get; set; }  // Of this node, from the first on.
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
    }

    internal IHomeThread Thread { get; }

    /// <summary>Whether the home of a channel is on this node and nothing of the channel is on its way.</summary>
    internal bool IsHere(string channel) => _channels.TryGetValue(channel, out EdgeChannel? known)
        ? known is { Lane: null, IsMoving: false } && _directory.WayTo(known.Partition, known.IsKept).IsHere
        : _directory.WayTo(_directory.PartitionOf(channel), _relay.IsKept(channel)).IsHere;

    /// <summary>Puts a command to the home of its channel. The channel's gate is held until the answer.</summary>
    internal void Ask<TCommand, TAnswer>(NodeMethod<TCommand, TAnswer> method, TCommand command, string channel)
    {
        var call = new NodeCall<TCommand, TAnswer>(this, _relay, method, command, channel, _directory.PartitionOf(channel), _now());
        _relay.BeginGate(channel, method.IsAppend);
        Dispatch(call);
    }

    private void Dispatch(INodeCall call)
    {
        HomeWay way = _directory.WayTo(call.Partition, _relay.IsKept(call.Channel));
        if (way.IsHere)
        {
            call.AskHere();
        }
        else if (way.Lane is { } lane)
        {
            call.Lane = lane;
            ulong request = ++_lastRequest;
            _calls.Add(request, call);
            if (lane.Send(call.Partition, call.Write(request))) return;
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
        _onWaiting();
    }

    /// <summary>A call is done: what waits behind it follows.</summary>
    /// <param name="call">The call.</param>
    /// <param name="lane">Where the answer came from; null of the home here.</param>
    /// <param name="then">Goes on with the answer.</param>
    internal void Finished(INodeCall call, INodeLane? lane, Action then) => _relay.EndGate(call.Channel, call.IsAppend, () =>
    {
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
        INodeCall[] waiting = [.. _waiting];
        _waiting.Clear();
        long now = _now();
        foreach (INodeCall call in waiting)
        {
            if (now - call.StartedMilliseconds > Patience.TotalMilliseconds) call.Fail(HubError.Internal);
            else Dispatch(call);
        }

        return _waiting.Count > 0;
    }

    /// <summary>A channel has subscriptions of this node from now on.</summary>
    internal void Attached(string channel)
    {
        _channels[channel] = new EdgeChannel(_directory.PartitionOf(channel), _relay.IsKept(channel)) { Lane = _answeredBy };
    }

    /// <summary>Whether the answer being handled came from where the node is attached for a channel.</summary>
    internal bool IsAnswerOfHome(string channel) =>
        _channels.TryGetValue(channel, out EdgeChannel? known) && ReferenceEquals(known.Lane, _answeredBy) && !known.IsMoving;

    /// <summary>A channel has no subscription of this node any more, or could not be attached.</summary>
    /// <returns>Whether the home is on this node, and is to be told by the relay.</returns>
    internal bool Detached(string channel)
    {
        INodeLane? lane = _channels.Remove(channel, out EdgeChannel? known) ? known.Lane : _answeredBy;
        lane?.Send(_directory.PartitionOf(channel), ChannelHomeSerializer.Write(new ChannelHomeProtocol.Detach(channel)));
        return lane is null;
    }

    /// <summary>A client of this node is in a channel.</summary>
    /// <returns>Whether the home is on this node, and is to be told by the relay.</returns>
    internal bool Join(string channel, ClientInfo member, bool isReported)
    {
        if (!_channels.TryGetValue(channel, out EdgeChannel? known)) return true;
        (known.Members ??= new(StringComparer.Ordinal))[member.Client] = member;
        known.Lane?.Send(known.Partition, NodeSerializer.Write(new NodeProtocol.Join(channel, member, isReported)));
        return known.Lane is null;
    }

    /// <summary>A client of this node is in the channel no longer.</summary>
    /// <returns>Whether the home is on this node, and is to be told by the relay.</returns>
    internal bool Leave(string channel, string client, bool isReported)
    {
        if (!_channels.TryGetValue(channel, out EdgeChannel? known)) return true;
        known.Members?.Remove(client);
        known.Lane?.Send(known.Partition, NodeSerializer.Write(new NodeProtocol.Leave(channel, client, isReported)));
        return known.Lane is null;
    }

    /// <summary>Homes, or ways to them, have changed: channels follow.</summary>
    internal void OnChanged()
    {
        foreach ((string name, EdgeChannel known) in _channels.ToArray())
        {
            if (!known.IsMoving && !IsRight(known)) Move(name, known);
        }

        DropMoved();
        Tick();
    }

    private bool IsRight(EdgeChannel known)
    {
        HomeWay way = _directory.WayTo(known.Partition, known.IsKept);
        return way.IsHere ? known.Lane is null : known.Lane is not null && ReferenceEquals(way.Lane, known.Lane);
    }

    // A history whose home has moved on is void: another node counts on, under another epoch.
    private void DropMoved()
    {
        for (int partition = 0; partition < _keptHere.Length; partition++)
        {
            bool isHere = _directory.WayTo(partition, isKept: true).IsHere;
            if (_keptHere[partition] && !isHere) _relay.Evict(partition);
            _keptHere[partition] = isHere;
        }
    }

    /// <summary>The home does not know this node any more.</summary>
    internal void AttachAgain(string channel)
    {
        if (_channels.TryGetValue(channel, out EdgeChannel? known) && !known.IsMoving) Move(channel, known);
    }

    private void Move(string name, EdgeChannel known)
    {
        known.IsMoving = true;
        _relay.Enqueue(new MoveChannel(name));
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
            Move(channel.Name, known);
            return;
        }

        known.Lane = _answeredBy;
        bool goesOn = attached.Recovered && channel.RecoverFrom is not null;
        if (goesOn)
        {
            foreach (Publication missed in attached.Missed ?? [])
                channel.Deliver(
                    new ChannelHomeProtocol.Deliver(channel.Name, attached.Position with { Offset = missed.Offset }, missed, ""));
        }

        // The one that has a position learns that it means nothing any more, and subscribes again.
        if (goesOn)
        {
            channel.Position = attached.Position;
        }
        else
        {
            channel.Move(attached.Position);
            channel.Verify(isLost: true);
        }

        foreach (ClientInfo member in known.Members?.Values ?? Enumerable.Empty<ClientInfo>())
        {
            if (known.Lane is { } lane)
                lane.Send(known.Partition, NodeSerializer.Write(new NodeProtocol.Join(channel.Name, member, IsReported: false)));
            else _relay.JoinHere(channel.Name, member);
        }

        // The home may have moved on meanwhile.
        if (!IsRight(known)) Move(channel.Name, known);
    }

    /// <summary>A lane has ended: what was asked over it is asked again, or has an unknown outcome.</summary>
    internal void OnEnded(INodeLane lane)
    {
        foreach ((ulong request, INodeCall call) in _calls.Where(each => ReferenceEquals(each.Value.Lane, lane)).ToArray())
        {
            _calls.Remove(request);
            if (call.MayRepeat) Wait(call);
            else call.Fail(HubError.Internal);
        }

        OnChanged();
    }

    /// <summary>Takes a message of another node that is for this side of it.</summary>
    /// <returns>False if it is for a home.</returns>
    internal bool TryHandle(INodeLane lane, byte[] message)
    {
        switch (NodeSerializer.KindOf(message))
        {
            case NodeSerializer.Kind.Deliver: OnDeliver(lane, message); return true;
            case NodeSerializer.Kind.Announce: OnAnnounce(lane, message); return true;
            case NodeSerializer.Kind.NotHome when NodeSerializer.TryRead(message, out NodeProtocol.NotHome elsewhere):
                if (_calls.Remove(elsewhere.Request, out INodeCall? refused)) Wait(refused);
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
        if (!NodeSerializer.TryReadRequest(message, out ulong request) || !_calls.Remove(request, out INodeCall? call)) return;
        if (!ReferenceEquals(call.Lane, lane) || !call.TryFinish(message)) call.Fail(HubError.Internal);
    }

    private void OnDeliver(INodeLane lane, byte[] message)
    {
        if (!ChannelHomeSerializer.TryRead(message, out ChannelHomeProtocol.Deliver delivery)) return;
        if (IsAttachedBy(lane, delivery.Channel) && _relay.Find(delivery.Channel) is { } channel) channel.Deliver(delivery);
        delivery.Publication.LongData?.Release();
    }

    private void OnAnnounce(INodeLane lane, byte[] message)
    {
        if (!NodeSerializer.TryRead(message, out NodeProtocol.Announce announce) || !IsAttachedBy(lane, announce.Channel)) return;
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
