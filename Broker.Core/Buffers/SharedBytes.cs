using System.Diagnostics;

namespace Broker.Core.Buffers;

/// <summary>
/// Bytes on their way to one or very many sockets of one event loop: written once, then shared by reference and returned
/// to the loop's pool by the last holder.
/// </summary>
/// <remarks>Belongs to one loop's thread, so the count needs no lock. Its creator holds the first reference.</remarks>
public sealed class SharedBytes
{
    private readonly BufferPool _pool;
    private byte[]? _array;
    private int _references = 1;

    private SharedBytes(BufferPool pool, byte[] array)
    {
        _pool = pool;
        _array = array;
    }

    /// <summary>Rents room for at least <paramref name="bytesMin"/> bytes; the caller is its holder.</summary>
    public static SharedBytes Rent(BufferPool pool, int bytesMin)
    {
        ArgumentNullException.ThrowIfNull(pool);
        return new SharedBytes(pool, pool.Rent(bytesMin));
    }

    /// <summary>Bytes written so far.</summary>
    public int Length { get; private set; }

    /// <summary>Bytes that still fit.</summary>
    public int Room => Array.Length - Length;

    /// <summary>Whether the caller is the only holder, and so may still append.</summary>
    public bool IsPrivate => _references == 1;

    /// <summary>The whole rented array; only <see cref="Length"/> bytes of it are written.</summary>
    public byte[] Array => _array ?? throw new ObjectDisposedException(nameof(SharedBytes), "The last reference was released.");

    /// <summary>Appends bytes behind those written so far.</summary>
    /// <exception cref="ArgumentException">They pass <see cref="Room"/>.</exception>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Array.AsSpan(Length));
        Length += bytes.Length;
    }

    /// <summary>Moves everything into a larger array, so that <paramref name="bytes"/> more fit.</summary>
    /// <param name="bytes">Bytes to come.</param>
    /// <param name="lengthMax">The most that will ever be written; the array at least doubles, but not beyond this.</param>
    public void GrowFor(int bytes, int lengthMax = int.MaxValue)
    {
        if (Room >= bytes) return;
        long doubled = Math.Min(2L * Array.Length, Math.Min(lengthMax, System.Array.MaxLength));
        byte[] larger = _pool.Rent((int)Math.Max(checked(Length + bytes), doubled));
        Array.AsSpan(0, Length).CopyTo(larger);
        _pool.Return(Array);
        _array = larger;
    }

    /// <summary>Sets how many bytes are written, after writing into <see cref="Array"/> directly.</summary>
    public void SetLength(int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)length, (uint)Array.Length);
        Length = length;
    }

    /// <summary>Adds a holder, who calls <see cref="Release"/> once.</summary>
    /// <exception cref="ObjectDisposedException">The last holder was released before.</exception>
    public SharedBytes AddRef()
    {
        ObjectDisposedException.ThrowIf(!TryAddRef(), this);
        return this;
    }

    /// <summary>Adds a holder, unless the last one was released: the bytes are another's then.</summary>
    public bool TryAddRef()
    {
        if (_references <= 0) return false;
        _references++;
        AssertInvariant();
        return true;
    }

    /// <summary>Takes a holder away; the last one gives the bytes back to the pool.</summary>
    public void Release()
    {
        if (--_references > 0) return;
        ObjectDisposedException.ThrowIf(_references < 0, this);
        _pool.Return(Array);
        _array = null;
        AssertInvariant();
    }

    // There is an array as long as there is a holder: 0 < holders, or holders == 0 and no array.
    [Conditional("DEBUG")]
    private void AssertInvariant() =>
        Debug.Assert(_references >= 0 && (_references > 0) == (_array is not null) && (_array is null || Length <= _array.Length));
}
