using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text;
using Broker.Cluster.Protocol.Log;
using Broker.Cluster.Protocol.Members;
using Broker.Cluster.Protocol.Register;

namespace Broker.Cluster.Protocol.Messages;

/// <summary>
/// Reads the fields that <see cref="WireWriter"/> wrote. Once something is missing or is no value of its type, <see cref="IsGood"/> is
/// false and everything reads as nothing. Lengths are compared with what is there before anything is allocated, and lists grow as their
/// items are read.
/// </summary>
/// <param name="bytes">The body of one message; borrowed.</param>
public ref struct WireReader(ReadOnlySpan<byte> bytes)
{
    private static readonly UTF8Encoding s_strictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private ReadOnlySpan<byte> _rest = bytes;

    /// <summary>Whether all that was read was there.</summary>
    public bool IsGood { get; private set; } = true;

    /// <summary>Bytes not read yet.</summary>
    public readonly int Left => _rest.Length;

    /// <summary>Reads one byte.</summary>
    public byte ReadByte() => Take(1) is [var value] ? value : (byte)0;

    /// <summary>Reads 0 or 1; anything else is bad.</summary>
    public bool ReadBool()
    {
        byte value = ReadByte();
        if (value > 1) Fail();
        return value == 1;
    }

    /// <summary>Reads 4 bytes.</summary>
    public uint ReadUInt32() => Take(sizeof(uint)) is { Length: sizeof(uint) } found ? BinaryPrimitives.ReadUInt32LittleEndian(found) : 0;

    /// <summary>Reads a number that is not negative; more than an <c>int</c> holds is bad.</summary>
    public int ReadCount()
    {
        uint value = ReadUInt32();
        if (value <= int.MaxValue) return (int)value;
        Fail();
        return 0;
    }

    /// <summary>Reads 8 bytes.</summary>
    public ulong ReadUInt64() =>
        Take(sizeof(ulong)) is { Length: sizeof(ulong) } found ? BinaryPrimitives.ReadUInt64LittleEndian(found) : 0;

    /// <summary>Reads bytes into an array of their own.</summary>
    public byte[] ReadBytes() => Take(ReadCount()).ToArray();

    /// <summary>Reads a text; bytes that are not UTF-8 are bad.</summary>
    public string ReadText()
    {
        ReadOnlySpan<byte> text = Take(ReadCount());
        if (System.Text.Unicode.Utf8.IsValid(text)) return s_strictUtf8.GetString(text);
        Fail();
        return "";
    }

    /// <summary>Reads number and member.</summary>
    public Term ReadTerm() => new(ReadUInt64(), ReadMember());

    /// <summary>Reads a member.</summary>
    public MemberId ReadMember() => new(ReadUInt64());

    /// <summary>Reads epoch and offset.</summary>
    public ChannelPosition ReadPosition() => new(ReadUInt64(), ReadUInt64());

    /// <summary>Reads a position if there is one.</summary>
    public ChannelPosition? ReadOptionalPosition() => ReadBool() ? ReadPosition() : null;

    /// <summary>Reads a list of entries.</summary>
    public IReadOnlyList<LogEntry> ReadEntries()
    {
        var entries = new List<LogEntry>();
        for (int left = ReadCount(); left > 0 && IsGood; left--) entries.Add(ReadEntry());
        return entries;
    }

    /// <summary>Reads a claim and a set.</summary>
    public RegisterRecord ReadRecord()
    {
        Term claim = ReadTerm();
        if (!ReadBool()) return new RegisterRecord(claim, null);
        Term term = ReadTerm();
        uint version = ReadUInt32();
        Term lineage = ReadTerm();
        ImmutableArray<StoreId>.Builder stores = ImmutableArray.CreateBuilder<StoreId>();
        for (int left = ReadCount(); left > 0 && IsGood; left--) stores.Add(new StoreId(ReadUInt64()));
        return new RegisterRecord(claim, new ReplicaSet(term, version, lineage) { Stores = stores.ToImmutable() });
    }

    /// <summary>Says that what was read is no value of its type.</summary>
    public void Fail()
    {
        IsGood = false;
        _rest = default;
    }

    private LogEntry ReadEntry()
    {
        var kind = (LogEntryKind)ReadByte();
        if (kind is < LogEntryKind.Publication or > LogEntryKind.Key) Fail();
        return new LogEntry(kind, ReadUInt64(), ReadText(), ReadUInt64(), ReadUInt64())
        {
            Key = ReadText(),
            TimeMilliseconds = (long)ReadUInt64(),
            KeepMax = ReadCount(),
            Data = ReadBytes(),
        };
    }

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > _rest.Length)
        {
            Fail();
            return default;
        }

        ReadOnlySpan<byte> taken = _rest[..count];
        _rest = _rest[count..];
        return taken;
    }
}
