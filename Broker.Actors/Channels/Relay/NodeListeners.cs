using Broker.Actors.Channels.Home;
using Broker.Actors.Channels.Presence;
using Broker.Actors.Model;

namespace Broker.Actors.Channels.Relay;

/// <summary>
/// The part of a home that a hub of one node does not have: takes the requests of other nodes, and knows which of them listen to which
/// channels, and who of them is there.
/// </summary>
/// <remarks>
/// For the thread of its actor. What it knows of a node lasts as long as the lane that told it: the node tells it anew over the next one.
/// Members of a node whose lane has ended are hidden at once, and their leaves are told when the node is removed or has not brought them
/// again.
/// </remarks>
internal sealed class NodeListeners
{
    private const int KeptBytesMax = 64 * 1024;

    private readonly ChannelRelay _relay;
    private readonly ChannelHome _home;
    private readonly INodeDirectory _directory;
    private readonly Dictionary<INodeLane, Listener> _listeners = new(ReferenceEqualityComparer.Instance);
    // By node: who was there when its lane ended.
    private readonly Dictionary<string, List<(string Channel, PresentClient Client)>> _hidden = new(StringComparer.Ordinal);
    private (StreamPosition Position, string Channel, byte[] Bytes)? _encoded;      // The last publication, for the next node.

    // A channel that a node listens to, and its clients there.
    private sealed class Listened(int partition)
    {
        internal int Partition { get; } = partition;

        internal Dictionary<string, PresentClient>? Members { get; set; }

        internal bool IsMovedHere { get; set; }     // Told by the former home; the node itself has not told it yet.
    }

    // One lane: the channels that its node listens to.
    private sealed class Listener(NodeListeners owner, INodeLane lane) : IChannelListener
    {
        private readonly Dictionary<string, Listened> _channels = new(StringComparer.Ordinal);
        private readonly Dictionary<int, InterestDigest> _digests = [];

        internal Dictionary<string, Listened> Channels => _channels;

        internal InterestDigest DigestOf(int partition) => _digests.GetValueOrDefault(partition);

        internal Listened Add(string channel, int partition)
        {
            if (_channels.TryGetValue(channel, out Listened? known)) return known;
            _channels.Add(channel, known = new Listened(partition));
            _digests[partition] = DigestOf(partition).With(channel);
            return known;
        }

        internal Listened? Remove(string channel)
        {
            if (!_channels.Remove(channel, out Listened? known)) return null;
            InterestDigest digest = DigestOf(known.Partition).Without(channel);
            foreach (string client in known.Members?.Keys ?? Enumerable.Empty<string>()) digest = digest.Without(channel, client);
            if (digest == default) _digests.Remove(known.Partition);
            else _digests[known.Partition] = digest;
            return known;
        }

        internal void Join(string channel, Listened known, PresentClient client)
        {
            known.Members ??= new(StringComparer.Ordinal);
            if (!known.Members.ContainsKey(client.Member.Client))
                _digests[known.Partition] = DigestOf(known.Partition).With(channel, client.Member.Client);
            known.Members[client.Member.Client] = client;
        }

        internal void Leave(string channel, Listened known, string client)
        {
            if (known.Members?.Remove(client) == true) _digests[known.Partition] = DigestOf(known.Partition).Without(channel, client);
        }

        public int Deliver(in ChannelHomeProtocol.Deliver delivery)
        {
            lane.Send(owner._directory.PartitionOf(delivery.Channel), owner.Encode(delivery), mayDrop: true);
            return 1;
        }
    }

    internal NodeListeners(ChannelRelay relay, ChannelHome home, INodeDirectory directory)
    {
        _relay = relay;
        _home = home;
        _directory = directory;
    }

    // Once for all nodes that listen; a publication that took no place has the same position as the one before.
    private byte[] Encode(in ChannelHomeProtocol.Deliver delivery)
    {
        if (delivery.Publication.Offset != 0 && _encoded is { } last && last.Position == delivery.Position
            && last.Channel == delivery.Channel) return last.Bytes;
        byte[] bytes = ChannelHomeSerializer.Write(delivery);
        _encoded = bytes.Length <= KeptBytesMax ? (delivery.Position, delivery.Channel, bytes) : null;
        return bytes;
    }

