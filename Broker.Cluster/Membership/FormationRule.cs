namespace Broker.Cluster.Membership;

/// <summary>What asking a node has shown.</summary>
public enum ProbeState
{
    /// <summary>It did not answer.</summary>
    Unreachable,

    /// <summary>It refused this node.</summary>
    Refused,

    /// <summary>It is in no cluster yet.</summary>
    Alone,

    /// <summary>It is in a cluster.</summary>
    Member,
}

/// <summary>What asking a node has shown.</summary>
/// <param name="Asked">The address that was asked.</param>
/// <param name="State">What it is.</param>
/// <param name="Address">What it calls itself; empty unless it answered.</param>
/// <param name="Detail">Why it did not answer, or refused.</param>
public readonly record struct ProbeResult(string Asked, ProbeState State, string Address, string Detail = "");

/// <summary>What a node does next on its way into a cluster.</summary>
/// <param name="Join">The address of a member to join; its own to form a cluster; null to wait.</param>
/// <param name="Waits">Why it waits, for people.</param>
public readonly record struct FormationStep(string? Join, string Waits = "");

/// <summary>
/// Decides whether a node joins, forms a cluster, or waits. Two nodes never form two clusters while they reach each other.
/// </summary>
/// <remarks>
/// At the first start the first of the seeds may form a cluster, once the others have answered that they are in none, or have not answered
/// for the patience. After a downing no one may who does not reach a majority of the last members: the others may live on the far side of a
/// split.
/// </remarks>
public static class FormationRule
{
    /// <summary>The step of a node that starts.</summary>
    /// <param name="self">Its address.</param>
    /// <param name="seeds">The seeds in their order; empty if it is to be alone at first.</param>
    /// <param name="probes">What asking the seeds has shown; the node itself is not among them.</param>
    /// <param name="isPatient">Whether it may wait longer for seeds that do not answer.</param>
    public static FormationStep AtStart(string self, IReadOnlyList<string> seeds, IReadOnlyList<ProbeResult> probes, bool isPatient)
    {
        ArgumentNullException.ThrowIfNull(seeds);
        ArgumentNullException.ThrowIfNull(probes);
        if (FindMember(probes) is { } member) return new FormationStep(member);
        if (seeds.Count == 0) return new FormationStep(self);
        foreach (ProbeResult probe in probes)
        {
            if (probe.State == ProbeState.Refused) return new FormationStep(null, $"{probe.Asked} refused: {probe.Detail}");
        }

        if (seeds[0] != self)
            return new FormationStep(
                null, $"no seed is in a cluster yet, and only the first seed, {seeds[0]}, may form one ({Describe(probes)})");
        return isPatient && probes.Any(static probe => probe.State == ProbeState.Unreachable)
            ? new FormationStep(null, $"the other seeds do not answer yet ({Describe(probes)})")
            : new FormationStep(self);
    }

    /// <summary>The step of a node that was downed.</summary>
    /// <param name="self">Its address.</param>
    /// <param name="last">Addresses of the last members that it knew, itself among them.</param>
    /// <param name="probes">What asking the others, and the seeds, has shown.</param>
    public static FormationStep AfterDowning(string self, IReadOnlyCollection<string> last, IReadOnlyList<ProbeResult> probes)
    {
        ArgumentNullException.ThrowIfNull(last);
        ArgumentNullException.ThrowIfNull(probes);
        if (FindMember(probes) is { } member) return new FormationStep(member);
        string[] alone =
            [.. probes.Where(probe => probe.State == ProbeState.Alone && last.Contains(probe.Address)).Select(static probe => probe.Address)
                .Distinct()];
        int answering = alone.Count(address => address != self) + 1;
        if (answering * 2 <= last.Count)
            return new FormationStep(
                null, $"{answering} of the last {last.Count} members are reached, which is no majority ({Describe(probes)})");
        string lowest = alone.Append(self).Min(StringComparer.Ordinal)!;
        return lowest == self ? new FormationStep(self) : new FormationStep(null, $"{lowest} is to form the cluster again");
    }

    private static string? FindMember(IReadOnlyList<ProbeResult> probes) =>
        probes.Where(static probe => probe.State == ProbeState.Member).Select(static probe => probe.Address).Min(StringComparer.Ordinal);

    private static string Describe(IReadOnlyList<ProbeResult> probes) =>
        string.Join("; ",
            probes.Select(
                static probe => probe.State == ProbeState.Alone ? $"{probe.Asked} is in none" : $"{probe.Asked}: {probe.Detail}"));
}
