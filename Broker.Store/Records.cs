using System.Buffers.Binary;
using RocksDbSharp;

namespace Broker.Store;

/// <summary>The form of what the database keeps, format 3.</summary>
/// <remarks>
/// A record's first byte says what it is: 0 the store's own numbers; 2 a client's key; 3 a part of a long value, behind the
/// value's number and the part's; 4 the number of a long value that is being written. 1 was a client's key of format 1. What
/// a client's key has begins with 1 and then the value, or with 2 and then where its parts are. Since format 3 every value of
/// more than <see cref="LongValue.PartBytes"/> is in parts: so its length is known before any of it is read.
/// </remarks>
internal static unsafe class Records
{
    /// <summary>The format that is written.</summary>
    public const long Format = 3;

    /// <summary>The name of a part: its kind, its value's number and its own.</summary>
    public const int PartBytes = 1 + sizeof(ulong) + sizeof(ulong);

    /// <summary>The first byte of a client's key.</summary>
    public const byte Client = 2;

    /// <summary>The first byte of a client's key in format 1.</summary>
    public const byte FormerClient = 1;

    /// <summary>The first byte of a part.</summary>
    public const byte Part = 3;

    /// <summary>The first byte of the mark that a long value is being written.</summary>
    public const byte Unfinished = 4;

    private const byte Own = 0;
    private const int PartsDeletedEachMax = 16;     // Deletions of ranges slow readers down; of more parts one is cheaper all the same.
    private const int NumberBytes = 1 + sizeof(ulong);

    /// <summary>Where the format stands.</summary>
    public static ReadOnlySpan<byte> FormatKey => [Own, (byte)'f', (byte)'o', (byte)'r', (byte)'m'];

    /// <summary>Where the number of keys stands.</summary>
    public static ReadOnlySpan<byte> CountKey => [Own, (byte)'l', (byte)'e', (byte)'n'];

    /// <summary>The record of a client's key.</summary>
    /// <param name="key">The key.</param>
    /// <param name="record">Room for one byte more.</param>
    public static ReadOnlySpan<byte> NameOf(ReadOnlySpan<byte> key, Span<byte> record)
    {
        record[0] = Client;
        key.CopyTo(record[1..]);
        return record;
    }

    /// <summary>Whether a record is that of a client's key.</summary>
    public static bool IsClient(ReadOnlySpan<byte> record, ReadOnlySpan<byte> key) => record[0] == Client && record[1..].SequenceEqual(key);

    /// <summary>Whether a record is that of a client's key with a prefix.</summary>
    public static bool IsClientWith(ReadOnlySpan<byte> record, ReadOnlySpan<byte> prefix) =>
        record[0] == Client && record[1..].StartsWith(prefix);

    /// <summary>The record of a part, in <see cref="PartBytes"/>.</summary>
    public static ReadOnlySpan<byte> NameOfPart(ulong value, long index, Span<byte> record)
    {
        record[0] = Part;
        BinaryPrimitives.WriteUInt64BigEndian(record[1..], value);
        BinaryPrimitives.WriteUInt64BigEndian(record[NumberBytes..], (ulong)index);
        return record;
    }

    /// <summary>The number of the long value that a part or a mark belongs to.</summary>
    public static ulong NumberOf(ReadOnlySpan<byte> record) => BinaryPrimitives.ReadUInt64BigEndian(record[1..]);

    /// <summary>Puts a client's value into a batch.</summary>
    public static void Put(WriteBatch batch, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        Span<byte> record = stackalloc byte[key.Length + 1];
        NameOf(key, record);
        byte whole = LongValue.Whole;
        fixed (byte* name = record, bytes = value)
        {
            // The library joins the pieces where it keeps them, so the value is not copied here.
            nint* names = stackalloc nint[1] { (nint)name };
            nuint* nameBytes = stackalloc nuint[1] { (nuint)record.Length };
            nint* pieces = stackalloc nint[2] { (nint)(&whole), (nint)bytes };
            nuint* pieceBytes = stackalloc nuint[2] { 1, (nuint)value.Length };
            RocksDbSharp.Native.Instance.rocksdb_writebatch_putv(
                batch.Handle, 1, (nint)names, (nint)nameBytes, 2, (nint)pieces, (nint)pieceBytes);
        }
    }

