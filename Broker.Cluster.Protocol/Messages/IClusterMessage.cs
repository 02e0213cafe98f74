namespace Broker.Cluster.Protocol.Messages;

/// <summary>What one node sends another: values only.</summary>
public interface IClusterMessage
{
    /// <summary>The byte that names the message on the wire.</summary>
    ClusterMessageKind Kind { get; }

    /// <summary>Writes the fields, in the order of their declaration.</summary>
    void Write(WireWriter writer);
}

/// <summary>A message about one partition, which its home and its replicas handle in their partition.</summary>
public interface IPartitionMessage : IClusterMessage
{
    /// <summary>The partition; whether there is one of that number is for the receiver to check.</summary>
    int Partition { get; }
}

/// <summary>The messages by their bytes. A number that was used once is not used again for another message.</summary>
public enum ClusterMessageKind : byte
{
    /// <summary><see cref="Messages.Promise"/>.</summary>
    Promise = 1,

    /// <summary><see cref="Messages.Promised"/>.</summary>
    Promised = 2,

    /// <summary><see cref="Messages.Refused"/>.</summary>
    Refused = 3,

    /// <summary><see cref="Messages.Sync"/>.</summary>
    Sync = 4,

    /// <summary><see cref="Messages.Append"/>.</summary>
    Append = 5,

    /// <summary><see cref="Messages.Appended"/>.</summary>
    Appended = 6,

    /// <summary><see cref="Messages.Fetch"/>.</summary>
    Fetch = 7,

    /// <summary><see cref="Messages.SnapshotPart"/>.</summary>
    SnapshotPart = 8,

    /// <summary><see cref="Messages.HandOver"/>.</summary>
    HandOver = 9,

    /// <summary><see cref="Messages.Announce"/>.</summary>
    Announce = 10,

    /// <summary><see cref="Messages.Recall"/>.</summary>
    Recall = 11,

    /// <summary><see cref="Messages.Recalled"/>.</summary>
    Recalled = 12,

    /// <summary><see cref="Messages.Listen"/>.</summary>
    Listen = 20,

    /// <summary><see cref="Messages.Listening"/>.</summary>
    Listening = 21,

    /// <summary><see cref="Messages.Unlisten"/>.</summary>
    Unlisten = 22,

    /// <summary><see cref="Messages.InterestDigest"/>.</summary>
    InterestDigest = 23,

    /// <summary><see cref="Messages.InterestWanted"/>.</summary>
    InterestWanted = 24,

    /// <summary><see cref="Messages.InterestList"/>.</summary>
    InterestList = 25,

    /// <summary><see cref="Messages.PresenceJoin"/>.</summary>
    PresenceJoin = 30,

    /// <summary><see cref="Messages.PresenceLeave"/>.</summary>
    PresenceLeave = 31,

    /// <summary><see cref="Messages.PresenceDigest"/>.</summary>
    PresenceDigest = 32,

    /// <summary><see cref="Messages.PresenceWanted"/>.</summary>
    PresenceWanted = 33,

    /// <summary><see cref="Messages.PresenceList"/>.</summary>
    PresenceList = 34,

    /// <summary><see cref="Messages.PublishForward"/>.</summary>
    PublishForward = 40,

    /// <summary><see cref="Messages.PublishReply"/>.</summary>
    PublishReply = 41,

    /// <summary><see cref="Messages.Delivery"/>.</summary>
    Delivery = 42,

    /// <summary><see cref="Messages.Heartbeat"/>.</summary>
    Heartbeat = 50,
}
