using Broker.Cluster.Protocol.Members;

namespace Broker.Cluster.Protocol.Copies;

/// <summary>
/// What a home knows of one replica that it feeds: a member of the set in force, of the next one, or of one that is prepared.
/// </summary>
/// <remarks>Invariant: acknowledged &lt;= sent &lt;= the home's sequence, once it holds the log of the term.</remarks>
internal sealed class Follower(MemberId member, StoreId store, TimeSpan since)
{
    internal MemberId Member => member;

    internal StoreId Store => store;

    /// <summary>It has said that its log is of this term.</summary>
    internal bool HoldsLog { get; set; }

    internal ulong Acknowledged { get; set; }

    internal ulong Sent { get; set; }

    internal ulong Round { get; set; }

    internal ulong RoundSent { get; set; }

    /// <summary>The transfer of the home's state to it, and the sequence of that state; 0 if there was none.</summary>
    internal (ulong Transfer, ulong Sequence) Snapshot { get; set; }

    internal TimeSpan SyncSentAt { get; set; } = since - TimeSpan.FromDays(1);

    /// <summary>While it gets the log: when it last asked for a part or acknowledged something.</summary>
    internal TimeSpan ProgressAt { get; set; } = since;

    /// <summary>Something that was sent is not acknowledged, and nothing was since then; null if all is.</summary>
    internal TimeSpan? WaitsSince { get; set; }

    internal TimeSpan RewoundAt { get; set; } = since;
}