    /// <summary>Takes a message of another node that is for a home.</summary>
    internal void Handle(INodeLane lane, int partition, byte[] message)
    {
        switch (NodeSerializer.KindOf(message))
        {
            case NodeSerializer.Kind.Attach when ChannelHomeSerializer.TryRead(message, out ChannelHomeProtocol.Attach attach):
                Enqueue(lane, partition, attach.Channel, attach.Request, message);
                break;
            case NodeSerializer.Kind.CheckPosition
                when ChannelHomeSerializer.TryRead(message, out ChannelHomeProtocol.CheckPosition check):
                Enqueue(lane, partition, check.Channel, check.Request, message);
                break;
            case NodeSerializer.Kind.Publish when NodeSerializer.TryReadTarget(message, out string channel, out ulong request):
                Enqueue(lane, partition, channel, request, message, isAppend: true);
                break;
            case NodeSerializer.Kind.ReadHistory when NodeSerializer.TryRead(message, out NodeProtocol.ReadHistory read):
                Enqueue(lane, partition, read.Channel, read.Request, message);
                break;
            case NodeSerializer.Kind.RemoveHistory when NodeSerializer.TryRead(message, out NodeProtocol.RemoveHistory remove):
                Enqueue(lane, partition, remove.Channel, remove.Request, message);
                break;
            case NodeSerializer.Kind.ReadPresence when NodeSerializer.TryRead(message, out NodeProtocol.ReadPresence read):
                Enqueue(lane, partition, read.Channel, read.Request, message);
                break;
            case NodeSerializer.Kind.Detach when ChannelHomeSerializer.TryRead(message, out ChannelHomeProtocol.Detach detach):
                _relay.Enqueue(new NodeRequest(lane, partition, detach.Channel, message, IsAppend: false));
                break;
            case NodeSerializer.Kind.Join when NodeSerializer.TryRead(message, out NodeProtocol.Join join):
                _relay.Enqueue(new NodeRequest(lane, partition, join.Channel, message, IsAppend: false));
                break;
            case NodeSerializer.Kind.Leave when NodeSerializer.TryRead(message, out NodeProtocol.Leave leave):
                _relay.Enqueue(new NodeRequest(lane, partition, leave.Channel, message, IsAppend: false));
                break;
            case NodeSerializer.Kind.Present when NodeSerializer.TryRead(message, out NodeProtocol.Present present):
                _relay.Enqueue(new NodeRequest(lane, partition, present.Channel, message, IsAppend: false));
                break;
            case NodeSerializer.Kind.Digest when NodeSerializer.TryRead(message, out NodeProtocol.Digest sent):
                OnDigest(lane, partition, sent.Value);
                break;
            case NodeSerializer.Kind.Listens when NodeSerializer.TryRead(message, out NodeProtocol.Listens listens):
                OnListens(lane, partition, listens);
                break;
            case NodeSerializer.Kind.Handover when MoveSerializer.ReadHandover(message) is { } handover:
                Moves.Handle(lane, partition, handover);
                break;
            case NodeSerializer.Kind.Handed when MoveSerializer.TryRead(message, out MoveProtocol.Handed handed):
                Moves.Handle(lane, partition, handed);
                break;
            default:
                lane.Close("It sent a message of channels that this node does not know.");
                break;
        }
    }

    private void Enqueue(INodeLane lane, int partition, string channel, ulong request, byte[] message, bool isAppend = false)
    {
        if (!Moves.WayTo(partition, _relay.IsKept(channel)).IsHere)
            lane.Send(partition, NodeSerializer.Write(new NodeProtocol.NotHome(request)));
        else _relay.Enqueue(new NodeRequest(lane, partition, channel, message, isAppend));
    }

