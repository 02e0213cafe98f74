using Broker.Cluster.Protocol.Log;
using Broker.Cluster.Protocol.Members;
using Broker.Cluster.Protocol.Messages;
using Broker.Cluster.Protocol.Register;

namespace Broker.Cluster.Protocol.Copies;

/// <summary>
/// Where the values go that a <see cref="Partition"/> puts out, in the order of the calls. Called within the calls to the partition.
/// </summary>
public interface IPartitionOutput
{
    /// <summary>A message for another node; lost if there is no lane. Everything here is asked again or numbered.</summary>
    void Send(MemberId to, IPartitionMessage message);

    /// <summary>
    /// Read the partition's record from <b>all</b> members and answer with <see cref="Partition.OnRegisterRead"/>: their merged records, or
    /// null if one did not reply.
    /// </summary>
    void ReadRegister(int partition, ulong operation);

    /// <summary>
    /// Merge this into the partition's record, write it to a majority, and answer with <see cref="Partition.OnRegisterWritten"/>.
    /// </summary>
    void WriteRegister(int partition, ulong operation, RegisterRecord change);

    /// <summary>The entry is on every replica: deliver it. In order, each once in this home's term.</summary>
    void Committed(int partition, LogEntry entry);

    /// <summary>What became of a publication of <see cref="Partition.Publish"/>.</summary>
    void Replied(int partition, ulong request, PublishOutcome outcome, ChannelPosition position);

    /// <summary>
    /// A read of <see cref="Partition.BeginRead"/> may be answered now, from <see cref="Partition.Read"/>; or the node is not the home.
    /// </summary>
    void Proven(int partition, ulong request, bool isHome);

    /// <summary>The home's state has changed.</summary>
    void Changed(int partition, HomeState state, Term term);
}

/// <summary>What a node is to a partition.</summary>
public enum HomeState
{
    /// <summary>Not its home.</summary>
    None,

    /// <summary>Writes a claim to the register.</summary>
    Claiming,

    /// <summary>Asks the replicas of the newest set for a promise and a log.</summary>
    Collecting,

    /// <summary>Gives the log to its followers.</summary>
    Syncing,

    /// <summary>Writes the set of replicas to the register.</summary>
    Recording,

    /// <summary>Orders, acknowledges, answers.</summary>
    Active,

    /// <summary>The set of replicas changes; publications and reads wait.</summary>
    Frozen,

    /// <summary>The successor has everything and claims; publications and reads wait.</summary>
    Sealed,
}
