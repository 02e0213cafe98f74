namespace Broker.Core.Buffers;

/// <summary>Buffers for what leaves the thread of its loop: anyone may rent one, and anyone may return it.</summary>
/// <remarks>
/// A returned buffer is kept for the next transfer of any connection and not left to the garbage collector, whose heap could
/// otherwise grow to several times what is in use. So the memory of all transfers is the most that was ever rented at once,
/// which the budget bounds, until <see cref="Trim"/>, or a full collection, finds that so much is not needed any more.
/// </remarks>
public sealed class ProcessBuffers : BufferPool
{
    private readonly Lock _gate = new();
    private int _unneededBytes;                 // The least that was kept since the last full collection.

    private ProcessBuffers()
        : base(keptBytesMax: int.MaxValue) => _ = new FullCollection(this);

    /// <summary>The one of the process.</summary>
    public static ProcessBuffers Shared { get; } = new();

    /// <inheritdoc />
    public override byte[] Rent(int minimum)
    {
        lock (_gate)
        {
            byte[] buffer = base.Rent(minimum);
            _unneededBytes = Math.Min(_unneededBytes, KeptBytes);
            return buffer;
        }
    }

    /// <inheritdoc />
    public override void Return(byte[] buffer)
    {
        lock (_gate) base.Return(buffer);
    }

    /// <summary>Leaves all that is kept to the garbage collector. Called when the process is quiet, before a collection.</summary>
    /// <returns>How many bytes that were.</returns>
    public int Trim()
    {
        lock (_gate)
        {
            int kept = KeptBytes;
            Drop(kept);
            _unneededBytes = 0;
            return kept;
        }
    }

    // What was not needed since the collection before is left to the next one.
    private void OnFullCollection()
    {
        lock (_gate)
        {
            Drop(_unneededBytes);
            _unneededBytes = KeptBytes;
        }
    }

    // An object without a reference: once it is old, each full collection finalizes it, and it lives on.
    private sealed class FullCollection(ProcessBuffers pool)
    {
        ~FullCollection()
        {
            if (Environment.HasShutdownStarted) return;
            pool.OnFullCollection();
            GC.ReRegisterForFinalize(this);
        }
    }
}