    /// <summary>Does what a node asks, in the channel's turn.</summary>
    internal void Handle(NodeRequest request)
    {
        // The partition may have begun to move while the request waited for its turn. What is no request is told the next home again.
        NodeSerializer.Kind kind = NodeSerializer.KindOf(request.Message);
        if (kind != NodeSerializer.Kind.Detach && !Moves.WayTo(request.Partition, _relay.IsKept(request.Channel)).IsHere)
        {
            if (kind is not (NodeSerializer.Kind.Join or NodeSerializer.Kind.Leave or NodeSerializer.Kind.Present)
                && NodeSerializer.TryReadTarget(request.Message, out _, out ulong number))
                request.Lane.Send(request.Partition, NodeSerializer.Write(new NodeProtocol.NotHome(number)));
            return;
        }

        switch (kind)
        {
            case NodeSerializer.Kind.Attach when ChannelHomeSerializer.TryRead(request.Message, out ChannelHomeProtocol.Attach attach):
                Listener listener = ListenerOf(request.Lane);
                _relay.Then(attach.Channel, isAppend: false, _home.AttachAsync(attach, listener), request,
                    static (relay, asked, answer) => relay.Listeners!.OnAttached(asked, answer));
                break;
            case NodeSerializer.Kind.CheckPosition
                when ChannelHomeSerializer.TryRead(request.Message, out ChannelHomeProtocol.CheckPosition check):
                _relay.Then(
                    check.Channel,
                    isAppend: false,
                    _home.CheckAsync(check, ListenerOf(request.Lane)),
                    request,
                    static (_, asked, answer) => asked.Lane.Send(asked.Partition, ChannelHomeSerializer.Write(answer)));
                break;
            case NodeSerializer.Kind.Publish when ChannelHomeSerializer.TryRead(request.Message, out ChannelHomeProtocol.Publish publish):
                ValueTask<ChannelHomeProtocol.Published> published = _home.PublishAsync(publish);
                publish.Publication.LongData?.Release();
                _relay.Then(publish.Channel, isAppend: true, published, request,
                    static (_, asked, answer) => asked.Lane.Send(asked.Partition, ChannelHomeSerializer.Write(answer)));
                break;
            case NodeSerializer.Kind.ReadHistory when NodeSerializer.TryRead(request.Message, out NodeProtocol.ReadHistory read):
                _relay.Then(read.Channel, isAppend: false, _home.ReadAsync(read.Channel, read.Query), (request, read.Request),
                    static (_, asked, answer) =>
                    asked.request.Lane.Send(
                        asked.request.Partition,
                            NodeSerializer.Write(new NodeProtocol.HistoryRead(asked.Request, answer.Page, answer.Error))));
                break;
            case NodeSerializer.Kind.RemoveHistory when NodeSerializer.TryRead(request.Message, out NodeProtocol.RemoveHistory remove):
                _relay.Then(remove.Channel, isAppend: false, _home.RemoveAsync(remove.Channel), (request, remove.Request),
                    static (_, asked, error) =>
                    asked.request.Lane.Send(
                        asked.request.Partition, NodeSerializer.Write(new NodeProtocol.HistoryRemoved(asked.Request, error))));
                break;
            case NodeSerializer.Kind.ReadPresence when NodeSerializer.TryRead(request.Message, out NodeProtocol.ReadPresence read):
                request.Lane.Send(request.Partition, NodeSerializer.Write(_relay.PresenceOf(read.Channel, read.Request, read.CountsOnly)));
                break;
            case NodeSerializer.Kind.Detach when ChannelHomeSerializer.TryRead(request.Message, out ChannelHomeProtocol.Detach detach):
                Detach(request.Lane, detach.Channel);
                break;
            case NodeSerializer.Kind.Join when NodeSerializer.TryRead(request.Message, out NodeProtocol.Join join):
                Join(request.Lane, join);
                break;
            case NodeSerializer.Kind.Leave when NodeSerializer.TryRead(request.Message, out NodeProtocol.Leave leave):
                Leave(request.Lane, leave);
                break;
            case NodeSerializer.Kind.Present when NodeSerializer.TryRead(request.Message, out NodeProtocol.Present present):
                Replace(request.Lane, present);
                break;
            default:
                request.Lane.Close("It sent a message of channels that cannot be read.");
                break;
        }
    }

    /// <summary>What moves partitions between homes.</summary>
    internal required PartitionMoves Moves { private get; init; }

    private Listener ListenerOf(INodeLane lane)
    {
        if (!_listeners.TryGetValue(lane, out Listener? listener)) _listeners.Add(lane, listener = new Listener(this, lane));
        return listener;
    }

    private void OnAttached(NodeRequest request, in ChannelHomeProtocol.Attached attached)
    {
        if (attached.Error is null) ListenerOf(request.Lane).Add(request.Channel, request.Partition);
        request.Lane.Send(request.Partition, ChannelHomeSerializer.Write(attached));
    }

    private void Detach(INodeLane lane, string channel)
    {
        if (!_listeners.TryGetValue(lane, out Listener? listener) || listener.Remove(channel) is not { } listened) return;
        foreach (string client in listened.Members?.Keys ?? Enumerable.Empty<string>()) _home.Leave(channel, client);
        _home.Detach(new ChannelHomeProtocol.Detach(channel), listener);
    }

    private void Join(INodeLane lane, in NodeProtocol.Join join)
    {
        if (!_listeners.TryGetValue(lane, out Listener? listener) || !listener.Channels.TryGetValue(join.Channel, out Listened? listened))
            return;
        listener.Join(join.Channel, listened, new PresentClient(join.Member, join.IsReported));
        _ = Unhide(lane.Node, join.Channel, join.Member.Client);
        if (_home.Join(join.Channel, join.Member) && join.IsReported)
            _relay.AnnounceAll(join.Channel, new PresenceChange(join.Member, HasJoined: true));
    }

