namespace Broker.Client;

/// <summary>Where a page of a channel's history begins, and which way it goes.</summary>
public sealed record HistoryRange
{
    /// <summary>Behind this position, or before it if <see cref="Reverse"/>; null for all that is kept.</summary>
    public HistoryPosition? Since { get; init; }

    /// <summary>
    /// Publications at most; 0 asks for the position alone. The hub has a limit of its own, and a page ends where a frame is full.
    /// </summary>
    public int Limit { get; init; } = int.MaxValue;

    /// <summary>Newest first.</summary>
    public bool Reverse { get; init; }
}

/// <summary>A place in a channel's history.</summary>
/// <param name="Epoch">Offsets of two epochs cannot be compared; 0 in a request stands for whatever epoch the channel has.</param>
/// <param name="Offset">Of a publication, from 1; 0 is before the first.</param>
public readonly record struct HistoryPosition(ulong Epoch, ulong Offset);

/// <summary>A page of a channel's history.</summary>
/// <param name="Top">The channel's newest position.</param>
/// <param name="Publications">In the order asked for.</param>
public sealed record HistoryPage(HistoryPosition Top, IReadOnlyList<HistoryPublication> Publications);

/// <summary>A publication that the channel keeps.</summary>
/// <param name="Offset">Its offset.</param>
/// <param name="Data">Its data.</param>
public readonly record struct HistoryPublication(ulong Offset, ReadOnlyMemory<byte> Data);
