using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace Broker.Core.Protocol.Calls;

/// <summary>The items of one call that have come and have not been read: between their connection and who reads them.</summary>
/// <remarks>
/// Bounded by credit: the other side may send as many as the window and then as many more as it was granted, which follows the
/// reading. The adding members are for one thread at a time; the enumeration is for one reader on any thread.
/// </remarks>
/// <param name="window">Items that the other side may send before the first credit.</param>
/// <param name="taken">Told, on the reader's thread, of items that were read, and their bytes: several at a time.</param>
public sealed class UnreadItems(int window, Action<int, int> taken)
{
    private readonly Channel<ReadOnlyMemory<byte>> _items =
        Channel.CreateUnbounded<ReadOnlyMemory<byte>>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });

    private readonly int _grantEach = Math.Max(1, window / 2);
    private int _credit = window;
    private (int Items, int Bytes) _read;       // And not reported yet; the reader that enumerates again goes on with it.

    /// <summary>Adds an item.</summary>
    /// <param name="item">The reader's from now on.</param>
    /// <returns>False when the other side has no credit for it, or has sent its last one.</returns>
    public bool TryAdd(ReadOnlyMemory<byte> item) => _credit-- > 0 && _items.Writer.TryWrite(item);

    /// <summary>The other side is notified that it may send so many more.</summary>
    public void Expect(int items) => _credit += items;

    /// <summary>No more come; what is there can still be read. Only the first end counts.</summary>
    /// <param name="failure">What reading fails with behind the last item, if the call failed.</param>
    public void End(Exception? failure = null) => _items.Writer.TryComplete(failure);

    /// <summary>Reads them in their order; ends behind the last one, or fails. The one that stops may go on later.</summary>
    /// <exception cref="OperationCanceledException">By <paramref name="over"/>.</exception>
    public async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAsync([EnumeratorCancellation] CancellationToken over)
    {
        await foreach (ReadOnlyMemory<byte> item in _items.Reader.ReadAllAsync(over).ConfigureAwait(false))
        {
            try
            {
                yield return item;
            }
            finally
            {
                CountRead(item.Length);
            }
        }
    }

    private void CountRead(int bytes)
    {
        _read = (_read.Items + 1, _read.Bytes + bytes);
        if (_read.Items < _grantEach) return;
        (int items, int sum) = _read;
        _read = default;
        taken(items, sum);
    }
}
