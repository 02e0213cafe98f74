using System.Buffers.Binary;
using System.Text;

namespace Broker.Actors.Model;

/// <summary>A publication as bytes, for stores. Its offset is not among them: it is the key that they are kept under.</summary>
/// <remarks>
/// <c>flags u8 | time u64 | version u64 | key | user, client, connection info, channel info | tags | headers | event name | media type |
/// data to the end</c>; little-endian; a text or an info is a u32 length and its bytes, a list a u32 count and its names and values. What
/// the flags do not name is left out.
/// </remarks>
public static class PublicationRecord
{
    [Flags]
    private enum Parts : ushort
    {
        None = 0,
        Json = 1,
        Time = 2,
        Version = 4,
        Info = 8,
        Tags = 16,
        Headers = 32,
        EventName = 64,
        ContentType = 128,
        Key = 256,
        All = 511,
    }

    /// <summary>Encodes a publication, whose data is one piece, into an array of exactly its length.</summary>
    public static byte[] Encode(in Publication publication)
    {
        Parts parts = PartsOf(publication);
        PublicationExtras? extras = publication.Extras;
        int size = sizeof(ushort) + publication.Data.Length;
        if (parts.HasFlag(Parts.Time)) size += sizeof(long);
        if (parts.HasFlag(Parts.Version)) size += sizeof(ulong);
        if (parts.HasFlag(Parts.Key)) size += SizeOf(extras!.Key);
        if (publication.Info is { } info)
            size += SizeOf(info.User) + SizeOf(info.Client) + 8 + info.ConnectionInfo.Length + info.ChannelInfo.Length;
        if (parts.HasFlag(Parts.Tags)) size += SizeOf(extras!.Tags);
        if (parts.HasFlag(Parts.Headers)) size += SizeOf(extras!.Headers);
        if (parts.HasFlag(Parts.EventName)) size += SizeOf(extras!.EventName);
        if (parts.HasFlag(Parts.ContentType)) size += SizeOf(extras!.ContentType);

        byte[] record = GC.AllocateUninitializedArray<byte>(size);
        Span<byte> rest = record;
        BinaryPrimitives.WriteUInt16LittleEndian(rest, (ushort)parts);
        rest = rest[sizeof(ushort)..];
        if (parts.HasFlag(Parts.Time)) PutNumber(ref rest, (ulong)publication.TimeMilliseconds);
        if (parts.HasFlag(Parts.Version)) PutNumber(ref rest, extras!.Version);
        if (parts.HasFlag(Parts.Key)) PutText(ref rest, extras!.Key);
        if (publication.Info is not null) PutInfo(ref rest, publication.Info);
        if (parts.HasFlag(Parts.Tags)) PutList(ref rest, extras!.Tags);
        if (parts.HasFlag(Parts.Headers)) PutList(ref rest, extras!.Headers);
        if (parts.HasFlag(Parts.EventName)) PutText(ref rest, extras!.EventName);
        if (parts.HasFlag(Parts.ContentType)) PutText(ref rest, extras!.ContentType);
        publication.Data.Span.CopyTo(rest);
        return record;
    }

