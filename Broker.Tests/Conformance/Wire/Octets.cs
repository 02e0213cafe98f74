using System.Text;

namespace Broker.Tests.Conformance.Wire;

/// <summary>Payload octets known by the pattern that repeats in them: a case weighs nothing until it is played.</summary>
public sealed class Octets
{
    private readonly byte[] _pattern;

    private Octets(byte[] pattern, int length)
    {
        _pattern = pattern;
        Length = length;
    }

    /// <summary>The payload of no octets.</summary>
    public static Octets Empty { get; } = new([], 0);

    /// <summary>How many octets there are.</summary>
    public int Length { get; }

    /// <summary>These octets and no others. The array belongs to the result from now on.</summary>
    public static Octets Of(params byte[] octets) => new(octets, octets.Length);

    /// <summary>The UTF-8 of a text.</summary>
    public static Octets OfText(string text) => Of(Encoding.UTF8.GetBytes(text));

    /// <summary>Octets written as hex; blanks between them say nothing.</summary>
    public static Octets OfHex(string hex) => Of(Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal)));

    /// <summary>A pattern repeated and cut to a length.</summary>
    public static Octets Repeat(ReadOnlySpan<byte> pattern, int length) => new(pattern.ToArray(), length);

    /// <summary>Part of these octets.</summary>
    public Octets Slice(int start, int length) => Of(ToArray().AsSpan(start, length).ToArray());

    /// <summary>A copy that belongs to the caller.</summary>
    public byte[] ToArray()
    {
        var target = new byte[Length];
        CopyTo(target);
        return target;
    }

    /// <summary>Writes all octets to the start of a target that is at least as long.</summary>
    public void CopyTo(Span<byte> target)
    {
        target = target[..Length];
        int written = Math.Min(_pattern.Length, Length);
        _pattern.AsSpan(0, written).CopyTo(target);

        // What is written stays a whole number of patterns until the last copy, so it may be copied behind itself.
        while (written < Length)
        {
            int more = Math.Min(written, Length - written);
            target[..more].CopyTo(target[written..]);
            written += more;
        }
    }

    /// <summary>Whether other octets are exactly these.</summary>
    public bool Matches(ReadOnlySpan<byte> other)
    {
        if (other.Length != Length) return false;
        int period = Math.Min(_pattern.Length, Length);

        // A sequence repeats with a period exactly when it equals itself moved by that period.
        return other[..period].SequenceEqual(_pattern.AsSpan(0, period))
            && other[period..].SequenceEqual(other[..^period]);
    }

    /// <summary>Length and first octets, for reports.</summary>
    public override string ToString() => Describe(ToArray());

    /// <summary>Length and first octets of any payload, for reports.</summary>
    public static string Describe(ReadOnlySpan<byte> octets)
    {
        const int Shown = 12;
        string start = Convert.ToHexStringLower(octets[..Math.Min(octets.Length, Shown)]);
        return octets.Length == 0 ? "(empty)" : $"({octets.Length} octets: {start}{(octets.Length > Shown ? ".." : "")})";
    }
}
