using Broker.Core.Protocol.Messages;

namespace Broker.Core.Protocol.Transfers;

/// <summary>
/// Remembers which stream numbers are spent, so that a late chunk opens no stream. Under a kibibyte, however many streams.
/// </summary>
/// <remarks>
/// Numbers rise by one, so what lies behind the newest is spent; but two streams may open in either order, so of the
/// last 256 it is known one by one. Of older ones it is known which were not completed, as ranges of numbers. "Behind" is judged
/// modulo 2^32: after half a turn a number is fresh again.
/// </remarks>
internal sealed class StreamHistory
{
    private const int Remembered = 256;
    private const int RangesMax = 64;

    private byte[]? _ends;                  // Of the last numbers, by their lowest byte: the error that fits in one, or 0.
    private List<Range>? _ranges;           // Of older numbers: those that were not completed, the oldest first.
    private uint _newest;

    // The numbers of a range have the same end, or it has been joined with its neighbour for want of room.
    private readonly record struct Range(uint First, uint Last, ChunkError End)
    {
        internal bool Has(uint stream) => (int)(stream - First) >= 0 && (int)(Last - stream) >= 0;
    }

    /// <summary>How a number came to be spent, or none if a stream may open under it.</summary>
    public ChunkError Of(uint stream)
    {
        if (_ends is null) return ChunkError.None;
        int ahead = (int)(stream - _newest);
        if (ahead > 0) return ChunkError.None;
        if (ahead > -Remembered) return (ChunkError)_ends[stream % Remembered];
        if (_ranges is null) return ChunkError.Finished;
        foreach (Range range in _ranges)
        {
            if (range.Has(stream)) return range.End;
        }

        return ChunkError.Finished;
    }

    /// <summary>A stream opens under a number.</summary>
    public void Open(uint stream)
    {
        if (_ends is null)
        {
            _ends = new byte[Remembered];
            _newest = stream;
            return;
        }

        int ahead = (int)(stream - _newest);
        if (ahead <= 0) return;
        uint first = _newest + 1 - Remembered;
        for (uint i = 0; i < Math.Min(ahead, Remembered); i++) Evict(first + i);
        for (uint i = 0; i < Math.Min(ahead, Remembered); i++) _ends[(stream - i) % Remembered] = 0;
        _newest = stream;
        DropTurned();
    }

    /// <summary>A number is spent.</summary>
    /// <param name="stream">The number, whether or not a stream had opened under it.</param>
    /// <param name="end">Finished, expired or cancelled.</param>
    public void Spend(uint stream, ChunkError end)
    {
        Open(stream);
        if ((int)(stream - _newest) > -Remembered) _ends![stream % Remembered] = (byte)end;
        else Remember(stream, end);
    }

    // A number leaves the last 256. One that never ended, as it has not begun or is under way, counts as complete.
    private void Evict(uint stream)
    {
        var end = (ChunkError)_ends![stream % Remembered];
        if (end is not (ChunkError.None or ChunkError.Finished)) Remember(stream, end);
    }

    private void Remember(uint stream, ChunkError end)
    {
        if (end == ChunkError.Finished) return;
        _ranges ??= [];
        int at = _ranges.Count;
        while (at > 0 && (int)(_ranges[at - 1].First - stream) > 0) at--;
        if (at > 0 && _ranges[at - 1].Has(stream)) return;
        if (at > 0 && _ranges[at - 1] is { } before && before.Last + 1 == stream && before.End == end)
            _ranges[at - 1] = before with { Last = stream };
        else _ranges.Insert(at, new Range(stream, stream, end));

        // The one that cancels every other stream of very many learns of the oldest that all were.
        if (_ranges.Count <= RangesMax) return;
        _ranges[0] = new Range(_ranges[0].First, _ranges[1].Last, ChunkError.Cancelled);
        _ranges.RemoveAt(1);
    }

    // Half a turn of all numbers later, a number is ahead again.
    private void DropTurned()
    {
        if (_ranges is { Count: > 0 } && (int)(_newest - _ranges[0].First) < 0) _ranges.RemoveAt(0);
    }
}
