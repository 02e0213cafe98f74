using System.Buffers.Binary;

namespace Broker.Store;

/// <summary>What is kept under a client's key.</summary>
/// <param name="Exists">Whether the key is there.</param>
/// <param name="Long">Where its parts are; none if its value is whole.</param>
internal readonly record struct KeyState(bool Exists, LongValue? Long);

/// <summary>A value that is kept in parts, each of <see cref="PartBytes"/> but the last.</summary>
/// <param name="Number">Names its parts; no two values ever share one.</param>
/// <param name="Length">Bytes of all parts.</param>
internal readonly record struct LongValue(ulong Number, long Length)
{
    /// <summary>Bytes of a part: a record of the database, and an item of a call.</summary>
    public const int PartBytes = 64 * 1024;

    /// <summary>The first byte of what a key has, where its value follows.</summary>
    public const byte Whole = 1;

    /// <summary>Bytes of what a key has, where its value is in parts.</summary>
    public const int Bytes = 1 + sizeof(ulong) + sizeof(long);

    private const byte InParts = 2;

    /// <summary>Where the parts are, if what a key has says so.</summary>
    public static LongValue? Of(ReadOnlySpan<byte> kept) => kept.Length == Bytes && kept[0] == InParts
        ? new LongValue(BinaryPrimitives.ReadUInt64LittleEndian(kept[1..]), BinaryPrimitives.ReadInt64LittleEndian(kept[9..]))
        : null;

    /// <summary>What is thrown where a part is not there: the files are damaged.</summary>
    public StoreException Broken(long part) =>
        new(StoreFault.Failed, $"The store is damaged: part {part} of value {Number} is missing.") { IsDamage = true };

    /// <summary>Writes it as what a key has.</summary>
    public void Write(Span<byte> kept)
    {
        kept[0] = InParts;
        BinaryPrimitives.WriteUInt64LittleEndian(kept[1..], Number);
        BinaryPrimitives.WriteInt64LittleEndian(kept[9..], Length);
    }
}
