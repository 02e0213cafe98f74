using System.Diagnostics.CodeAnalysis;
namespace Broker.Core.Protocol.Transfers;

/// <summary>Bytes too long for one buffer: never put together, shared by reference, returned by the last holder. For all threads.</summary>
/// <remarks>
/// Its creator holds the first reference. Should a holder be lost, with a message to an actor that is gone, the
/// garbage collector gives the bytes back.
/// </remarks>
public sealed class LongBytes
{
    private ReadOnlyMemory<byte>[] _segments;   // None once the last holder was released: the memory is another component's then.
    private IDisposable? _owner;                // Until then.
    private int _references = 1;

    /// <summary>Bytes in one piece that no one changes.</summary>
    public LongBytes(ReadOnlyMemory<byte> bytes)
        : this([bytes], owner: null)
    {
    }

    /// <summary>Bytes in several pieces that no one changes.</summary>
    /// <param name="segments">In their order.</param>
    /// <param name="owner">Disposed of when the last holder releases it, or when all are lost: then by the garbage collector.</param>
    public LongBytes(ReadOnlyMemory<byte>[] segments, IDisposable? owner)
    {
        ArgumentNullException.ThrowIfNull(segments);
        _segments = segments;
        _owner = owner;
        foreach (ReadOnlyMemory<byte> segment in segments) Bytes += segment.Length;
    }

    /// <summary>Returns what a lost holder still holds.</summary>
    ~LongBytes() => Return();

    /// <summary>How many.</summary>
    public long Bytes { get; }

    /// <summary>Adds a holder, who calls <see cref="Release"/> once. For one who knows that there is another.</summary>
    /// <exception cref="ObjectDisposedException">The last holder was released.</exception>
    public LongBytes AddRef()
    {
        ObjectDisposedException.ThrowIf(!TryAddRef(), this);
        return this;
    }

    /// <summary>Adds a holder, unless the last one releases it at the same time.</summary>
    /// <returns>False when the bytes are gone.</returns>
    public bool TryAddRef()
    {
        int holders = Volatile.Read(ref _references);
        while (holders > 0)
        {
            int seen = Interlocked.CompareExchange(ref _references, holders + 1, holders);
            if (seen == holders) return true;
            holders = seen;
        }

        return false;
    }

    /// <summary>Takes a holder away; the last one gives the bytes back.</summary>
    [SuppressMessage(
        "Usage", "CA1816", Justification = "The last release is this type's Dispose: it is counted, so it cannot have that name.")]
    public void Release()
    {
        int left = Interlocked.Decrement(ref _references);
        if (left > 0) return;
        ObjectDisposedException.ThrowIf(left < 0, this);
        Return();

        // Else the finalizer would keep this, and the memory that it shows, for two more collections.
        GC.SuppressFinalize(this);
    }

    /// <summary>Copies bytes.</summary>
    /// <param name="from">The first byte wanted.</param>
    /// <param name="target">Filled as a whole.</param>
    /// <exception cref="ArgumentOutOfRangeException">There are not so many.</exception>
    public void CopyTo(long from, Span<byte> target)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(target.Length, Bytes - from, nameof(target));
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _references) <= 0, this);
        foreach (ReadOnlyMemory<byte> segment in _segments)
        {
            if (target.IsEmpty) break;
            if (from < segment.Length)
            {
                ReadOnlySpan<byte> found = segment.Span[(int)from..];
                int taken = Math.Min(found.Length, target.Length);
                found[..taken].CopyTo(target);
                target = target[taken..];
                from += taken;
            }

            from -= segment.Length;
        }

        // A holder copies, and so the finalizer has to wait for the copy.
        GC.KeepAlive(this);
    }

    private void Return()
    {
        _segments = [];
        Interlocked.Exchange(ref _owner, null)?.Dispose();
    }

    /// <summary>All bytes in an array of their own.</summary>
    public byte[] ToArray()
    {
        byte[] whole = GC.AllocateUninitializedArray<byte>(checked((int)Bytes));
        CopyTo(0, whole);
        return whole;
    }
}

/// <summary>A message to be sent as a stream: its first fields, and its data by reference.</summary>
/// <param name="head">All of the message but its data.</param>
/// <param name="data">The data; the source becomes one of its holders.</param>
public sealed class LongBytesSource(byte[] head, LongBytes data) : IChunkSource
{
    private LongBytes? _data = data.AddRef();

    /// <inheritdoc />
    public long Bytes { get; } = head.Length + data.Bytes;

    /// <inheritdoc />
    public void CopyTo(long from, Span<byte> target)
    {
        int ofHead = (int)Math.Clamp(head.Length - from, 0, target.Length);
        if (ofHead > 0) head.AsSpan((int)from, ofHead).CopyTo(target);
        if (ofHead < target.Length) _data!.CopyTo(from + ofHead - head.Length, target[ofHead..]);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _data?.Release();
        _data = null;
    }
}
