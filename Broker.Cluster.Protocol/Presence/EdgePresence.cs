using Broker.Cluster.Protocol.Interest;
using Broker.Cluster.Protocol.Members;
using Broker.Cluster.Protocol.Messages;

namespace Broker.Cluster.Protocol.Presence;

/// <summary>Where the messages go that an <see cref="EdgePresence"/> puts out.</summary>
public interface IPresenceOutput
{
    /// <summary>A message for a home; this node itself may be the home.</summary>
    void Send(MemberId to, IPartitionMessage message);
}

/// <summary>A node's own clients in channels: the truth that the homes' indexes are made of. For one thread.</summary>
/// <param name="output">Where messages go.</param>
/// <param name="digestEvery">How often a home is sent a digest.</param>
public sealed class EdgePresence(IPresenceOutput output, TimeSpan digestEvery)
{
    private const int ListBytesMax = 256 * 1024;

    private readonly Dictionary<int, PartitionPresence> _partitions = [];
    private ulong _numbers;

    /// <summary>A client of this node joins a channel, or its info changes.</summary>
    public void Join(int partition, PresenceEntry entry)
    {
        PartitionPresence known = Of(partition);
        known.Remove(entry.Channel, entry.Client);
        known.Add(entry);
        if (known.Home is { } home) output.Send(home, new PresenceJoin(partition, ++_numbers, entry));
    }

    /// <summary>A client of this node leaves a channel.</summary>
    public void Leave(int partition, string channel, string client)
    {
        PartitionPresence known = Of(partition);
        if (known.Remove(channel, client) && known.Home is { } home)
            output.Send(home, new PresenceLeave(partition, ++_numbers, channel, client));
    }

    /// <summary>The partition has another home, or the lane to it is up again; null while there is none or its lane is down.</summary>
    public void OnHome(int partition, MemberId? home, TimeSpan now)
    {
        PartitionPresence known = Of(partition);
        known.Home = home;
        known.DigestAt = now;
        SendDigest(partition, known);
    }

    /// <summary>A home asks for the list of a partition.</summary>
    public void OnWanted(MemberId from, PresenceWanted message)
    {
        ArgumentNullException.ThrowIfNull(message);
        if (!_partitions.TryGetValue(message.Partition, out PartitionPresence? known) || known.Home != from) return;
        var part = new List<PresenceEntry>();
        bool isFirst = true;
        int bytes = 0;
        foreach (PresenceEntry each in known.Entries)
        {
            int next = 12 + ((each.Channel.Length + each.Client.Length) * 3) + each.Info.Length;
            if (part.Count > 0 && bytes + next > ListBytesMax)
            {
                output.Send(from, new PresenceList(message.Partition, ++_numbers, isFirst, IsLast: false, part));
                (part, isFirst, bytes) = ([], false, 0);
            }

            part.Add(each);
            bytes += next;
        }

        output.Send(from, new PresenceList(message.Partition, ++_numbers, isFirst, IsLast: true, part));
    }

    /// <summary>Lets time pass: sends digests.</summary>
    public void Tick(TimeSpan now)
    {
        foreach ((int partition, PartitionPresence known) in _partitions)
        {
            if (now - known.DigestAt < digestEvery) continue;
            known.DigestAt = now;
            SendDigest(partition, known);
        }
    }

    private void SendDigest(int partition, PartitionPresence known)
    {
        if (known.Home is { } home) output.Send(home, new PresenceDigest(partition, ++_numbers, known.Count, known.Xor));
    }

    private PartitionPresence Of(int partition)
    {
        if (!_partitions.TryGetValue(partition, out PartitionPresence? known)) _partitions[partition] = known = new PartitionPresence();
        return known;
    }

    private sealed class PartitionPresence
    {
        private readonly Dictionary<(string Channel, string Client), ReadOnlyMemory<byte>> _clients = [];

        internal MemberId? Home { get; set; }

        internal TimeSpan DigestAt { get; set; }

        internal ulong Xor { get; private set; }

        internal int Count => _clients.Count;

        internal IEnumerable<PresenceEntry> Entries =>
            _clients.Select(static each => new PresenceEntry(each.Key.Channel, each.Key.Client, each.Value));

        internal void Add(PresenceEntry entry)
        {
            _clients[(entry.Channel, entry.Client)] = entry.Info;
            Xor ^= ChannelHash.Of(entry.Channel, entry.Client, entry.Info.Span);
        }

        internal bool Remove(string channel, string client)
        {
            if (!_clients.Remove((channel, client), out ReadOnlyMemory<byte> info)) return false;
            Xor ^= ChannelHash.Of(channel, client, info.Span);
            return true;
        }
    }
}
