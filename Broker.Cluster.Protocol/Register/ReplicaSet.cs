using System.Collections.Immutable;
using Broker.Cluster.Protocol.Members;

namespace Broker.Cluster.Protocol.Register;

/// <summary>Which stores hold a partition: all of them have each entry that was acknowledged while this set was in force.</summary>
/// <param name="Term">Of the home that recorded it.</param>
/// <param name="Version">Within the term, from 1.</param>
/// <param name="Lineage">The term that began with an empty log; the log has grown from there without loss.</param>
public sealed record ReplicaSet(Term Term, uint Version, Term Lineage)
{
    /// <summary>The home's store first.</summary>
    public required ImmutableArray<StoreId> Stores { get; init; }

    /// <summary>Whether this set replaces the other one.</summary>
    public bool IsNewerThan(ReplicaSet? other) =>
        other is null || Term > other.Term || (Term == other.Term && Version > other.Version);

    /// <inheritdoc/>
    public bool Equals(ReplicaSet? other) =>
        other is not null && Term == other.Term && Version == other.Version && Lineage == other.Lineage
            && Stores.SequenceEqual(other.Stores);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Term, Version);
}
