namespace Broker.Dialects.Centrifuge.Wire.Protobuf;

/// <summary>Encodes a publication once, to the one delimited reply that all subscribers of a channel are sent.</summary>
/// <remarks>
/// <c>varint length, Reply { push = 4: Push { channel = 2, pub = 4: Publication } }</c>. The field of the channel is its prefix,
/// which a channel makes once and keeps. A publication's <c>Info</c> and <c>Tags</c> are what <see cref="EncodeInfo"/> and
/// <see cref="EncodeTags"/> gave, its data is any bytes.
/// </remarks>
public static class ProtobufPublicationEncoder
{
    private const int ReplyPush = 4, PushChannel = 2, PushPublication = 4, PushJoin = 5, PushLeave = 6, PresenceInfo = 1;
    private const int Data = 4, Info = 5, Offset = 6, Tags = 7, Delta = 8, Epoch = 14, Version = 16;

    /// <summary>The field of the channel in its pushes. Make it once a channel.</summary>
    /// <param name="channel">The name, UTF-8.</param>
    public static byte[] EncodePrefix(ReadOnlySpan<byte> channel)
    {
        var buffer = new ProtobufBuffer();
        buffer.PutBytes(PushChannel, channel);
        return buffer.Written.ToArray();
    }

    /// <summary>Who a client is: a ClientInfo. Make it once a connection.</summary>
    /// <param name="user">The user; empty for an anonymous one.</param>
    /// <param name="client">The connection's id.</param>
    /// <param name="connectionInfo">Any bytes; empty is left out.</param>
    /// <param name="channelInfo">Any bytes; empty is left out.</param>
    public static byte[] EncodeInfo(string user, string client, ReadOnlySpan<byte> connectionInfo, ReadOnlySpan<byte> channelInfo)
    {
        var buffer = new ProtobufBuffer();
        buffer.PutText(1, user);
        buffer.PutText(2, client);
        buffer.PutBytes(3, connectionInfo);
        buffer.PutBytes(4, channelInfo);
        return buffer.Written.ToArray();
    }

    /// <summary>Tags, as the fields that they are in a publication.</summary>
    public static byte[] EncodeTags(IReadOnlyList<KeyValuePair<string, string>> tags)
    {
        ArgumentNullException.ThrowIfNull(tags);
        var buffer = new ProtobufBuffer();
        foreach ((string name, string value) in tags)
        {
            int entry = buffer.Begin(Tags);
            buffer.PutText(1, name);
            buffer.PutText(2, value);
            buffer.End(entry);
        }

        return buffer.Written.ToArray();
    }

    /// <summary>The delimited reply that tells that a client has joined a channel, or left it.</summary>
    /// <param name="prefix">What <see cref="EncodePrefix"/> gave for the channel.</param>
    /// <param name="hasJoined">Or left.</param>
    /// <param name="info">From <see cref="EncodeInfo"/>.</param>
    public static byte[] EncodePresence(ReadOnlySpan<byte> prefix, bool hasJoined, ReadOnlySpan<byte> info)
    {
        var buffer = new ProtobufBuffer();
        int reply = buffer.Begin(), push = buffer.Begin(ReplyPush);
        buffer.Put(prefix);
        int presence = buffer.Begin(hasJoined ? PushJoin : PushLeave);
        buffer.PutMessage(PresenceInfo, info);
        buffer.End(presence);
        buffer.End(push);
        buffer.End(reply);
        return buffer.Written.ToArray();
    }

    /// <summary>The delimited reply, in an array exactly as long as it: the one allocation.</summary>
    /// <param name="prefix">What <see cref="EncodePrefix"/> gave for the channel.</param>
    /// <param name="publication">What was published.</param>
    public static byte[] Encode(ReadOnlySpan<byte> prefix, in Publication publication)
    {
        int body = Measure(publication);
        int push = prefix.Length + ProtobufSize.OfBytes(PushPublication, body);
        int reply = ProtobufSize.OfBytes(ReplyPush, push);
        byte[] encoded = GC.AllocateUninitializedArray<byte>(ProtobufSize.OfVarint((ulong)reply) + reply);
        Span<byte> rest = encoded.AsSpan(ProtobufSize.WriteVarint(encoded, (ulong)reply));
        rest = rest[ProtobufSize.WriteHead(rest, ReplyPush, push)..];
        prefix.CopyTo(rest);
        rest = rest[prefix.Length..];
        rest = rest[ProtobufSize.WriteHead(rest, PushPublication, body)..];
        WriteBody(publication, rest);
        return encoded;
    }

    /// <summary>The publication alone: what a recovery and a page of history have.</summary>
    public static byte[] EncodeBody(in Publication publication)
    {
        byte[] body = GC.AllocateUninitializedArray<byte>(Measure(publication));
        WriteBody(publication, body);
        return body;
    }

    private static int Measure(in Publication publication)
    {
        int size = publication.Tags.Length;
        if (!publication.Data.IsEmpty) size += ProtobufSize.OfBytes(Data, publication.Data.Length);
        if (!publication.Info.IsEmpty) size += ProtobufSize.OfBytes(Info, publication.Info.Length);
        if (publication.Offset != 0) size += ProtobufSize.OfNumber(Offset, publication.Offset);
        if (publication.Delta) size += ProtobufSize.OfNumber(Delta, 1);
        if (!publication.Epoch.IsEmpty) size += ProtobufSize.OfBytes(Epoch, publication.Epoch.Length);
        if (publication.Version != 0) size += ProtobufSize.OfNumber(Version, publication.Version);
        return size;
    }

    private static void WriteBody(in Publication publication, Span<byte> target)
    {
        Span<byte> rest = AppendBytes(Data, publication.Data, target);
        rest = AppendBytes(Info, publication.Info, rest);
        rest = AppendNumber(Offset, publication.Offset, rest);
        publication.Tags.CopyTo(rest);
        rest = rest[publication.Tags.Length..];
        rest = AppendNumber(Delta, publication.Delta ? 1UL : 0, rest);
        rest = AppendBytes(Epoch, publication.Epoch, rest);
        AppendNumber(Version, publication.Version, rest);
    }

    private static Span<byte> AppendBytes(int field, ReadOnlySpan<byte> bytes, Span<byte> target)
    {
        if (bytes.IsEmpty) return target;
        Span<byte> rest = target[ProtobufSize.WriteHead(target, field, bytes.Length)..];
        bytes.CopyTo(rest);
        return rest[bytes.Length..];
    }

    private static Span<byte> AppendNumber(int field, ulong value, Span<byte> target)
    {
        if (value == 0) return target;
        int tag = ProtobufSize.WriteVarint(target, ((ulong)field << 3) | (ulong)WireType.Varint);
        return target[(tag + ProtobufSize.WriteVarint(target[tag..], value))..];
    }
}
