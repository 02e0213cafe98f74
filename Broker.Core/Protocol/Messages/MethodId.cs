using System.IO.Hashing;
using System.Text;

namespace Broker.Core.Protocol.Messages;

/// <summary>The number that stands for a method on the wire: XXH3-64, seed 0, of its name in UTF-8.</summary>
/// <param name="Value">The hash.</param>
public readonly record struct MethodId(ulong Value)
{
    /// <summary>The id of a name.</summary>
    public static MethodId Of(string name) => Of(Encoding.UTF8.GetBytes(name));

    /// <summary>The id of a name in UTF-8. Allocates nothing.</summary>
    public static MethodId Of(ReadOnlySpan<byte> name) => new(XxHash3.HashToUInt64(name));

    /// <inheritdoc />
    public override string ToString() => $"0x{Value:x16}";
}
