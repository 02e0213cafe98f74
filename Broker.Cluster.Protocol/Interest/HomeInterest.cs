using System.Runtime.InteropServices;
using Broker.Cluster.Protocol.Members;
using Broker.Cluster.Protocol.Messages;

namespace Broker.Cluster.Protocol.Interest;

/// <summary>
/// A home's index of which nodes listen to which of the partition's channels. It can be thrown away: the edges send it again.
/// </summary>
/// <remarks>
/// Invariant: a channel is here exactly while a node listens to it, and each node's digest is that of its channels. What a node sends is
/// numbered; of what arrives repeated or late only the newest counts. For one thread.
/// </remarks>
public sealed class HomeInterest
{
    /// <summary>The most nodes that can listen to a partition.</summary>
    public const int NodesMax = 128;

    private readonly Dictionary<string, UInt128> _channels = new(StringComparer.Ordinal);
    private readonly Node?[] _nodes = new Node?[NodesMax];

    /// <summary>Channels that some node listens to.</summary>
    public int Channels => _channels.Count;

    /// <summary>A node listens to a channel.</summary>
    /// <returns>False if the message is older than what is known of the node, or there are too many nodes.</returns>
    public bool Listen(MemberId from, Listen message)
    {
        ArgumentNullException.ThrowIfNull(message);
        if (Receive(from, message.Number) is not { } node) return false;
        Add(node, message.Channel);
        return true;
    }

    /// <summary>A node listens no longer.</summary>
    /// <returns>False if the message is older than what is known of the node.</returns>
    public bool Unlisten(MemberId from, Unlisten message)
    {
        ArgumentNullException.ThrowIfNull(message);
        if (Receive(from, message.Number) is not { } node) return false;
        Remove(node, message.Channel);
        return true;
    }

    /// <summary>Compares a node's digest.</summary>
    /// <returns>True if the list is to be asked for: <see cref="InterestWanted"/>.</returns>
    public bool Differs(MemberId from, InterestDigest message)
    {
        ArgumentNullException.ThrowIfNull(message);
        return Receive(from, message.Number) is { } node && (node.Count != message.Count || node.Xor != message.Xor);
    }

    /// <summary>Takes a part of a node's list; the first part replaces what was known.</summary>
    public void Replace(MemberId from, InterestList message)
    {
        ArgumentNullException.ThrowIfNull(message);
        if (Receive(from, message.Number) is not { } node) return;
        if (message.IsFirst) Clear(node);
        foreach (string each in message.Channels) Add(node, each);
    }

    /// <summary>A node's lane is down, or it was removed: nothing is sent to it until it listens again.</summary>
    public void Evict(MemberId member)
    {
        if (Find(member) is not { } node) return;
        Clear(node);
        _nodes[node.Slot] = null;
    }

    /// <summary>Whether a node listens to a channel.</summary>
    public bool Listens(MemberId member, string channel) =>
        Find(member) is { } node && _channels.TryGetValue(channel, out UInt128 bits) && (bits & node.Bit) != 0;

    /// <summary>The nodes that listen to a channel, appended to a list.</summary>
    public void CopyListeners(string channel, IList<MemberId> members)
    {
        ArgumentNullException.ThrowIfNull(members);
        if (!_channels.TryGetValue(channel, out UInt128 bits)) return;
        for (; bits != 0; bits &= bits - 1) members.Add(_nodes[(int)UInt128.TrailingZeroCount(bits)]!.Member);
    }

    private Node? Receive(MemberId from, ulong number)
    {
        Node? node = Find(from);
        if (node is null)
        {
            int slot = Array.IndexOf(_nodes, null);
            if (slot < 0) return null;
            _nodes[slot] = node = new Node(from, slot);
        }

        if (number <= node.Number) return null;
        node.Number = number;
        return node;
    }

    private Node? Find(MemberId member)
    {
        foreach (Node? each in _nodes)
        {
            if (each is not null && each.Member == member) return each;
        }

        return null;
    }

    private void Add(Node node, string channel)
    {
        ref UInt128 bits = ref CollectionsMarshal.GetValueRefOrAddDefault(_channels, channel, out _);
        if ((bits & node.Bit) != 0) return;
        bits |= node.Bit;
        node.Count++;
        node.Xor ^= ChannelHash.Of(channel);
    }

    private void Remove(Node node, string channel)
    {
        if (!_channels.TryGetValue(channel, out UInt128 bits) || (bits & node.Bit) == 0) return;
        node.Count--;
        node.Xor ^= ChannelHash.Of(channel);
        if (bits == node.Bit) _channels.Remove(channel);
        else _channels[channel] = bits & ~node.Bit;
    }

    private void Clear(Node node)
    {
        if (node.Count == 0) return;
        foreach ((string channel, UInt128 bits) in _channels.ToArray())
        {
            if ((bits & node.Bit) != 0) Remove(node, channel);
        }
    }

    private sealed class Node(MemberId member, int slot)
    {
        internal MemberId Member => member;

        internal int Slot => slot;

        internal UInt128 Bit { get; } = UInt128.One << slot;

        internal ulong Number { get; set; }

        internal int Count { get; set; }

        internal ulong Xor { get; set; }
    }
}
