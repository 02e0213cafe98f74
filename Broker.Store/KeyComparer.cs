using System.IO.Hashing;

namespace Broker.Store;

/// <summary>Keys are equal when their bytes are.</summary>
internal sealed class KeyComparer : IEqualityComparer<ReadOnlyMemory<byte>>
{
    public static KeyComparer Instance { get; } = new();

    public bool Equals(ReadOnlyMemory<byte> x, ReadOnlyMemory<byte> y) => x.Span.SequenceEqual(y.Span);

    public int GetHashCode(ReadOnlyMemory<byte> key) => (int)XxHash3.HashToUInt64(key.Span);
}
