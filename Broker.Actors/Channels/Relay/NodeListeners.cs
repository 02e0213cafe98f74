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
    private readonly Dictionary<string, List<(string Channel, ClientInfo Member)>> _hidden = new(StringComparer.Ordinal);
    private (StreamPosition Position, string Channel, byte[] Bytes)? _encoded;      // The last publication, for the next node.

    // One lane: the channels that its node listens to, and its clients there.
    private sealed class Listener(NodeListeners owner, INodeLane lane) : IChannelListener
    {
        internal Dictionary<string, Dictionary<string, ClientInfo>?> Channels { get; } = new(StringComparer.Ordinal);

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
            default:
                lane.Close("It sent a message of channels that this node does not know.");
                break;
        }
    }

    private void Enqueue(INodeLane lane, int partition, string channel, ulong request, byte[] message, bool isAppend = false)
    {
        if (!_directory.WayTo(partition, _relay.IsKept(channel)).IsHere)
            lane.Send(partition, NodeSerializer.Write(new NodeProtocol.NotHome(request)));
        else _relay.Enqueue(new NodeRequest(lane, partition, channel, message, isAppend));
    }

    /// <summary>Does what a node asks, in the channel's turn.</summary>
    internal void Handle(NodeRequest request)
    {
        switch (NodeSerializer.KindOf(request.Message))
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
            default:
                request.Lane.Close("It sent a message of channels that cannot be read.");
                break;
        }
    }

    private Listener ListenerOf(INodeLane lane)
    {
        if (!_listeners.TryGetValue(lane, out Listener? listener)) _listeners.Add(lane, listener = new Listener(this, lane));
        return listener;
    }

    private void OnAttached(NodeRequest request, in ChannelHomeProtocol.Attached attached)
    {
        if (attached.Error is null) ListenerOf(request.Lane).Channels.TryAdd(request.Channel, null);
        request.Lane.Send(request.Partition, ChannelHomeSerializer.Write(attached));
    }

    private void Detach(INodeLane lane, string channel)
    {
        if (!_listeners.TryGetValue(lane, out Listener? listener)
            || !listener.Channels.Remove(channel, out Dictionary<string, ClientInfo>? members)) return;
        foreach (string client in members?.Keys ?? Enumerable.Empty<string>()) _home.Leave(channel, client);
        _home.Detach(new ChannelHomeProtocol.Detach(channel), listener);
    }

    private void Join(INodeLane lane, in NodeProtocol.Join join)
    {
        if (!_listeners.TryGetValue(lane, out Listener? listener)
            || !listener.Channels.TryGetValue(join.Channel, out Dictionary<string, ClientInfo>? members)) return;
        if (members is null) listener.Channels[join.Channel] = members = new(StringComparer.Ordinal);
        members[join.Member.Client] = join.Member;
        string channel = join.Channel, client = join.Member.Client;
        if (_hidden.TryGetValue(lane.Node, out List<(string Channel, ClientInfo Member)>? hidden))
            hidden.RemoveAll(each => each.Channel == channel && each.Member.Client == client);
        if (_home.Join(join.Channel, join.Member) && join.IsReported)
            _relay.AnnounceAll(join.Channel, new PresenceChange(join.Member, HasJoined: true));
    }

    private void Leave(INodeLane lane, in NodeProtocol.Leave leave)
    {
        if (!_listeners.TryGetValue(lane, out Listener? listener)
            || !listener.Channels.TryGetValue(leave.Channel, out Dictionary<string, ClientInfo>? members)) return;
        members?.Remove(leave.Client);
        if (_home.Leave(leave.Channel, leave.Client) is { } left && leave.IsReported)
            _relay.AnnounceAll(leave.Channel, new PresenceChange(left, HasJoined: false));
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
        foreach ((string channel, Dictionary<string, ClientInfo>? members) in listener.Channels)
        {
            foreach (ClientInfo member in members?.Values ?? Enumerable.Empty<ClientInfo>())
            {
                if (_home.Leave(channel, member.Client) is null) continue;
                if (!_hidden.TryGetValue(lane.Node, out List<(string Channel, ClientInfo Member)>? hidden))
                    _hidden.Add(lane.Node, hidden = []);
                hidden.Add((channel, member));
            }

            _home.Detach(new ChannelHomeProtocol.Detach(channel), listener);
        }
    }

    /// <summary>A node is no member any more: the one that was hidden with it has left.</summary>
    internal void OnRemoved(string node)
    {
        if (!_hidden.Remove(node, out List<(string Channel, ClientInfo Member)>? hidden)) return;
        foreach ((string channel, ClientInfo member) in hidden) _relay.AnnounceAll(channel, new PresenceChange(member, HasJoined: false));
    }

    /// <summary>The home is lost: the nodes have to tell it anew what they listen to.</summary>
    internal void Abandon()
    {
        foreach (INodeLane lane in _listeners.Keys) lane.Close("The homes of channels were restarted.");
    }
}
