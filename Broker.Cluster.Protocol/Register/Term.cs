using Broker.Cluster.Protocol.Members;

namespace Broker.Cluster.Protocol.Register;

/// <summary>
/// The right of one run of one node to be the home of one partition. Terms have a total order; a higher one ends all lower ones.
/// </summary>
/// <param name="Number">0 for none; each claim takes the highest that it has seen and one more.</param>
/// <param name="Member">Who claims.</param>
public readonly record struct Term(ulong Number, MemberId Member) : IComparable<Term>
{
    /// <summary>Lower than every claim.</summary>
    public static Term None => default;

    /// <inheritdoc/>
    public int CompareTo(Term other) => Number != other.Number ? Number.CompareTo(other.Number) : Member.CompareTo(other.Member);

    /// <summary>The number and the member.</summary>
    public override string ToString() => $"{Number}.{Member}";

    /// <summary>Compares the numbers, then the members.</summary>
    public static bool operator <(Term left, Term right) => left.CompareTo(right) < 0;

    /// <summary>Compares the numbers, then the members.</summary>
    public static bool operator >(Term left, Term right) => left.CompareTo(right) > 0;

    /// <summary>Compares the numbers, then the members.</summary>
    public static bool operator <=(Term left, Term right) => left.CompareTo(right) <= 0;

    /// <summary>Compares the numbers, then the members.</summary>
    public static bool operator >=(Term left, Term right) => left.CompareTo(right) >= 0;

    /// <summary>The higher one.</summary>
    public static Term Max(Term left, Term right) => left > right ? left : right;
}
