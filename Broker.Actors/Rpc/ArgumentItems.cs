using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace Broker.Actors.Rpc;

/// <summary>The further arguments of one call, between its session, which adds them, and its handler, which reads them.</summary>
/// <remarks>
/// Bounded by credit: the caller may say as many as the window and then as many more as it was told, which follows the
/// handler's reading. The session's members belong to its thread; the enumeration is for one reader on any thread.
/// </remarks>
/// <param name="window">Items that the caller may say before the first credit.</param>
/// <param name="taken">Told, on the reader's thread, of items that were read, and their bytes: several at a time.</param>
internal sealed class ArgumentItems(int window, Action<int, int> taken)
{
    private readonly Channel<ReadOnlyMemory<byte>> _items =
        Channel.CreateUnbounded<ReadOnlyMemory<byte>>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });

    private readonly int _grantEach = Math.Max(1, window / 2);
    private int _credit = window;

    /// <summary>Adds an item; for the session.</summary>
    /// <returns>False when the caller has no credit for it.</returns>
    internal bool TryAdd(ReadOnlyMemory<byte> item) => _credit-- > 0 && _items.Writer.TryWrite(item);

    /// <summary>The caller is told that it may say more; for the session.</summary>
    internal void Grant(int items) => _credit += items;

    /// <summary>No more come; for the session.</summary>
    internal void End() => _items.Writer.TryComplete();

    /// <summary>Reads them in their order; ends with the caller's last one, or fails when the call is over.</summary>
    internal async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAsync([EnumeratorCancellation] CancellationToken over)
    {
        int items = 0, bytes = 0;
        await foreach (ReadOnlyMemory<byte> item in _items.Reader.ReadAllAsync(over).ConfigureAwait(false))
        {
            yield return item;
            items++;
            bytes += item.Length;
            if (items < _grantEach) continue;
            taken(items, bytes);
            (items, bytes) = (0, 0);
        }
    }
}
