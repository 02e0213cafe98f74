using System.Buffers.Binary;
using System.IO.Hashing;
using Microsoft.Win32.SafeHandles;

namespace Broker.Store.History;

/// <summary>
/// How far a shard has acknowledged: a file beside the database, by which a start sees that acknowledged writes are missing.
/// </summary>
/// <remarks>
/// The database takes a log that ends early for one that a crash has torn. Offsets that were told would then be given to other publications
/// of the same epoch; so what the log holds is compared with what has been acknowledged. The file is written with each
/// acknowledgement and synced at a start and a stop alone: after the machine has stopped only the writes that were synced can be counted
/// on. <c>form u8 | clean u8 | 6 bytes | generation u32 | void-below u32 | sequence u64 | synced u64 | boot 16 bytes | xxh64</c>,
/// little-endian. For all threads.
/// </remarks>
internal sealed class AcknowledgedMark
{
    private const byte Form = 1;
    private const int Bytes = 56;

    private readonly SafeFileHandle _file;
    private readonly Lock _gate = new();
    private readonly Guid _boot;
    private long _sequence, _synced;

    private AcknowledgedMark(SafeFileHandle file, Guid boot)
    {
        _file = file;
        _boot = boot;
    }

    /// <summary>Of this run; counts the runs before which the machine had stopped.</summary>
    public uint Generation { get; private set; }

    /// <summary>Channels that were not synced, and were last written in an earlier generation than this, may lack publications.</summary>
    public uint VoidBelow { get; private set; }

    /// <summary>Opens the file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="isNew">Whether the database is new, so that there is none.</param>
    /// <param name="sequence">How far the database goes.</param>
    /// <param name="boot">The machine's current run.</param>
    /// <param name="fault">Why the database cannot be trusted.</param>
    /// <returns>Null for a fault.</returns>
    public static AcknowledgedMark? Open(string path, bool isNew, long sequence, Guid boot, out string? fault)
    {
        fault = null;
        SafeFileHandle file = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
        var mark = new AcknowledgedMark(file, boot);
        fault = isNew ? null : mark.Judge(sequence);
        if (fault is not null)
        {
            file.Dispose();
            return null;
        }

        mark._sequence = mark._synced = sequence;
        mark.Write(isClean: false);
        RandomAccess.FlushToDisk(file);
        return mark;
    }

    /// <summary>Notes what is about to be acknowledged.</summary>
    public void Advance(long sequence, bool isSynced)
    {
        lock (_gate)
        {
            if (sequence <= (isSynced ? _synced : _sequence) || _file.IsClosed) return;
            _sequence = Math.Max(_sequence, sequence);
            if (isSynced) _synced = sequence;
            Write(isClean: false);
        }
    }

    /// <summary>Closes the file.</summary>
    /// <param name="isClean">All that was written is on the disk.</param>
    public void Close(bool isClean)
    {
        lock (_gate)
        {
            if (_file.IsClosed) return;
            if (isClean)
            {
                Write(isClean: true);
                RandomAccess.FlushToDisk(_file);
            }

            _file.Dispose();
        }
    }

    private string? Judge(long sequence)
    {
        Span<byte> bytes = stackalloc byte[Bytes];
        if (RandomAccess.Read(_file, bytes, 0) != Bytes || bytes[0] != Form
            || XxHash64.HashToUInt64(bytes[..^8]) != BinaryPrimitives.ReadUInt64LittleEndian(bytes[^8..]))
            return "the file of what was acknowledged is damaged";
        bool stoppedHere = bytes[1] != 0 || new Guid(bytes[32..48]) == _boot;
        Generation = BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]);
        VoidBelow = BinaryPrimitives.ReadUInt32LittleEndian(bytes[12..]);
        long acknowledged = BinaryPrimitives.ReadInt64LittleEndian(bytes[(stoppedHere ? 16 : 24)..]);
        if (sequence < acknowledged) return $"{acknowledged - sequence} changes that were acknowledged are missing at the end of its log";
        if (!stoppedHere) VoidBelow = ++Generation;
        return null;
    }

    private void Write(bool isClean)
    {
        Span<byte> bytes = stackalloc byte[Bytes];
        bytes.Clear();
        bytes[0] = Form;
        bytes[1] = isClean ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[8..], Generation);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[12..], VoidBelow);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[16..], _sequence);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[24..], _synced);
        _boot.TryWriteBytes(bytes[32..]);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[^8..], XxHash64.HashToUInt64(bytes[..^8]));
        RandomAccess.Write(_file, bytes, 0);
    }
}