    /// <summary>Decodes a record.</summary>
    /// <param name="record">The bytes; the publication refers to them from here on.</param>
    /// <param name="offset">The publication's.</param>
    /// <param name="publication">The publication.</param>
    /// <returns>Whether the bytes are a record.</returns>
    public static bool TryDecode(ReadOnlyMemory<byte> record, ulong offset, out Publication publication)
    {
        publication = default;
        var reader = new Reader(record);
        if (!reader.TryTake(sizeof(ushort), out ReadOnlyMemory<byte> flags)) return false;
        var parts = (Parts)BinaryPrimitives.ReadUInt16LittleEndian(flags.Span);
        if ((parts & ~Parts.All) != 0) return false;
        ulong time = 0, version = 0;
        ClientInfo? info = null;
        List<KeyValuePair<string, string>>? tags = null, headers = null;
        string? eventName = null, contentType = null, key = null;
        if (parts.HasFlag(Parts.Time) && !reader.TryReadNumber(out time)) return false;
        if (parts.HasFlag(Parts.Version) && !reader.TryReadNumber(out version)) return false;
        if (parts.HasFlag(Parts.Key) && (key = reader.ReadText()) is null) return false;
        if (parts.HasFlag(Parts.Info) && (info = ReadInfo(ref reader)) is null) return false;
        if (parts.HasFlag(Parts.Tags) && (tags = ReadList(ref reader)) is null) return false;
        if (parts.HasFlag(Parts.Headers) && (headers = ReadList(ref reader)) is null) return false;
        if (parts.HasFlag(Parts.EventName) && (eventName = reader.ReadText()) is null) return false;
        if (parts.HasFlag(Parts.ContentType) && (contentType = reader.ReadText()) is null) return false;
        bool hasExtras = (parts & (Parts.Version | Parts.Tags | Parts.Headers | Parts.EventName | Parts.ContentType | Parts.Key)) != 0;
        publication = new Publication
        {
            Data = reader.Rest,
            IsJson = parts.HasFlag(Parts.Json),
            Offset = offset,
            Info = info,
            TimeMilliseconds = (long)time,
            Extras = hasExtras
                ? new PublicationExtras { Version = version, Tags = tags ?? [], Headers = headers ?? [], EventName = eventName ?? "",
                ContentType = contentType ?? "", Key = key ?? "" }
                : null,
        };
        return true;
    }

    private static Parts PartsOf(in Publication publication) =>
        (publication.IsJson ? Parts.Json : Parts.None)
        | (publication.TimeMilliseconds != 0 ? Parts.Time : Parts.None)
        | (publication.Info is not null ? Parts.Info : Parts.None)
        | (publication.Extras is { } extras ? PartsOf(extras) : Parts.None);

    private static Parts PartsOf(PublicationExtras extras) =>
        (extras.Version != 0 ? Parts.Version : Parts.None)
        | (extras.Tags.Count > 0 ? Parts.Tags : Parts.None)
        | (extras.Headers.Count > 0 ? Parts.Headers : Parts.None)
        | (extras.EventName.Length > 0 ? Parts.EventName : Parts.None)
        | (extras.ContentType.Length > 0 ? Parts.ContentType : Parts.None)
        | (extras.Key.Length > 0 ? Parts.Key : Parts.None);

    private static ClientInfo? ReadInfo(ref Reader reader) =>
        reader.ReadText() is { } user && reader.ReadText() is { } client
        && reader.TryReadBytes(out ReadOnlyMemory<byte> connection) && reader.TryReadBytes(out ReadOnlyMemory<byte> channel)
            ? new ClientInfo(user, client) { ConnectionInfo = connection, ChannelInfo = channel }
            : null;

    private static List<KeyValuePair<string, string>>? ReadList(ref Reader reader)
    {
        if (!reader.TryReadLength(out int count)) return null;
        var list = new List<KeyValuePair<string, string>>();
        for (int i = 0; i < count; i++)
        {
            if (reader.ReadText() is not { } name || reader.ReadText() is not { } value) return null;
            list.Add(new KeyValuePair<string, string>(name, value));
        }

        return list;
    }

    private static int SizeOf(string text) => 4 + Encoding.UTF8.GetByteCount(text);

    private static int SizeOf(IReadOnlyList<KeyValuePair<string, string>> list) =>
        4 + list.Sum(static each => SizeOf(each.Key) + SizeOf(each.Value));

    private static void PutInfo(ref Span<byte> rest, ClientInfo info)
    {
        PutText(ref rest, info.User);
        PutText(ref rest, info.Client);
        PutBytes(ref rest, info.ConnectionInfo.Span);
        PutBytes(ref rest, info.ChannelInfo.Span);
    }

    private static void PutList(ref Span<byte> rest, IReadOnlyList<KeyValuePair<string, string>> list)
    {
        PutLength(ref rest, list.Count);
        foreach ((string name, string value) in list)
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
