using System.Buffers.Binary;
using System.Text;
using Broker.Actors.Model;

namespace Broker.Store.History;

/// <summary>
/// The keys of a shard: <c>c</c> and a channel's name; <c>p</c>, an epoch and an offset; <c>i</c>, a channel's name with its length, and an
/// idempotency key.
/// </summary>
internal static class HistoryKeys
{
    /// <summary>The first byte of a channel's record.</summary>
    public static ReadOnlySpan<byte> Channels => "c"u8;

    /// <summary>The first byte of an idempotency key.</summary>
    public static ReadOnlySpan<byte> Idempotency => "i"u8;

    /// <summary>Where a channel's record stands.</summary>
    public static byte[] OfChannel(string channel) => [.. Channels, .. Encoding.UTF8.GetBytes(channel)];

    /// <summary>The channel of a record's key.</summary>
    public static string ChannelOf(ReadOnlySpan<byte> key) => Encoding.UTF8.GetString(key[1..]);

    /// <summary>Where a publication stands: those of one epoch in the order of their offsets.</summary>
    public static byte[] OfPublication(ulong epoch, ulong offset)
    {
        byte[] key = new byte[17];
        key[0] = (byte)'p';
        BinaryPrimitives.WriteUInt64BigEndian(key.AsSpan(1), epoch);
        BinaryPrimitives.WriteUInt64BigEndian(key.AsSpan(9), offset);
        return key;
    }

    /// <summary>Where an idempotency key of a channel stands; the prefix of all of them if it is empty.</summary>
    public static byte[] OfIdempotency(string channel, string key)
    {
        byte[] name = Encoding.UTF8.GetBytes(channel);
        byte[] length = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(length, (ushort)name.Length);
        return [.. Idempotency, .. length, .. name, .. Encoding.UTF8.GetBytes(key)];
    }

    /// <summary>The channel and the key that a client gave.</summary>
    public static bool TryReadIdempotency(ReadOnlySpan<byte> record, out string channel, out string key)
    {
        channel = key = "";
        if (record.Length < 3) return false;
        int name = BinaryPrimitives.ReadUInt16BigEndian(record[1..]);
        if (record.Length < 3 + name) return false;
        channel = Encoding.UTF8.GetString(record.Slice(3, name));
        key = Encoding.UTF8.GetString(record[(3 + name)..]);
        return true;
    }

    /// <summary>What is remembered of an idempotency key.</summary>
    public static byte[] EncodeAnswer(StreamPosition position, long due)
    {
        byte[] bytes = new byte[24];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, position.Epoch);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(8), position.Offset);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(16), due);
        return bytes;
    }

    /// <summary>Decodes it.</summary>
    public static bool TryDecodeAnswer(ReadOnlySpan<byte> bytes, out StreamPosition position, out long due)
    {
        position = default;
        due = 0;
        if (bytes.Length != 24) return false;
        position = new StreamPosition(BinaryPrimitives.ReadUInt64LittleEndian(bytes), BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]));
        due = BinaryPrimitives.ReadInt64LittleEndian(bytes[16..]);
        return true;
    }
}
