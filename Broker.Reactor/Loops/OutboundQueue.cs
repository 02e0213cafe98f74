using System.Diagnostics;
using Broker.Core.Buffers;

namespace Broker.Reactor.Loops;

/// <summary>What waits to leave through one socket: references to shared bytes and private bytes, in order.</summary>
/// <remarks>Empty it costs nothing but its fields; most connections are idle, and their queue is empty.</remarks>
internal struct OutboundQueue
{
    private const int PrivateBytesMin = 1024;

    private Segment _first;
    private Queue<Segment>? _rest;
    private SharedBytes? _tail;     // The last segment, if it is private: small copies go on in it.
    private bool _firstBegun;       // Some of the first segment's message has left, so the rest has to follow.

    // A segment ends where its bytes end: shared bytes are sealed, private ones grow only as the last of the queue.
    private struct Segment
    {
        internal SharedBytes? Bytes;
        internal int Start;

        internal readonly int Length => Bytes!.Length - Start;
    }

    /// <summary>Bytes that wait.</summary>
    internal int Bytes { get; private set; }

    internal readonly bool IsEmpty => _first.Bytes is null;

    /// <summary>Appends a copy of bytes.</summary>
    internal void Append(ReadOnlySpan<byte> bytes, BufferPool pool)
    {
        if (bytes.IsEmpty) return;
        Bytes += bytes.Length;
        if (_tail is null || _tail.Room < bytes.Length)
        {
            _tail = SharedBytes.Rent(pool, Math.Max(bytes.Length, PrivateBytesMin));
            Push(new Segment { Bytes = _tail });
        }

        _tail.Append(bytes);
        AssertInvariant();
    }

    /// <summary>Notes that <see cref="DropUnbegun"/> may not drop what now stands first, such as the rest of a frame.</summary>
    internal void KeepFirst() => _firstBegun = !IsEmpty;

    /// <summary>Appends a reference to bytes that others share; holds them until they have left.</summary>
    internal void Append(SharedBytes bytes, int start)
    {
        if (start == bytes.Length) return;
        Bytes += bytes.Length - start;
        Push(new Segment { Bytes = bytes.AddRef(), Start = start });
        _tail = null;
        AssertInvariant();
    }

    /// <summary>Puts bytes before all others: what was taken off and has not left after all.</summary>
    /// <param name="bytes">The queue is a holder of them in the caller's place.</param>
    /// <param name="start">Where in them it begins.</param>
    internal void Prepend(SharedBytes bytes, int start)
    {
        Bytes += bytes.Length - start;
        var segment = new Segment { Bytes = bytes, Start = start };
        if (_first.Bytes is not null)
        {
            Segment[] behind = [_first, .. _rest ?? []];
            _rest = new Queue<Segment>(behind);
        }

        _first = segment;
        AssertInvariant();
    }

    // Bytes is the sum of the segments, the first stands before all others, and what still grows is the last.
    [Conditional("DEBUG")]
    private readonly void AssertInvariant()
    {
        Debug.Assert(Bytes >= 0 && (Bytes == 0) == IsEmpty);
        Debug.Assert(_first.Bytes is not null || _rest is null or { Count: 0 });
        Debug.Assert(!_firstBegun || !IsEmpty);
    }

    private void Push(Segment segment)
    {
        if (_first.Bytes is null) _first = segment;
        else (_rest ??= new Queue<Segment>(4)).Enqueue(segment);
    }

    /// <summary>The longest run of contiguous bytes at the front.</summary>
    internal readonly ReadOnlySpan<byte> Front => _first.Bytes is null ? default : _first.Bytes.Array.AsSpan(_first.Start, _first.Length);

    /// <summary>What the front lies in; none when nothing waits.</summary>
    internal readonly SharedBytes? FrontBytes => _first.Bytes;

    /// <summary>Where in its bytes the front begins.</summary>
    internal readonly int FrontStart => _first.Start;

    /// <summary>Whether more than one segment waits, so that a gathered write pays.</summary>
    internal readonly bool HasSeveral => _rest is { Count: > 0 };

    /// <summary>Lists segments from the front, for a gathered write.</summary>
    internal readonly int CopyTo(Span<(byte[] Array, int Start, int Length)> target)
    {
        if (_first.Bytes is null) return 0;
        target[0] = (_first.Bytes.Array, _first.Start, _first.Length);
        int count = 1;
        if (_rest is null) return count;
        foreach (Segment segment in _rest)
        {
            if (count == target.Length) break;
            target[count++] = (segment.Bytes!.Array, segment.Start, segment.Length);
        }

        return count;
    }

    /// <summary>Takes bytes off the front that have left.</summary>
    internal void Advance(int bytes)
    {
        Bytes -= bytes;
        while (bytes > 0)
        {
            int length = _first.Length;
            if (bytes < length)
            {
                _first.Start += bytes;
                _firstBegun = true;
                AssertInvariant();
                return;
            }

            bytes -= length;
            DropFirst();
        }

        AssertInvariant();
    }

    /// <summary>Drops whatever has not begun to leave; what is left ends where a message ends.</summary>
    internal void DropUnbegun()
    {
        if (_first.Bytes is null) return;
        if (!_firstBegun)
        {
            Clear();
            return;
        }

        while (_rest is { Count: > 0 })
        {
            Segment segment = _rest.Dequeue();
            Bytes -= segment.Length;
            segment.Bytes!.Release();
        }

        if (!ReferenceEquals(_tail, _first.Bytes)) _tail = null;
        AssertInvariant();
    }

    /// <summary>Drops everything.</summary>
    internal void Clear()
    {
        while (_first.Bytes is not null) DropFirst();
        Bytes = 0;
        AssertInvariant();
    }

    private void DropFirst()
    {
        if (ReferenceEquals(_tail, _first.Bytes)) _tail = null;
        _first.Bytes!.Release();
        _first = default;
        _firstBegun = false;
        if (_rest is not null && _rest.TryDequeue(out Segment next)) _first = next;
    }
}
