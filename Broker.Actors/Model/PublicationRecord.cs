using System.Buffers.Binary;
using System.Text;

namespace Broker.Actors.Model;

/// <summary>A publication as bytes, for stores and other nodes. Its offset is not among them: it is the key that they are kept under.</summary>
/// <remarks>
/// <c>flags u8 | time u64 | version u64 | key | user, client, connection info, channel info | tag count u32, name, value … | data to the end</c>;
/// little-endian; every text and info is a u32 length and its bytes. What the flags do not name is left out.
/// </remarks>
public static class PublicationRecord
{
    [Flags]
    private enum Parts : byte
    {
        None = 0,
        Json = 1,
        Time = 2,
        Version = 4,
        Key = 8,
        Info = 16,
        Tags = 32,
        All = Json | Time | Version | Key | Info | Tags,
    }

    /// <summary>Encodes a publication into an array of exactly its length.</summary>
    public static byte[] Encode(Publication publication)
    {
        ArgumentNullException.ThrowIfNull(publication);
        Parts parts = PartsOf(publication);
        int size = 1 + publication.Data.Length;
        if (parts.HasFlag(Parts.Time)) size += sizeof(long);
        if (parts.HasFlag(Parts.Version)) size += sizeof(ulong);
        if (publication.Key is { } key) size += SizeOf(key);
        if (publication.Info is { } info) size += SizeOf(info.User) + SizeOf(info.Client) + 8 + info.ConnectionInfo.Length + info.ChannelInfo.Length;
        if (parts.HasFlag(Parts.Tags)) size += 4 + publication.Tags!.All.Sum(static tag => SizeOf(tag.Key) + SizeOf(tag.Value));

        byte[] record = GC.AllocateUninitializedArray<byte>(size);
        Span<byte> rest = record;
        rest[0] = (byte)parts;
        rest = rest[1..];
        if (parts.HasFlag(Parts.Time)) PutNumber(ref rest, (ulong)publication.TimeMilliseconds);
        if (parts.HasFlag(Parts.Version)) PutNumber(ref rest, publication.Version);
        if (publication.Key is not null) PutText(ref rest, publication.Key);
        if (publication.Info is not null) PutInfo(ref rest, publication.Info);
        if (parts.HasFlag(Parts.Tags)) PutTags(ref rest, publication.Tags!);
        publication.Data.Span.CopyTo(rest);
        return record;
    }

    /// <summary>Decodes a record.</summary>
    /// <param name="record">The bytes; the publication refers to them from here on.</param>
    /// <param name="offset">The publication's.</param>
    /// <returns>The publication, or null if the bytes are no record.</returns>
    public static Publication? Decode(ReadOnlyMemory<byte> record, ulong offset)
    {
        var reader = new Reader(record);
        if (!reader.TryTake(1, out ReadOnlyMemory<byte> flags)) return null;
        var parts = (Parts)flags.Span[0];
        if ((parts & ~Parts.All) != 0) return null;
        ulong time = 0, version = 0;
        string? key = null;
        ClientInfo? info = null;
        PublicationTags? tags = null;
        if (parts.HasFlag(Parts.Time) && !reader.TryReadNumber(out time)) return null;
        if (parts.HasFlag(Parts.Version) && !reader.TryReadNumber(out version)) return null;
        if (parts.HasFlag(Parts.Key) && (key = reader.ReadText()) is null) return null;
        if (parts.HasFlag(Parts.Info) && (info = ReadInfo(ref reader)) is null) return null;
        if (parts.HasFlag(Parts.Tags) && (tags = ReadTags(ref reader)) is null) return null;
        return new Publication
        {
            Data = reader.Rest,
            IsJson = parts.HasFlag(Parts.Json),
            Offset = offset,
            Info = info,
            Tags = tags,
            TimeMilliseconds = (long)time,
            Version = version,
            Key = key,
        };
    }

