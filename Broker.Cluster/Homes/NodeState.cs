using System.Buffers.Binary;
using Broker.Cluster.Protocol.Members;

namespace Broker.Cluster.Homes;

/// <summary>What a node tells all others of itself and of homes: everything when a lane opens, and after that what changes.</summary>
/// <remarks>
/// <code>
/// u8 flags (1: it drains)   u32 count   then each: u16 partition   u64 term   u64 home   u64 move
/// </code>
/// What follows is of a newer version, and passed over.
/// </remarks>
/// <param name="IsDraining">It is about to leave: it hands its homes over and takes none.</param>
/// <param name="Homes">Entries of the table of homes.</param>
internal sealed record NodeState(bool IsDraining, IReadOnlyList<KeyValuePair<int, HomeEntry>> Homes)
{
    private const byte DrainingFlag = 1;
    private const int HeadBytes = 5, EntryBytes = 26;

    internal byte[] ToBytes()
    {
        byte[] bytes = new byte[HeadBytes + (Homes.Count * EntryBytes)];
        bytes[0] = IsDraining ? DrainingFlag : (byte)0;
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(1), Homes.Count);
        Span<byte> rest = bytes.AsSpan(HeadBytes);
        foreach ((int partition, HomeEntry entry) in Homes)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(rest, (ushort)partition);
            BinaryPrimitives.WriteUInt64LittleEndian(rest[2..], entry.Term);
            BinaryPrimitives.WriteUInt64LittleEndian(rest[10..], entry.Home.Value);
            BinaryPrimitives.WriteUInt64LittleEndian(rest[18..], entry.Move);
            rest = rest[EntryBytes..];
        }

        return bytes;
    }

    /// <summary>Reads a state.</summary>
    /// <returns>Null if the bytes are none.</returns>
    internal static NodeState? Read(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < HeadBytes) return null;
        uint count = BinaryPrimitives.ReadUInt32LittleEndian(bytes[1..]);
        if (count > (bytes.Length - HeadBytes) / EntryBytes) return null;
        var homes = new KeyValuePair<int, HomeEntry>[count];
        ReadOnlySpan<byte> rest = bytes[HeadBytes..];
        for (int i = 0; i < homes.Length; i++, rest = rest[EntryBytes..])
        {
            homes[i] = new(
                BinaryPrimitives.ReadUInt16LittleEndian(rest),
                new HomeEntry(
                    BinaryPrimitives.ReadUInt64LittleEndian(rest[2..]), new MemberId(BinaryPrimitives.ReadUInt64LittleEndian(rest[10..])),
                    BinaryPrimitives.ReadUInt64LittleEndian(rest[18..])));
        }

        return new NodeState((bytes[0] & DrainingFlag) != 0, homes);
    }
}