    private void Leave(INodeLane lane, in NodeProtocol.Leave leave)
    {
        if (!_listeners.TryGetValue(lane, out Listener? listener) || !listener.Channels.TryGetValue(leave.Channel, out Listened? listened))
            return;
        listener.Leave(leave.Channel, listened, leave.Client);
        if (_home.Leave(leave.Channel, leave.Client) is { } left && leave.IsReported)
            _relay.AnnounceAll(leave.Channel, new PresenceChange(left, HasJoined: false));
    }

    // What the node says takes the place of what was known: of hidden clients that are not there any more the leaves are told, and where
    // the former home has told who was there, also what was lost on its way to that.
    private void Replace(INodeLane lane, in NodeProtocol.Present present)
    {
        if (!_listeners.TryGetValue(lane, out Listener? listener)
            || !listener.Channels.TryGetValue(present.Channel, out Listened? listened)) return;
        Replace(listener, lane.Node, listened, present, isNews: listened.IsMovedHere);
        listened.IsMovedHere = false;
    }

    private void Replace(Listener listener, string node, Listened listened, in NodeProtocol.Present present, bool isNews)
    {
        HashSet<string> there = [.. present.Members.Select(static each => each.Member.Client)];
        foreach (PresentClient gone in (listened.Members?.Values ?? Enumerable.Empty<PresentClient>())
            .Where(each => !there.Contains(each.Member.Client)).ToArray())
        {
            listener.Leave(present.Channel, listened, gone.Member.Client);
            RemoveMember(present.Channel, gone);
        }

        foreach (PresentClient each in present.Members)
        {
            listener.Join(present.Channel, listened, each);
            bool wasHidden = Unhide(node, present.Channel, each.Member.Client) is not null;
            if (_home.Join(present.Channel, each.Member) && !wasHidden && isNews && each.IsReported)
                _relay.AnnounceAll(present.Channel, new PresenceChange(each.Member, HasJoined: true));
        }

        string name = present.Channel;
        foreach ((_, PresentClient client) in TakeHidden(node, channel => channel == name)) RemoveMember(name, client);
    }

    // The node has told everything of the partition: hidden clients that it has not brought again have left.
    private void OnSettled(string node, int partition)
    {
        foreach ((string channel, PresentClient client) in TakeHidden(node, channel => _directory.PartitionOf(channel) == partition))
            RemoveMember(channel, client);
    }

    private void OnDigest(INodeLane lane, int partition, in InterestDigest digest)
    {
        if (!IsHomeHere(partition)) return;
        InterestDigest known = _listeners.TryGetValue(lane, out Listener? listener) ? listener.DigestOf(partition) : default;
        if (known == digest) OnSettled(lane.Node, partition);
        else lane.Send(partition, NodeSerializer.Write(default(NodeProtocol.ListWanted)));
    }

    private void OnListens(INodeLane lane, int partition, in NodeProtocol.Listens listens)
    {
        if (!IsHomeHere(partition)) return;
        Listener listener = ListenerOf(lane);
        HashSet<string> there = [.. listens.Channels.Select(static each => each.Channel)];
        foreach ((string channel, Listened listened) in listener.Channels.Where(
            each => each.Value.Partition == partition && !there.Contains(each.Key)).ToArray())
        {
            foreach (PresentClient gone in (listened.Members?.Values ?? Enumerable.Empty<PresentClient>()).ToArray())
                RemoveMember(channel, gone);
            Detach(lane, channel);
        }

        List<string> unknown = [];
        foreach (NodeProtocol.Present present in listens.Channels)
        {
            if (listener.Channels.TryGetValue(present.Channel, out Listened? listened))
                Replace(listener, lane.Node, listened, present, isNews: true);
            else unknown.Add(present.Channel);
        }

        if (unknown.Count > 0) lane.Send(partition, NodeSerializer.Write(new NodeProtocol.NotAttached(unknown)));
        else OnSettled(lane.Node, partition);
    }

    private bool IsHomeHere(int partition) => Moves.WayTo(partition, isKept: true).IsHere || Moves.WayTo(partition, isKept: false).IsHere;

    private void RemoveMember(string channel, in PresentClient client)
    {
        _ = _home.Leave(channel, client.Member.Client);
        if (client.IsReported) _relay.AnnounceAll(channel, new PresenceChange(client.Member, HasJoined: false));
    }

    private PresentClient? Unhide(string node, string channel, string client)
    {
        if (!_hidden.TryGetValue(node, out List<(string Channel, PresentClient Client)>? hidden)) return null;
        int index = hidden.FindIndex(each => each.Channel == channel && each.Client.Member.Client == client);
        if (index < 0) return null;
        PresentClient found = hidden[index].Client;
        hidden.RemoveAt(index);
        return found;
    }

