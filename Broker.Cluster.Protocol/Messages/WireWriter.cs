using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using Broker.Cluster.Protocol.Log;
using Broker.Cluster.Protocol.Members;
using Broker.Cluster.Protocol.Register;

namespace Broker.Cluster.Protocol.Messages;

/// <summary>Writes the fields of messages: integers of fixed width, little endian; texts and bytes behind their lengths.</summary>
/// <param name="output">Where the bytes go.</param>
public readonly struct WireWriter(IBufferWriter<byte> output)
{
    /// <summary>Writes one byte.</summary>
    public void WriteByte(byte value)
    {
        output.GetSpan(1)[0] = value;
        output.Advance(1);
    }

    /// <summary>Writes 0 or 1.</summary>
    public void WriteBool(bool value) => WriteByte(value ? (byte)1 : (byte)0);

    /// <summary>Writes 4 bytes.</summary>
    public void WriteUInt32(uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(output.GetSpan(sizeof(uint)), value);
        output.Advance(sizeof(uint));
    }

    /// <summary>Writes a partition, a count or another number that is not negative.</summary>
    public void WriteCount(int value) => WriteUInt32(checked((uint)value));

    /// <summary>Writes 8 bytes.</summary>
    public void WriteUInt64(ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(output.GetSpan(sizeof(ulong)), value);
        output.Advance(sizeof(ulong));
    }

    /// <summary>Writes a length and the bytes.</summary>
    public void WriteBytes(ReadOnlySpan<byte> value)
    {
        WriteCount(value.Length);
        output.Write(value);
    }

    /// <summary>Writes a length and UTF-8.</summary>
    public void WriteText(string value)
    {
        WriteCount(Encoding.UTF8.GetByteCount(value));
        Encoding.UTF8.GetBytes(value, output);
    }

    /// <summary>Writes number and member.</summary>
    public void WriteTerm(Term value)
    {
        WriteUInt64(value.Number);
        WriteUInt64(value.Member.Value);
    }

    /// <summary>Writes a member.</summary>
    public void WriteMember(MemberId value) => WriteUInt64(value.Value);

    /// <summary>Writes epoch and offset.</summary>
    public void WritePosition(ChannelPosition value)
    {
        WriteUInt64(value.Epoch);
        WriteUInt64(value.Offset);
    }

    /// <summary>Writes whether there is one, then the position.</summary>
    public void WriteOptional(ChannelPosition? value)
    {
        WriteBool(value is not null);
        if (value is { } known) WritePosition(known);
    }

    /// <summary>Writes a count and the entries.</summary>
    public void WriteEntries(IReadOnlyList<LogEntry> entries)
    {
        ArgumentNullException.ThrowIfNull(entries);
        WriteCount(entries.Count);
        for (int i = 0; i < entries.Count; i++) WriteEntry(entries[i]);
    }

    /// <summary>Writes a claim and a set.</summary>
    public void WriteRecord(RegisterRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        WriteTerm(record.Claim);
        WriteBool(record.Set is not null);
        if (record.Set is not { } set) return;
        WriteTerm(set.Term);
        WriteUInt32(set.Version);
        WriteTerm(set.Lineage);
        WriteCount(set.Stores.Length);
        foreach (StoreId each in set.Stores) WriteUInt64(each.Value);
    }

    private void WriteEntry(LogEntry entry)
    {
        WriteByte((byte)entry.Kind);
        WriteUInt64(entry.Sequence);
        WriteText(entry.Channel);
        WriteUInt64(entry.Epoch);
        WriteUInt64(entry.Offset);
        WriteText(entry.Key);
        WriteUInt64((ulong)entry.TimeMilliseconds);
        WriteCount(entry.KeepMax);
        WriteBytes(entry.Data.Span);
    }
}
