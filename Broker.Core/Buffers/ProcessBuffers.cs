using System.Buffers;

namespace Broker.Core.Buffers;

/// <summary>Buffers for what leaves the thread of its loop: anyone may rent one, and anyone may give it back.</summary>
/// <remarks>They are not pinned, so they are copied from, a piece at a time, where bytes leave through a socket.</remarks>
public sealed class ProcessBuffers : BufferPool
{
    private ProcessBuffers()
        : base(keptBytesMax: 0)
    {
    }

    /// <summary>The one of the process.</summary>
    public static ProcessBuffers Shared { get; } = new();

    /// <inheritdoc />
    public override byte[] Rent(int minimum) => ArrayPool<byte>.Shared.Rent(minimum);

    /// <inheritdoc />
    public override void GiveBack(byte[] buffer) => ArrayPool<byte>.Shared.Return(buffer);
}