    /// <summary>Puts into a batch where the parts of a client's value are; it is being written no longer.</summary>
    public static void PutLong(WriteBatch batch, ReadOnlySpan<byte> key, in LongValue value)
    {
        Span<byte> record = stackalloc byte[key.Length + 1];
        Span<byte> where = stackalloc byte[LongValue.Bytes];
        value.Write(where);
        batch.Put(NameOf(key, record), where);
        Unmark(batch, value.Number);
    }

    /// <summary>Puts a value as a whole into a batch, in parts.</summary>
    public static void PutInParts(WriteBatch batch, ReadOnlySpan<byte> key, in LongValue parts, ReadOnlySpan<byte> value)
    {
        for (int from = 0; from < value.Length; from += LongValue.PartBytes)
            PutPart(batch, parts.Number, from / LongValue.PartBytes, value[from..Math.Min(from + LongValue.PartBytes, value.Length)]);
        Span<byte> record = stackalloc byte[key.Length + 1];
        Span<byte> where = stackalloc byte[LongValue.Bytes];
        parts.Write(where);
        batch.Put(NameOf(key, record), where);
    }

    /// <summary>Puts the deletion of a client's key into a batch.</summary>
    public static void Delete(WriteBatch batch, ReadOnlySpan<byte> key)
    {
        Span<byte> record = stackalloc byte[key.Length + 1];
        batch.Delete(NameOf(key, record));
    }

    /// <summary>Puts a part into a batch.</summary>
    public static void PutPart(WriteBatch batch, ulong value, long index, ReadOnlySpan<byte> bytes)
    {
        Span<byte> record = stackalloc byte[PartBytes];
        batch.Put(NameOfPart(value, index, record), bytes);
    }

    /// <summary>Puts the deletion of all parts of a value of a known length into a batch.</summary>
    public static void DeleteParts(WriteBatch batch, in LongValue value)
    {
        long parts = (value.Length + LongValue.PartBytes - 1) / LongValue.PartBytes;
        if (parts > PartsDeletedEachMax)
        {
            DeleteParts(batch, value.Number);
            return;
        }

        Span<byte> record = stackalloc byte[PartBytes];
        for (long i = 0; i < parts; i++) batch.Delete(NameOfPart(value.Number, i, record));
    }

    /// <summary>Puts the deletion of all parts of a value into a batch.</summary>
    public static void DeleteParts(WriteBatch batch, ulong value)
    {
        Span<byte> first = stackalloc byte[PartBytes], end = stackalloc byte[PartBytes];
        NameOfPart(value, 0, first);
        NameOfPart(value, -1, end);
        batch.DeleteRange(first.ToArray(), PartBytes, end.ToArray(), PartBytes);
    }

    /// <summary>Marks in a batch that a long value is being written.</summary>
    public static void Mark(WriteBatch batch, ulong value)
    {
        Span<byte> record = stackalloc byte[NumberBytes];
        batch.Put(NameOfMark(value, record), default);
    }

    /// <summary>Takes that mark away in a batch.</summary>
    public static void Unmark(WriteBatch batch, ulong value)
    {
        Span<byte> record = stackalloc byte[NumberBytes];
        batch.Delete(NameOfMark(value, record));
    }

    /// <summary>Puts the number of keys into a batch.</summary>
    public static void PutCount(WriteBatch batch, long count) => PutNumber(batch, CountKey, count);

    /// <summary>Puts the format into a batch.</summary>
    public static void PutFormat(WriteBatch batch) => PutNumber(batch, FormatKey, Format);

    private static ReadOnlySpan<byte> NameOfMark(ulong value, Span<byte> record)
    {
        record[0] = Unfinished;
        BinaryPrimitives.WriteUInt64BigEndian(record[1..], value);
        return record;
    }

    private static void PutNumber(WriteBatch batch, ReadOnlySpan<byte> record, long number)
    {
        Span<byte> value = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(value, number);
        batch.Put(record, value);
    }
}
