using Broker.Core.Chunks;

namespace Broker.Store;

/// <summary>The result of read, to be sent as a stream: chunks are copied from the database's memory right into the frame.</summary>
/// <param name="value">The value; the source is its holder from now on.</param>
public sealed class PinnedValueSource(PinnedValue value) : IChunkSource
{
    private const byte Found = 1;

    /// <inheritdoc />
    public long Bytes => 1 + (long)value.Length;

    /// <inheritdoc />
    public void CopyTo(long from, Span<byte> target)
    {
        if (target.IsEmpty) return;
        if (from == 0)
        {
            target[0] = Found;
            target = target[1..];
            from = 1;
        }

        value.GetSpan().Slice((int)(from - 1), target.Length).CopyTo(target);
    }

    /// <inheritdoc />
    public void Dispose() => value.Dispose();
}
