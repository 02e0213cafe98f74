using Broker.Cluster.Protocol.Interest;
using Broker.Cluster.Protocol.Members;
using Broker.Cluster.Protocol.Messages;

namespace Broker.Cluster.Protocol.Presence;

/// <summary>A home's index of who is in the partition's channels, by node. It can be thrown away: the edges send it again.</summary>
/// <remarks>
/// The truth is the node that has the connections. A node that is unreachable is hidden at once, without leave events; one that is removed
/// is dropped, with them; one that is reachable again is shown, without join events. Invariant: clients that were reported first, plus
/// joins, minus leaves that were put out = clients that are here, hidden ones included. What a node sends is numbered; of what arrives
/// repeated or late only the newest counts. For one thread.
/// </remarks>
public sealed class PresenceIndex
{
    private readonly Dictionary<MemberId, Node> _nodes = [];
    private readonly Dictionary<string, Dictionary<(MemberId Node, string Client), ReadOnlyMemory<byte>>> _channels =
        new(StringComparer.Ordinal);

    /// <summary>The nodes whose clients are here, or that have said that they have none.</summary>
    public IReadOnlyCollection<MemberId> Nodes => _nodes.Keys;

    /// <summary>A client joined.</summary>
    /// <returns>The change, or null if it was there already or the message is late.</returns>
    public PresenceChange? Join(MemberId from, PresenceJoin message)
    {
        ArgumentNullException.ThrowIfNull(message);
        return Receive(from, message.Number) is { } node ? Add(node, message.Entry) : null;
    }

    /// <summary>A client left.</summary>
    /// <returns>The change, or null if it was not there or the message is late.</returns>
    public PresenceChange? Leave(MemberId from, PresenceLeave message)
    {
        ArgumentNullException.ThrowIfNull(message);
        return Receive(from, message.Number) is { } node ? Remove(node, message.Channel, message.Client) : null;
    }

    /// <summary>Compares a node's digest. One that is equal is a report: the node's clients are known.</summary>
    /// <returns>True if the list is to be asked for: <see cref="PresenceWanted"/>.</returns>
    public bool Differs(MemberId from, PresenceDigest message)
    {
        ArgumentNullException.ThrowIfNull(message);
        if (Receive(from, message.Number) is not { } node) return false;
        bool isEqual = node.Count == message.Count && node.Xor == message.Xor;
        node.HasReported |= isEqual;
        return !isEqual;
    }

    /// <summary>Takes a part of a node's list; with the last part the node's clients are those of the list.</summary>
    /// <returns>
    /// Who joined and who left, compared with what was known; nothing of a node's first report, as its clients joined under another home.
    /// </returns>
    public IReadOnlyList<PresenceChange> Replace(MemberId from, PresenceList message)
    {
        ArgumentNullException.ThrowIfNull(message);
        var changes = new List<PresenceChange>();
        if (Receive(from, message.Number) is not { } node) return changes;
        if (message.IsFirst) node.Listed = [];
        if (node.Listed is null) return changes;        // The first part was lost: the next digest asks again.
        foreach (PresenceEntry each in message.Entries)
        {
            node.Listed.Add((each.Channel, each.Client));
            if (Add(node, each) is { } joined) changes.Add(joined);
        }

        if (!message.IsLast) return node.HasReported ? changes : [];
        foreach ((string channel, string client) in EntriesOf(node).Where(each => !node.Listed.Contains(each)).ToArray())
        {
            if (Remove(node, channel, client) is { } left) changes.Add(left);
        }

        node.Listed = null;
        if (!node.HasReported) changes.Clear();
        node.HasReported = true;
        return changes;
    }

    /// <summary>A node became unreachable: its clients are not shown.</summary>
    public void Hide(MemberId member)
    {
        if (_nodes.TryGetValue(member, out Node? node)) node.IsHidden = true;
    }

