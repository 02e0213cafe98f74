using System.Text;

namespace Broker.Dialects.Centrifuge.Wire;

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

    private static ReadOnlySpan<byte> DeltaMember => ",\"delta\":true"u8;

    private static ReadOnlySpan<byte> EpochName => ",\"epoch\":\""u8;

    private static ReadOnlySpan<byte> VersionName => ",\"version\":"u8;

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
    /// <param name="user">The user, or empty for an anonymous client.</param>
    /// <param name="client">The connection's id.</param>
    public static byte[] EncodeInfo(string user, string client) => Encoding.UTF8.GetBytes(
        user.Length == 0
            ? $"{{\"client\":\"{RawJson.Escape(client)}\"}}"
            : $"{{\"user\":\"{RawJson.Escape(user)}\",\"client\":\"{RawJson.Escape(client)}\"}}");

    /// <summary>Who a client is, as a JSON object. Make it once a connection.</summary>
    /// <param name="user">The user; empty for an anonymous one.</param>
    /// <param name="client">The connection's id.</param>
    /// <param name="connectionInfo">One JSON value; empty is left out.</param>
    /// <param name="channelInfo">One JSON value; empty is left out.</param>
    public static byte[] EncodeInfo(string user, string client, ReadOnlySpan<byte> connectionInfo, ReadOnlySpan<byte> channelInfo)
    {
        byte[] known = Encoding.UTF8.GetBytes($"{{\"user\":\"{RawJson.Escape(user)}\",\"client\":\"{RawJson.Escape(client)}\"");
        byte[] encoded =
            new byte[known.Length + ConnectionInfoName.Length + connectionInfo.Length + ChannelInfoName.Length + channelInfo.Length + 1];
        Span<byte> rest = Append(known, encoded);
        if (!connectionInfo.IsEmpty) rest = AppendRaw(connectionInfo, Append(ConnectionInfoName, rest));
        if (!channelInfo.IsEmpty) rest = AppendRaw(channelInfo, Append(ChannelInfoName, rest));
        rest = Append("}"u8, rest);
        return encoded[..^rest.Length];
    }

    private static ReadOnlySpan<byte> ConnectionInfoName => ",\"conn_info\":"u8;

    private static ReadOnlySpan<byte> ChannelInfoName => ",\"chan_info\":"u8;

    /// <summary>The line that tells that a client has joined a channel, or left it.</summary>
    /// <param name="channel">The name, UTF-8, not escaped.</param>
    /// <param name="hasJoined">Or left.</param>
    /// <param name="info">From <see cref="EncodeInfo(string, string, ReadOnlySpan{byte}, ReadOnlySpan{byte})"/>.</param>
    public static byte[] EncodePresence(ReadOnlySpan<byte> channel, bool hasJoined, ReadOnlySpan<byte> info)
    {
        byte[] escaped = new byte[channel.Length * RawJson.EscapedPerByteMax];
        int size = RawJson.Escape(channel, escaped);
        return [.. Opening, .. escaped.AsSpan(0, size), .. hasJoined ? "\",\"join\":{\"info\":"u8 : "\",\"leave\":{\"info\":"u8, .. info,
            .. Closing];
    }

    /// <summary>Data as a JSON string: how subscribers of deltas are sent whole data and differences alike.</summary>
    /// <param name="text">UTF-8.</param>
    public static byte[] Quote(ReadOnlySpan<byte> text)
    {
        byte[] escaped = new byte[checked((text.Length * RawJson.EscapedPerByteMax) + 2)];
        escaped[0] = (byte)'"';
        int size = RawJson.Escape(text, escaped.AsSpan(1));
        escaped[size + 1] = (byte)'"';
        return escaped[..(size + 2)];
    }

    /// <summary>Tags as a JSON object of texts.</summary>
    public static byte[] EncodeTags(IReadOnlyList<KeyValuePair<string, string>> tags)
    {
        ArgumentNullException.ThrowIfNull(tags);
        var text = new StringBuilder("{");
        for (int i = 0; i < tags.Count; i++)
            text.Append(i == 0 ? "\"" : ",\"").Append(RawJson.Escape(tags[i].Key)).Append("\":\"").Append(RawJson.Escape(tags[i].Value))
                .Append('"');
        return Encoding.UTF8.GetBytes(text.Append('}').ToString());
    }

    /// <summary>Bytes of the line that <see cref="Write"/> will write.</summary>
    public static int Measure(ReadOnlySpan<byte> prefix, in Publication publication)
    {
        int size = prefix.Length + Closing.Length;
        size += publication.Data.IsEmpty ? Null.Length : publication.Data.Length;
        if (!publication.Info.IsEmpty) size += InfoName.Length + publication.Info.Length;
        if (publication.Offset != 0) size += OffsetName.Length + CountDigits(publication.Offset);
        if (!publication.Tags.IsEmpty) size += TagsName.Length + publication.Tags.Length;
        if (publication.Delta) size += DeltaMember.Length;
        if (publication.Version != 0) size += VersionName.Length + CountDigits(publication.Version);
        if (!publication.Epoch.IsEmpty) size += EpochName.Length + publication.Epoch.Length + 1;
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
        if (publication.Delta) rest = Append(DeltaMember, rest);
        if (publication.Version != 0)
        {
            rest = Append(VersionName, rest);
            publication.Version.TryFormat(rest, out int digits);
            rest = rest[digits..];
        }

        if (!publication.Epoch.IsEmpty) rest = Append("\""u8, Append(publication.Epoch, Append(EpochName, rest)));
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
