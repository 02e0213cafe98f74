using Broker.Core.Protocol.Messages;

namespace Broker.Core.Protocol.Transfers;

/// <summary>Remembers which stream numbers are spent, so that a late chunk opens no ghost. 256 bytes, however many streams.</summary>
/// <remarks>
/// Numbers rise by one, so what lies behind the newest is spent; but two streams may open in either order, so of the
/// last 256 it is known one by one. "Behind" is judged modulo 2^32: after a whole turn a number is fresh again.
/// </remarks>
internal sealed class StreamHistory
{
    private const int Remembered = 256;

    private byte[]? _ends;      // Of the last numbers, by their lowest byte: the error that fits in one, or 0.
    private uint _newest;

    /// <summary>How a number came to be spent, or none if a stream may open under it.</summary>
    public ChunkError Of(uint stream)
    {
        if (_ends is null) return ChunkError.None;
        int ahead = (int)(stream - _newest);
        if (ahead > 0) return ChunkError.None;
        return ahead > -Remembered ? (ChunkError)_ends[stream % Remembered] : ChunkError.Finished;
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
        if (ahead >= Remembered) Array.Clear(_ends);
        else for (uint i = 1; i <= ahead; i++) _ends[(_newest + i) % Remembered] = 0;
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
}
