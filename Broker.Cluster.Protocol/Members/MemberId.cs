namespace Broker.Cluster.Protocol.Members;

/// <summary>One run of one node: a process that restarts, or that the cluster removed and that joins again, has another one.</summary>
/// <param name="Value">Never 0 for a member.</param>
public readonly record struct MemberId(ulong Value) : IComparable<MemberId>
{
    /// <inheritdoc/>
    public int CompareTo(MemberId other) => Value.CompareTo(other.Value);

    /// <summary>Hexadecimal, as logs and the register show it.</summary>
    public override string ToString() => Value.ToString("x", System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>Compares the values.</summary>
    public static bool operator <(MemberId left, MemberId right) => left.Value < right.Value;

    /// <summary>Compares the values.</summary>
    public static bool operator >(MemberId left, MemberId right) => left.Value > right.Value;

    /// <summary>Compares the values.</summary>
    public static bool operator <=(MemberId left, MemberId right) => left.Value <= right.Value;

    /// <summary>Compares the values.</summary>
    public static bool operator >=(MemberId left, MemberId right) => left.Value >= right.Value;
}