    private static Parts PartsOf(Publication publication) =>
        (publication.IsJson ? Parts.Json : Parts.None)
        | (publication.TimeMilliseconds != 0 ? Parts.Time : Parts.None)
        | (publication.Version != 0 ? Parts.Version : Parts.None)
        | (publication.Key is not null ? Parts.Key : Parts.None)
        | (publication.Info is not null ? Parts.Info : Parts.None)
        | (publication.Tags is not null ? Parts.Tags : Parts.None);

    private static ClientInfo? ReadInfo(ref Reader reader) =>
        reader.ReadText() is { } user && reader.ReadText() is { } client
        && reader.TryReadBytes(out ReadOnlyMemory<byte> connection) && reader.TryReadBytes(out ReadOnlyMemory<byte> channel)
            ? new ClientInfo(user, client, connection, channel)
            : null;

    private static PublicationTags? ReadTags(ref Reader reader)
    {
        if (!reader.TryReadLength(out int count)) return null;
        var tags = new List<KeyValuePair<string, string>>();
        for (int i = 0; i < count; i++)
        {
            if (reader.ReadText() is not { } name || reader.ReadText() is not { } value) return null;
            tags.Add(new KeyValuePair<string, string>(name, value));
        }

        return tags.DistinctBy(static tag => tag.Key).Count() == count ? new PublicationTags(tags) : null;
    }

    private static int SizeOf(string text) => 4 + Encoding.UTF8.GetByteCount(text);

    private static void PutInfo(ref Span<byte> rest, ClientInfo info)
    {
        PutText(ref rest, info.User);
        PutText(ref rest, info.Client);
        PutBytes(ref rest, info.ConnectionInfo.Span);
        PutBytes(ref rest, info.ChannelInfo.Span);
    }

    private static void PutTags(ref Span<byte> rest, PublicationTags tags)
    {
        PutLength(ref rest, tags.All.Count);
        foreach ((string name, string value) in tags.All)
        {
            PutText(ref rest, name);
            PutText(ref rest, value);
        }
    }

    private static void PutNumber(ref Span<byte> rest, ulong number)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(rest, number);
        rest = rest[8..];
    }

    private static void PutLength(ref Span<byte> rest, int length)
    {
        BinaryPrimitives.WriteInt32LittleEndian(rest, length);
        rest = rest[4..];
    }

    private static void PutText(ref Span<byte> rest, string text)
    {
        int written = Encoding.UTF8.GetBytes(text, rest[4..]);
        PutLength(ref rest, written);
        rest = rest[written..];
    }

    private static void PutBytes(ref Span<byte> rest, ReadOnlySpan<byte> bytes)
    {
        PutLength(ref rest, bytes.Length);
        bytes.CopyTo(rest);
        rest = rest[bytes.Length..];
    }

    private ref struct Reader(ReadOnlyMemory<byte> record)
    {
        internal ReadOnlyMemory<byte> Rest { get; private set; } = record;

        internal bool TryTake(int bytes, out ReadOnlyMemory<byte> taken)
        {
            taken = default;
            if (bytes > Rest.Length) return false;
            taken = Rest[..bytes];
            Rest = Rest[bytes..];
            return true;
        }

        internal bool TryReadNumber(out ulong number)
        {
            bool read = TryTake(8, out ReadOnlyMemory<byte> bytes);
            number = read ? BinaryPrimitives.ReadUInt64LittleEndian(bytes.Span) : 0;
            return read;
        }

        internal bool TryReadLength(out int length)
        {
            bool read = TryTake(4, out ReadOnlyMemory<byte> bytes);
            length = read ? BinaryPrimitives.ReadInt32LittleEndian(bytes.Span) : 0;
            return read && length >= 0;
        }

        internal bool TryReadBytes(out ReadOnlyMemory<byte> bytes)
        {
            bytes = default;
            return TryReadLength(out int length) && TryTake(length, out bytes);
        }

        internal string? ReadText() => TryReadBytes(out ReadOnlyMemory<byte> bytes) ? Encoding.UTF8.GetString(bytes.Span) : null;
    }
}
