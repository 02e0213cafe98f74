using Broker.Core.Buffers;
using Xunit;

namespace Broker.Tests.Support;

/// <summary>A pool that finds leaks, buffers returned twice, unknown clients, and use after returning.</summary>
internal sealed class CountingPool : BufferPool
{
    private readonly HashSet<byte[]> _rented = new(ReferenceEqualityComparer.Instance as IEqualityComparer<byte[]>);

    public int Rents { get; private set; }

    public long BytesOut => _rented.Sum(buffer => (long)buffer.Length);

    public override byte[] Rent(int minimum)
    {
        byte[] buffer = base.Rent(minimum);
        Assert.True(_rented.Add(buffer), "A buffer was rented to two.");
        Array.Fill(buffer, (byte)0xA5);
        Rents++;
        return buffer;
    }

    public override void Return(byte[] buffer)
    {
        Assert.True(_rented.Remove(buffer), "A buffer was given back twice, or was never rented.");
        Array.Fill(buffer, (byte)0x5A);
        base.Return(buffer);
    }
}
