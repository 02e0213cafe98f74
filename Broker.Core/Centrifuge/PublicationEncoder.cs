using System.Text;

namespace Broker.Core.Centrifuge;

/// <summary>Encodes a publication once, to the one line of bytes that all subscribers of a channel are sent.</summary>
/// <remarks>
/// <c>{"push":{"channel":"x","pub":{"data":1,"info":{…},"offset":7,"tags":{…}}}}</c>. Up to the data, it is the channel's
/// prefix, which a channel makes once and keeps. The line ends without a line feed: lines of one frame have one between.
/// </remarks>
public static class PublicationEncoder
{
    private static ReadOnlySpan<byte> Opening => "{\"push\":{\"channel\":\""u8;

    private static ReadOnlySpan<byte> Middle => "\",\"pub\":"u8;

    private static ReadOnlySpan<byte> DataName => "{\"data\":"u8;

    private static ReadOnlySpan<byte> Null => "null"u8;

    private static ReadOnlySpan<byte> InfoName => ",\"info\":"u8;

    private static ReadOnlySpan<byte> OffsetName => ",\"offset\":"u8;

    private static ReadOnlySpan<byte> TagsName => ",\"tags\":"u8;

    private static ReadOnlySpan<byte> Closing => "}}}"u8;

    /// <summary>All bytes of a channel's publications up to their data. Make it once a channel.</summary>
    /// <param name="channel">The name, UTF-8, not escaped.</param>
    public static byte[] EncodePrefix(ReadOnlySpan<byte> channel)
    {
        byte[] escaped = new byte[channel.Length * RawJson.EscapedPerByteMax];
        int size = RawJson.Escape(channel, escaped);
        return [.. Opening, .. escaped.AsSpan(0, size), .. Middle, .. DataName];
    }

    /// <summary>Who published, as a JSON object. Make it once a connection.</summary>
    /// <param name="user">The user, or empty for nobody in particular.</param>
    /// <param name="client">The connection's id.</param>
    public static byte[] EncodeInfo(string user, string client) => Encoding.UTF8.GetBytes(
        user.Length == 0
            ? $"{{\"client\":\"{RawJson.Escape(client)}\"}}"
            : $"{{\"user\":\"{RawJson.Escape(user)}\",\"client\":\"{RawJson.Escape(client)}\"}}");

    /// <summary>Bytes of the line that <see cref="Write"/> will write.</summary>
    public static int Measure(ReadOnlySpan<byte> prefix, in Publication publication)
    {
        int size = prefix.Length + Closing.Length;
        size += publication.Data.IsEmpty ? Null.Length : publication.Data.Length;
        if (!publication.Info.IsEmpty) size += InfoName.Length + publication.Info.Length;
        if (publication.Offset != 0) size += OffsetName.Length + CountDigits(publication.Offset);
        if (!publication.Tags.IsEmpty) size += TagsName.Length + publication.Tags.Length;
        return size;
    }

    /// <summary>Writes the line to the start of the target, and gives its bytes. Allocates nothing.</summary>
    /// <param name="prefix">What <see cref="EncodePrefix"/> gave for the channel.</param>
    /// <param name="publication">What was published.</param>
    /// <param name="target">At least <see cref="Measure"/> bytes.</param>
    public static int Write(ReadOnlySpan<byte> prefix, in Publication publication, Span<byte> target)
    {
        Span<byte> rest = Append(prefix, target);
        rest = AppendRaw(publication.Data.IsEmpty ? Null : publication.Data, rest);
        if (!publication.Info.IsEmpty) rest = AppendRaw(publication.Info, Append(InfoName, rest));
        if (publication.Offset != 0)
        {
            rest = Append(OffsetName, rest);
            publication.Offset.TryFormat(rest, out int digits);
            rest = rest[digits..];
        }
        if (!publication.Tags.IsEmpty) rest = AppendRaw(publication.Tags, Append(TagsName, rest));
        rest = Append(Closing, rest);
        return target.Length - rest.Length;
    }

    /// <summary>The line in an array of its own, exactly as long as it: the one allocation.</summary>
    public static byte[] Encode(ReadOnlySpan<byte> prefix, in Publication publication)
    {
        byte[] line = GC.AllocateUninitializedArray<byte>(Measure(prefix, publication));
        Write(prefix, publication, line);
        return line;
    }

    /// <summary>The publication alone, a JSON object, out of its line: what a recovery puts in the subscribe reply.</summary>
    public static ReadOnlyMemory<byte> BodyOf(ReadOnlyMemory<byte> line, ReadOnlySpan<byte> prefix) =>
        line[(prefix.Length - DataName.Length)..^(Closing.Length - 1)];

    private static Span<byte> Append(ReadOnlySpan<byte> bytes, Span<byte> target)
    {
        bytes.CopyTo(target);
        return target[bytes.Length..];
    }

    private static Span<byte> AppendRaw(ReadOnlySpan<byte> json, Span<byte> target)
    {
        RawJson.CopyAsLine(json, target);
        return target[json.Length..];
    }

    private static int CountDigits(ulong number)
    {
        int digits = 1;
        while ((number /= 10) != 0) digits++;
        return digits;
    }
}
