using Broker.Core.Protocol.Transfers;

namespace Broker.Actors.Channels.Formats;

/// <summary>One publication, encoded once for each encoding that somebody reads on this node.</summary>
/// <remarks>The first two encodings cost no array.</remarks>
public struct EncodedPublication
{
    private byte[]? _first, _second;
    private byte[]?[]? _others;

    /// <summary>The data, where an encoding gave no bytes for it.</summary>
    public LongPublication? ByReference { get; init; }

    /// <summary>The bytes of an encoding; null where nobody reads it, and where the publication goes by reference.</summary>
    /// <param name="slot">The encoding's.</param>
    public readonly byte[]? this[int slot] => slot switch
    {
        0 => _first,
        1 => _second,
        _ => _others is { } others && slot - 2 < others.Length ? others[slot - 2] : null,
    };

    /// <summary>Bytes of all forms.</summary>
    public readonly int Bytes
    {
        get
        {
            long bytes = (_first?.Length ?? 0) + (_second?.Length ?? 0) + (ByReference?.Data.Bytes ?? 0);
            foreach (byte[]? other in _others ?? []) bytes += other?.Length ?? 0;
            return (int)Math.Min(int.MaxValue, bytes);
        }
    }

    /// <summary>Sets the bytes of an encoding; nobody changes them afterwards.</summary>
    /// <param name="slot">The encoding's.</param>
    /// <param name="bytes">Its bytes, or null.</param>
    public void Set(int slot, byte[]? bytes)
    {
        if (bytes is null) return;
        if (slot == 0) _first = bytes;
        else if (slot == 1) _second = bytes;
        else
        {
            if (_others is null || _others.Length <= slot - 2) Array.Resize(ref _others, slot - 1);
            _others![slot - 2] = bytes;
        }
    }
}

/// <summary>A publication whose data is shared by reference, and goes to each client by itself.</summary>
/// <param name="Number">The channel's.</param>
/// <param name="Offset">The publication's.</param>
/// <param name="Data">The data; whoever receives the publication is one of its holders.</param>
public sealed record LongPublication(uint Number, ulong Offset, LongBytes Data);
