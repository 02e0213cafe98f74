using Broker.Cluster.Protocol.Log;
using Broker.Cluster.Protocol.Members;
using Broker.Cluster.Protocol.Messages;
using Broker.Cluster.Protocol.Register;

namespace Broker.Cluster.Protocol.Copies;

/// <summary>A partition's state on its way here, part by part. What has arrived replaces nothing until all of it is there.</summary>
/// <param name="from">Who has it.</param>
/// <param name="term">Under which it is asked for.</param>
/// <param name="number">Of the transfer; no other one of this node has it.</param>
internal sealed class StateTransfer(MemberId from, Term term, ulong number)
{
    private readonly List<LogEntry> _entries = [];

    internal MemberId From => from;

    internal Term Term => term;

    /// <summary>The part that is asked for next.</summary>
    internal int Next { get; private set; }

    internal TimeSpan ProgressAt { get; set; }

    /// <summary>The state, once its last part was taken.</summary>
    internal LogSnapshot? Whole { get; private set; }

    internal Fetch Request(int partition) => new(partition, term, number, Next);

    /// <summary>Takes a part if it is the one asked for.</summary>
    internal bool TryTake(MemberId sender, SnapshotPart part)
    {
        if (sender != from || part.Term != term || part.Transfer != number || part.Part != Next || Whole is not null) return false;
        _entries.AddRange(part.Entries);
        Next++;
        if (part.IsLast) Whole = new LogSnapshot(part.Lineage, part.Sequence, _entries);
        return true;
    }
}