    private (string Channel, PresentClient Client)[] TakeHidden(string node, Func<string, bool> isMeant)
    {
        if (!_hidden.TryGetValue(node, out List<(string Channel, PresentClient Client)>? hidden)) return [];
        (string Channel, PresentClient Client)[] taken = [.. hidden.Where(each => isMeant(each.Channel))];
        if (taken.Length > 0) hidden.RemoveAll(each => isMeant(each.Channel));
        if (hidden.Count == 0) _hidden.Remove(node);
        return taken;
    }

    /// <summary>The other nodes that listen to channels of a partition, with their clients there.</summary>
    internal IEnumerable<(string Node, string Channel, IReadOnlyList<PresentClient> Members)> ListenersOf(IReadOnlySet<int> partitions) =>
        (from each in _listeners
        from channel in each.Value.Channels
        where partitions.Contains(channel.Value.Partition)
        select (each.Key.Node, channel.Key,
            (IReadOnlyList<PresentClient>)[.. channel.Value.Members?.Values ?? Enumerable.Empty<PresentClient>()]))
        .Concat(
            from each in _hidden
            from hidden in each.Value
            where partitions.Contains(_directory.PartitionOf(hidden.Channel))
            group hidden.Client by (Node: each.Key, hidden.Channel) into clients
            select (clients.Key.Node, clients.Key.Channel, (IReadOnlyList<PresentClient>)[.. clients]));

    /// <summary>The former home of a channel has told of clients of a node that this one has no lane to.</summary>
    internal void Hide(string node, string channel, IReadOnlyList<PresentClient> members)
    {
        if (members.Count == 0) return;
        if (!_hidden.TryGetValue(node, out List<(string Channel, PresentClient Client)>? hidden)) _hidden.Add(node, hidden = []);
        hidden.AddRange(members.Select(member => (channel, member)));
    }

    /// <summary>The former home of a channel has told that a node listens, and who of its clients is there.</summary>
    internal void Adopt(INodeLane lane, string channel, int partition, IReadOnlyList<PresentClient> members)
    {
        Listener listener = ListenerOf(lane);
        if (_home.PositionOf(channel) is not { } position || !_home.TryAttach(channel, listener, position)) return;
        Listened listened = listener.Add(channel, partition);
        listened.IsMovedHere = true;
        foreach (PresentClient each in members)
        {
            listener.Join(channel, listened, each);
            _home.Join(channel, each.Member);
        }
    }

    /// <summary>Tells the nodes that listen to a channel who joined or left.</summary>
    internal void Announce(string channel, in PresenceChange change)
    {
        byte[]? bytes = null;
        foreach ((INodeLane lane, Listener listener) in _listeners)
        {
            if (listener.Channels.ContainsKey(channel))
                lane.Send(_directory.PartitionOf(channel), bytes ??= NodeSerializer.Write(new NodeProtocol.Announce(channel, change)));
        }
    }

    /// <summary>A lane has ended: its node listens no more, and its clients are hidden.</summary>
    internal void OnEnded(INodeLane lane)
    {
        if (!_listeners.Remove(lane, out Listener? listener)) return;
        foreach ((string channel, Listened listened) in listener.Channels)
        {
            foreach (PresentClient each in listened.Members?.Values ?? Enumerable.Empty<PresentClient>())
            {
                if (_home.Leave(channel, each.Member.Client) is null) continue;
                if (!_hidden.TryGetValue(lane.Node, out List<(string Channel, PresentClient Client)>? hidden))
                    _hidden.Add(lane.Node, hidden = []);
                hidden.Add((channel, each));
            }

            _home.Detach(new ChannelHomeProtocol.Detach(channel), listener);
        }
    }

    /// <summary>A node is no member any more: the one that was hidden with it has left.</summary>
    internal void OnRemoved(string node)
    {
        if (!_hidden.Remove(node, out List<(string Channel, PresentClient Client)>? hidden)) return;
        foreach ((string channel, PresentClient client) in hidden)
        {
            if (client.IsReported && Moves.WayTo(_directory.PartitionOf(channel), _relay.IsKept(channel)).IsHere)
                _relay.AnnounceAll(channel, new PresenceChange(client.Member, HasJoined: false));
        }
    }

    /// <summary>The home is lost: the nodes have to tell it anew what they listen to.</summary>
    internal void Abandon()
    {
        foreach (INodeLane lane in _listeners.Keys) lane.Close("The homes of channels were restarted.");
    }
}
