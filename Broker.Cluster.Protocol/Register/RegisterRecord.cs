namespace Broker.Cluster.Protocol.Register;

/// <summary>One partition's record in the replicated register: the highest claim, and the newest set of replicas.</summary>
/// <remarks>The parts merge apart, so a claim never hides a set. Merging is commutative, associative and idempotent.</remarks>
/// <param name="Claim">The highest claim.</param>
/// <param name="Set">The newest set, or null if the partition was never in use.</param>
public sealed record RegisterRecord(Term Claim, ReplicaSet? Set)
{
    /// <summary>Nothing was claimed.</summary>
    public static RegisterRecord Empty { get; } = new(Term.None, null);

    /// <summary>What both records know.</summary>
    public RegisterRecord Merge(RegisterRecord other)
    {
        ArgumentNullException.ThrowIfNull(other);
        Term claim = Term.Max(Claim, other.Claim);
        ReplicaSet? set = other.Set is not null && other.Set.IsNewerThan(Set) ? other.Set : Set;
        return claim == Claim && ReferenceEquals(set, Set) ? this : new RegisterRecord(claim, set);
    }
}
