using Broker.Core.Buffers;

namespace Broker.Reactor.Sockets.IoUring;

/// <summary>The sends of a loop that were prepared and are not known to be made, in order; it holds their bytes.</summary>
/// <remarks>
/// A send that the socket takes whole completes without a word. So a send is known to be made when the call that handed it
/// over has returned, and nothing was sent of it.
/// </remarks>
internal sealed class RingSends(ReceiveBuffers buffers)
{
    private const int NoBuffer = -1;

    private Entry[] _entries = new Entry[256];    // A power of two, used round and round.
    private long _begun;                          // The number of the last one.
    private long _made;

    private readonly record struct Entry(SharedBytes? Bytes, int Buffer, uint Mark);

    /// <summary>Notes a send of shared bytes, and holds them.</summary>
    /// <param name="bytes">What is sent, or a part of it.</param>
    /// <param name="mark">The ring's, behind the request.</param>
    /// <returns>The number of the send, from 1.</returns>
    internal long Begin(SharedBytes bytes, uint mark) => Add(new Entry(bytes.AddRef(), NoBuffer, mark));

    /// <summary>Notes a send out of a receive buffer, and holds that.</summary>
    /// <param name="buffer">Its number.</param>
    /// <param name="mark">The ring's, behind the request.</param>
    /// <returns>The number of the send, from 1.</returns>
    internal long Begin(int buffer, uint mark)
    {
        buffers.AddRef(buffer);
        return Add(new Entry(null, buffer, mark));
    }

    /// <summary>Whether a send is not known to be made; 0 is none.</summary>
    internal bool IsUnderWay(long number) => number > _made;

    /// <summary>Whether any is not known to be made.</summary>
    internal bool HasAny => _begun != _made;

    /// <summary>What a send that is under way takes from, where it is shared; the caller is a holder.</summary>
    /// <returns>None if it is a receive buffer's.</returns>
    internal SharedBytes? AddRefBytes(long number) => EntryOf(number).Bytes?.AddRef();

    /// <summary>The receive buffer that a send under way takes from.</summary>
    internal byte[] BufferOf(long number) => buffers[EntryOf(number).Buffer];

    /// <summary>Releases the bytes of all sends before a mark: they are made, or another component has what is left.</summary>
    internal void Settle(uint mark)
    {
        while (_made != _begun)
        {
            ref Entry first = ref EntryOf(_made + 1);
            if ((int)(mark - first.Mark) < 0) return;
            _made++;
            if (first.Bytes is { } bytes)
            {
                first = default;
                bytes.Release();
            }
            else
            {
                buffers.Release(first.Buffer);
            }
        }
    }

    private ref Entry EntryOf(long number) => ref _entries[number & (_entries.Length - 1)];

    private long Add(in Entry entry)
    {
        if (_begun - _made == _entries.Length) Grow();
        EntryOf(++_begun) = entry;
        return _begun;
    }

    private void Grow()
    {
        Entry[] before = _entries;
        _entries = new Entry[before.Length * 2];
        for (long number = _made + 1; number <= _begun; number++) EntryOf(number) = before[number & (before.Length - 1)];
    }
}
