using System.Buffers.Binary;
using System.Numerics;
using Microsoft.Win32.SafeHandles;

namespace Broker.Store;

/// <summary>One record of a log of the database, or a stretch of it that is none.</summary>
/// <param name="Offset">Its first byte in the file.</param>
/// <param name="End">The first byte behind it.</param>
/// <param name="IsGood">Whether it is whole and has its checksum.</param>
/// <param name="Sequence">Of a good record of the log of writes: the number of its first change.</param>
/// <param name="Changes">Of such a record: how many it has.</param>
/// <param name="IsCut">Of a bad stretch: the file ends inside it, as a write does that a crash has stopped.</param>
internal readonly record struct LogEntry(long Offset, long End, bool IsGood, ulong Sequence, uint Changes, bool IsCut)
{
    /// <summary>The number of the change behind its last one.</summary>
    public ulong Next => Sequence + Changes;
}

/// <summary>Reads a file in the database's log format, which its manifest has too, and goes on behind what is damaged.</summary>
/// <remarks>
/// <code>
/// block of 32 KiB:  fragment, fragment, ..., zeros where less than 7 bytes are left
/// fragment:         checksum (4) | length (2) | type (1) | length bytes
/// type:             1 whole record, 2 first, 3 middle, 4 last fragment of one
/// record of writes: sequence (8) | number of changes (4) | changes
/// </code>
/// The checksum is CRC-32C over type and data, rotated and with a constant added. Everything is little-endian. Behind a bad
/// fragment the next good one of its block is looked for byte by byte, as its length may be what is damaged.
/// </remarks>
internal sealed class LogScan : IDisposable
{
    /// <summary>Fragments never reach over the end of a block of so many bytes.</summary>
    public const int BlockBytes = 32 * 1024;

    private const int HeaderBytes = 7, BatchHeaderBytes = 12;
    private const byte Whole = 1, First = 2, Middle = 3, Last = 4;
    private const byte IgnorableTypes = 0x80, Passed = 0xff;       // A reader that does not know such a type passes over it.

    private readonly SafeFileHandle _file;
    private readonly byte[] _block = new byte[BlockBytes];
    private long _blockStart = -1;
    private int _blockBytes;

    /// <summary>Opens a log.</summary>
    public LogScan(string path)
    {
        _file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        Length = RandomAccess.GetLength(_file);
    }

    /// <summary>Bytes of the file.</summary>
    public long Length { get; }

    /// <summary>Bytes that readers pass over.</summary>
    /// <param name="length">How many, up to the end of a block.</param>
    public static byte[] Filler(int length)
    {
        byte[] filler = new byte[length];
        if (length < HeaderBytes) return filler;        // As at the end of a block.
        BinaryPrimitives.WriteUInt16LittleEndian(filler.AsSpan(4), (ushort)(length - HeaderBytes));
        filler[6] = Passed;
        BinaryPrimitives.WriteUInt32LittleEndian(filler, ChecksumOf(filler.AsSpan(6)));
        return filler;
    }

    /// <summary>All records and bad stretches in their order.</summary>
    public IEnumerable<LogEntry> Read()
    {
        long at = 0, badFrom = -1;
        LogEntry? open = null;      // A record whose last fragment is still to come.
        while (TryFindFragment(ref at, ref badFrom, out byte type, out int length, out long end))
        {
            bool isBroken = badFrom >= 0 || (open is null ? type is Middle or Last : type is Whole or First);
            if (isBroken && badFrom < 0) badFrom = open?.Offset ?? at;
            if (badFrom >= 0)
            {
                long from = open is { } torn ? Math.Min(torn.Offset, badFrom) : badFrom;
                open = null;
                if (type is Middle or Last)
                {
                    // The rest of a record whose beginning is lost.
                    badFrom = from;
                    at = end;
                    continue;
                }

                yield return Bad(from, at, isCut: false);
                badFrom = -1;
            }

            LogEntry record = open ?? BeginRecord(at, length);
            open = record with { End = end };
            at = end;
            if (type is not (Whole or Last)) continue;
            yield return open.Value;
            open = null;
        }

        if (open is { } unfinished) yield return Bad(unfinished.Offset, Length, isCut: true);
        else if (badFrom >= 0) yield return Bad(badFrom, Length, isCut: IsCutFrom(badFrom));
    }

    /// <inheritdoc />
    public void Dispose() => _file.Dispose();

    private static LogEntry Bad(long from, long to, bool isCut) => new(from, to, IsGood: false, 0, 0, isCut);

    // The next good fragment, from where the search stands; notes where what is passed over began.
    private bool TryFindFragment(ref long at, ref long badFrom, out byte type, out int length, out long end)
    {
        while (at < Length)
        {
            int inBlock = (int)(at % BlockBytes);
            if (BlockBytes - inBlock < HeaderBytes)
            {
                at += BlockBytes - inBlock;
                continue;
            }

            if (TryReadFragment(at, out type, out length))
            {
                end = at + HeaderBytes + length;
                if (type < IgnorableTypes) return true;
                at = end;
                continue;
            }

            if (badFrom < 0) badFrom = at;
            at++;
        }

        (type, length, end) = (0, 0, at);
        return false;
    }

    private bool TryReadFragment(long at, out byte type, out int length)
    {
        ReadOnlySpan<byte> block = BlockOf(at);
        (type, length) = (0, 0);
        if (block.Length < HeaderBytes) return false;
        type = block[6];
        length = BinaryPrimitives.ReadUInt16LittleEndian(block[4..]);
        if (type is 0 or (> Last and < IgnorableTypes) || length > block.Length - HeaderBytes) return false;
        return BinaryPrimitives.ReadUInt32LittleEndian(block) == ChecksumOf(block.Slice(6, 1 + length));
    }

    private LogEntry BeginRecord(long at, int length)
    {
        ReadOnlySpan<byte> data = BlockOf(at).Slice(HeaderBytes, length);
        if (data.Length < BatchHeaderBytes) return new LogEntry(at, at, IsGood: true, 0, 0, IsCut: false);
        return new LogEntry(
            at, at, IsGood: true, BinaryPrimitives.ReadUInt64LittleEndian(data), BinaryPrimitives.ReadUInt32LittleEndian(data[8..]),
                IsCut: false);
    }

    // A write that was stopped leaves a header whose data the file does not have, or nothing but zeros.
    private bool IsCutFrom(long at)
    {
        ReadOnlySpan<byte> block = BlockOf(at);
        if (block.Length < HeaderBytes || HeaderBytes + BinaryPrimitives.ReadUInt16LittleEndian(block[4..]) > block.Length) return true;
        for (; at < Length; at += BlockBytes - (at % BlockBytes))
        {
            if (BlockOf(at).IndexOfAnyExcept((byte)0) >= 0) return false;
        }

        return true;
    }

    // The rest of the block behind a place.
    private ReadOnlySpan<byte> BlockOf(long at)
    {
        long start = at - (at % BlockBytes);
        if (start != _blockStart)
        {
            _blockBytes = RandomAccess.Read(_file, _block, start);
            _blockStart = start;
        }

        return _block.AsSpan(0, _blockBytes)[(int)(at - start)..];
    }

    private static uint ChecksumOf(ReadOnlySpan<byte> bytes)
    {
        uint sum = uint.MaxValue;
        for (; bytes.Length >= sizeof(ulong); bytes = bytes[sizeof(ulong)..])
            sum = BitOperations.Crc32C(sum, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        foreach (byte each in bytes) sum = BitOperations.Crc32C(sum, each);
        return BitOperations.RotateRight(~sum, 15) + 0xa282ead8;
    }
}