    /// <summary>A node is reachable again, in the same run.</summary>
    public void Show(MemberId member)
    {
        if (_nodes.TryGetValue(member, out Node? node)) node.IsHidden = false;
    }

    /// <summary>A node was removed from the members: its clients are gone.</summary>
    /// <returns>Their leaves.</returns>
    public IReadOnlyList<PresenceChange> Drop(MemberId member)
    {
        var changes = new List<PresenceChange>();
        if (!_nodes.TryGetValue(member, out Node? node)) return changes;
        foreach ((string channel, string client) in EntriesOf(node).ToArray())
        {
            if (Remove(node, channel, client) is { } left) changes.Add(left);
        }

        _nodes.Remove(member);
        return changes;
    }

    /// <summary>Whether every reachable member has reported: otherwise an answer must say that it is incomplete.</summary>
    public bool IsComplete(MembershipView view)
    {
        ArgumentNullException.ThrowIfNull(view);
        return view.Members.All(each => !each.IsReachable || (_nodes.TryGetValue(each.Id, out Node? node) && node.HasReported));
    }

    /// <summary>Who is in a channel, without the clients of hidden nodes.</summary>
    public IReadOnlyList<PresenceEntry> Read(string channel)
    {
        var entries = new List<PresenceEntry>();
        if (!_channels.TryGetValue(channel, out Dictionary<(MemberId Node, string Client), ReadOnlyMemory<byte>>? known)) return entries;
        foreach (((MemberId id, string client), ReadOnlyMemory<byte> info) in known)
        {
            if (!_nodes[id].IsHidden) entries.Add(new PresenceEntry(channel, client, info));
        }

        return entries;
    }

    private Node? Receive(MemberId from, ulong number)
    {
        if (!_nodes.TryGetValue(from, out Node? node)) _nodes[from] = node = new Node(from);
        if (number <= node.Number) return null;
        node.Number = number;
        return node;
    }

    // A client whose info has changed is there already: the digest follows, and no one joins.
    private PresenceChange? Add(Node node, PresenceEntry entry)
    {
        if (!_channels.TryGetValue(entry.Channel, out Dictionary<(MemberId Node, string Client), ReadOnlyMemory<byte>>? known))
            _channels[entry.Channel] = known = [];
        bool isThere = known.TryGetValue((node.Member, entry.Client), out ReadOnlyMemory<byte> before);
        if (isThere) node.Xor ^= ChannelHash.Of(entry.Channel, entry.Client, before.Span);
        else node.Count++;
        node.Xor ^= ChannelHash.Of(entry.Channel, entry.Client, entry.Info.Span);
        known[(node.Member, entry.Client)] = entry.Info;
        return isThere ? null : new PresenceChange(IsJoin: true, entry, node.Member);
    }

    private PresenceChange? Remove(Node node, string channel, string client)
    {
        if (!_channels.TryGetValue(channel, out Dictionary<(MemberId Node, string Client), ReadOnlyMemory<byte>>? known)) return null;
        if (!known.Remove((node.Member, client), out ReadOnlyMemory<byte> info)) return null;
        if (known.Count == 0) _channels.Remove(channel);
        node.Count--;
        node.Xor ^= ChannelHash.Of(channel, client, info.Span);
        return new PresenceChange(IsJoin: false, new PresenceEntry(channel, client, info), node.Member);
    }

    private IEnumerable<(string Channel, string Client)> EntriesOf(Node node) =>
        _channels.SelectMany(each => each.Value.Keys.Where(key => key.Node == node.Member).Select(key => (each.Key, key.Client)));

    private sealed class Node(MemberId member)
    {
        internal MemberId Member => member;

        internal ulong Number { get; set; }

        internal int Count { get; set; }

        internal ulong Xor { get; set; }

        internal bool IsHidden { get; set; }

        internal bool HasReported { get; set; }

        /// <summary>Who was in the parts of the list so far; null while none is on its way.</summary>
        internal HashSet<(string Channel, string Client)>? Listed { get; set; }
    }
}
