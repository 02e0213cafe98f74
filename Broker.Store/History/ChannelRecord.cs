using System.Buffers.Binary;
using System.Text;
using Broker.Actors.Model;

namespace Broker.Store.History;

/// <summary>What the disk holds of a channel beside its publications.</summary>
/// <remarks>
/// Little-endian: <c>form u8 | flags u8 | generation u32 | nine numbers of 8 bytes | version's epoch to the end</c>. Times are milliseconds
/// since 1970.
/// </remarks>
internal readonly record struct ChannelRecord
{
    private const byte Form = 1;
    private const int FixedBytes = 2 + 4 + (9 * 8);

    [Flags]
    private enum Flags : byte
    {
        None = 0,
        Synced = 1,
        HasVersionEpoch = 2,
    }

    /// <summary>Its epoch; publications are kept under it, so that those of another epoch are never taken for its own.</summary>
    public ulong Epoch { get; init; }

    /// <summary>The offset of the last publication; 0 before the first.</summary>
    public ulong Top { get; init; }

    /// <summary>The offset of the oldest publication that is kept; one more than the top if there is none.</summary>
    public ulong First { get; init; }

    /// <summary>
    /// The lowest offset that the disk may still hold: publications before <see cref="First"/> are deleted some at a time.
    /// </summary>
    public ulong Stored { get; init; }

    /// <summary>When the last publication came.</summary>
    public long AppendedAt { get; init; }

    /// <summary>When the last publication or read came; a read may move it later than it came.</summary>
    public long TouchedAt { get; init; }

    /// <summary>For how long publications stay, by the options of the last append or read.</summary>
    public long TtlMilliseconds { get; init; }

    /// <summary>For how long the position stays, by the same options.</summary>
    public long MetaTtlMilliseconds { get; init; }

    /// <summary>The version of the last publication; 0 for none.</summary>
    public ulong Version { get; init; }

    /// <summary>Its epoch of versions.</summary>
    public string? VersionEpoch { get; init; }

    /// <summary>Whether every publication was synced to the disk before it was acknowledged.</summary>
    public bool IsSynced { get; init; }

    /// <summary>The shard's generation in which it was written.</summary>
    public uint Generation { get; init; }

    /// <summary>The position.</summary>
    public StreamPosition Position => new(Epoch, Top);

    /// <summary>Whether publications are kept.</summary>
    public bool HasPublications => First <= Top;

    /// <summary>A channel that begins.</summary>
    public static ChannelRecord Begin(long now) =>
        new() { Epoch = StreamEpoch.Next(), First = 1, Stored = 1, AppendedAt = now, TouchedAt = now, IsSynced = true };

    /// <summary>Whether the publications have outlived their time.</summary>
    public bool ListIsExpired(long now) => HasPublications && now - AppendedAt >= TtlMilliseconds;

    /// <summary>Whether the position has outlived its time.</summary>
    public bool IsEvicted(long now) => now - TouchedAt >= MetaTtlMilliseconds;

    /// <summary>Encodes it.</summary>
    public byte[] Encode()
    {
        byte[] bytes = new byte[FixedBytes + (VersionEpoch is null ? 0 : Encoding.UTF8.GetByteCount(VersionEpoch))];
        bytes[0] = Form;
        bytes[1] = (byte)((IsSynced ? Flags.Synced : Flags.None) | (VersionEpoch is null ? Flags.None : Flags.HasVersionEpoch));
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(2), Generation);
        ReadOnlySpan<ulong> numbers =
            [Epoch, Top, First, Stored, (ulong)AppendedAt, (ulong)TouchedAt, (ulong)TtlMilliseconds, (ulong)MetaTtlMilliseconds, Version];
        for (int i = 0; i < numbers.Length; i++) BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(6 + (8 * i)), numbers[i]);
        if (VersionEpoch is not null) Encoding.UTF8.GetBytes(VersionEpoch, bytes.AsSpan(FixedBytes));
        return bytes;
    }

    /// <summary>Decodes it.</summary>
    /// <returns>Whether the bytes are a record that can be true.</returns>
    public static bool TryDecode(ReadOnlySpan<byte> bytes, out ChannelRecord record)
    {
        record = default;
        if (bytes.Length < FixedBytes || bytes[0] != Form) return false;
        var flags = (Flags)bytes[1];
        record = new ChannelRecord
        {
            Generation = BinaryPrimitives.ReadUInt32LittleEndian(bytes[2..]),
            Epoch = Number(bytes, 0),
            Top = Number(bytes, 1),
            First = Number(bytes, 2),
            Stored = Number(bytes, 3),
            AppendedAt = (long)Number(bytes, 4),
            TouchedAt = (long)Number(bytes, 5),
            TtlMilliseconds = (long)Number(bytes, 6),
            MetaTtlMilliseconds = (long)Number(bytes, 7),
            Version = Number(bytes, 8),
            VersionEpoch = flags.HasFlag(Flags.HasVersionEpoch) ? Encoding.UTF8.GetString(bytes[FixedBytes..]) : null,
            IsSynced = flags.HasFlag(Flags.Synced),
        };
        return record.Epoch is not (StreamEpoch.None or StreamEpoch.Foreign) && record.Stored <= record.First
            && record.First <= record.Top + 1;
    }

    private static ulong Number(ReadOnlySpan<byte> bytes, int index) => BinaryPrimitives.ReadUInt64LittleEndian(bytes[(6 + (8 * index))..]);
}
