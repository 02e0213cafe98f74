using Broker.Core.Protocol.Messages;

namespace Broker.Core.Protocol.Transfers;

/// <summary>
/// Remembers which stream numbers are spent and how, so that a late chunk opens no ghost and is answered with what became of its stream.
/// 256 bytes, and at most 1,024 numbers more for streams that did not end well.
/// </summary>
/// <remarks>
/// Numbers rise by one, so what lies behind the newest is spent; but two streams may open in either order, so of the
/// last 256 it is known one by one. Of those before, most were completed: kept are those that were not, the newest of them.
/// "Behind" is judged modulo 2^32: after a whole turn a number is fresh again.
/// </remarks>
internal sealed class StreamHistory
{
    private const int Remembered = 256, UnfinishedMax = 1024;

    private byte[]? _ends;                              // Of the last numbers, by their lowest byte: the error that fits in one, or 0.
    private Dictionary<uint, ChunkError>? _unfinished;  // Of numbers before those: expired or cancelled.
    private Queue<uint>? _unfinishedOrder;              // The same numbers, the oldest first.
    private uint _newest;

    /// <summary>How a number came to be spent, or none if a stream may open under it.</summary>
    public ChunkError Of(uint stream)
    {
        if (_ends is null) return ChunkError.None;
        int ahead = (int)(stream - _newest);
        if (ahead > 0) return ChunkError.None;
        if (ahead > -Remembered) return (ChunkError)_ends[stream % Remembered];
        return _unfinished?.TryGetValue(stream, out ChunkError end) == true ? end : ChunkError.Finished;
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
        int forgotten = Math.Min(ahead, Remembered);
        for (uint i = 1; i <= forgotten; i++) Forget(_newest + i - Remembered);
        _newest = stream;
    }

    /// <summary>A number is spent.</summary>
    /// <param name="stream">The number, whether or not a stream had opened under it.</param>
    /// <param name="end">Finished, expired or cancelled.</param>
    public void Spend(uint stream, ChunkError end)
    {
        Open(stream);
        if ((int)(stream - _newest) > -Remembered) _ends![stream % Remembered] = (byte)end;
    }

    // A number leaves those that are known one by one; its place is the next one's.
    private void Forget(uint stream)
    {
        ref byte place = ref _ends![stream % Remembered];
        var end = (ChunkError)place;
        place = 0;
        if (end is ChunkError.None or ChunkError.Finished) return;
        _unfinished ??= [];
        _unfinishedOrder ??= new Queue<uint>();
        if (!_unfinished.TryAdd(stream, end))
        {
            _unfinished[stream] = end;
            return;
        }

        _unfinishedOrder.Enqueue(stream);
        if (_unfinishedOrder.Count > UnfinishedMax) _unfinished.Remove(_unfinishedOrder.Dequeue());
    }
}
