using Broker.Actors.Model;
using Broker.Core.Protocol.Transfers;

namespace Broker.Actors.Channels.Delivery;

/// <summary>One publication, encoded once for each encoding with a reader on this node.</summary>
/// <remarks>The first three encodings cost no array.</remarks>
public struct EncodedPublication
{
    private byte[]? _first, _second, _third;
    private byte[]?[]? _others;

    /// <summary>The data, where an encoding gave no bytes for it.</summary>
    public LongPublication? ByReference { get; init; }

    /// <summary>The bytes of an encoding; null where nothing reads it, and where the publication goes by reference.</summary>
    /// <param name="slot">The encoding's.</param>
    public readonly byte[]? this[int slot] => slot switch
    {
        0 => _first,
        1 => _second,
        2 => _third,
        _ => _others is { } others && slot - 3 < others.Length ? others[slot - 3] : null,
    };

    /// <summary>For subscribers of differences: the data as a whole, and the difference; null where no one is one.</summary>
    public DeltaForms? Deltas { get; init; }

    /// <summary>Its place in the channel; 0 where it takes none.</summary>
    public ulong Offset { get; init; }

    /// <summary>What few publications have; null for none of it.</summary>
    public PublicationExtras? Extras { get; init; }

    /// <summary>Not a publication: a client has joined or left.</summary>
    public bool IsPresence { get; init; }

    /// <summary>Bytes of all forms.</summary>
    public readonly int Bytes
    {
        get
        {
            long bytes = (_first?.Length ?? 0) + (_second?.Length ?? 0) + (_third?.Length ?? 0) + (ByReference?.Data.Bytes ?? 0);
            foreach (byte[]? other in _others ?? []) bytes += other?.Length ?? 0;
            bytes += Deltas?.Bytes ?? 0;
            return (int)Math.Min(int.MaxValue, bytes);
        }
    }

    /// <summary>Sets the bytes of an encoding; no one changes them afterwards.</summary>
    /// <param name="slot">The encoding's.</param>
    /// <param name="bytes">Its bytes, or null.</param>
    public void Set(int slot, byte[]? bytes)
    {
        if (bytes is null) return;
        if (slot == 0) _first = bytes;
        else if (slot == 1) _second = bytes;
        else if (slot == 2) _third = bytes;
        else
        {
            if (_others is null || _others.Length <= slot - 3) Array.Resize(ref _others, slot - 2);
            _others![slot - 3] = bytes;
        }
    }
}

/// <summary>A publication as subscribers of differences are sent it, by the slot of the encoding.</summary>
public sealed class DeltaForms(int encodings)
{
    private readonly byte[]?[] _whole = new byte[]?[encodings], _differences = new byte[]?[encodings];

    /// <summary>Bytes of all forms.</summary>
    public long Bytes { get; private set; }

    /// <summary>The data as a whole, for those who have nothing to compare it with.</summary>
    public byte[]? Whole(int slot) => _whole[slot];

    /// <summary>The difference from the publication before; or the whole, where there is none.</summary>
    public byte[]? Difference(int slot) => _differences[slot] ?? _whole[slot];

    /// <summary>Sets the bytes of an encoding.</summary>
    public void Set(int slot, byte[]? whole, byte[]? difference)
    {
        _whole[slot] = whole;
        _differences[slot] = difference;
        Bytes += (whole?.Length ?? 0) + (difference?.Length ?? 0);
    }
}

/// <summary>A publication whose data is shared by reference, and goes to each client by itself.</summary>
/// <param name="Number">The channel's.</param>
/// <param name="Offset">The publication's.</param>
/// <param name="Data">The data; the receiver of the publication is one of its holders.</param>
public sealed record LongPublication(uint Number, ulong Offset, LongBytes Data);
