using Broker.Actors.Channels.Delivery;
using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Unicode;
using Broker.Actors.Channels.Presence;
using Broker.Actors.Model;
using Broker.Dialects.Centrifuge.Wire;
using Publication = Broker.Actors.Model.Publication;
using WirePublication = Broker.Dialects.Centrifuge.Wire.Publication;

namespace Broker.Dialects.Centrifuge;

/// <summary>A publication as a line of JSON. Data that is not JSON becomes a string in base64, and a tag says so.</summary>
/// <param name="dataBytesMax">The longest data that fits a line; longer data is not sent.</param>
internal sealed class JsonEncoding(int dataBytesMax) : PublicationEncoding
{
    private static ReadOnlySpan<byte> Base64Tags => "{\"encoding\":\"base64\"}"u8;

    /// <inheritdoc />
    public override object Prepare(string channel) => PublicationEncoder.EncodePrefix(Encoding.UTF8.GetBytes(channel));

    /// <inheritdoc />
    public override byte[]? Encode(in EncodedChannel channel, in Publication publication)
    {
        byte[] prefix = (byte[])channel.Prepared!;
        if (publication.LongData is not { } data) return Encode(prefix, channel.Epoch, publication, publication.Data.Span);
        return data.Bytes > dataBytesMax ? null : Encode(prefix, channel.Epoch, publication, data.ToArray());
    }

    /// <inheritdoc />
    public override bool HasDeltas => true;

    /// <inheritdoc />
    public override bool AlignsDeltas => true;

    /// <inheritdoc />
    public override byte[]? EncodeDelta(in EncodedChannel channel, in Publication publication, ReadOnlySpan<byte> delta) =>
        EncodeText((byte[])channel.Prepared!, channel.Epoch, publication, delta);

    /// <summary>Encodes the line of a publication for subscribers of deltas: its data, or the difference, as a text.</summary>
    internal byte[] EncodeText(ReadOnlySpan<byte> prefix, ulong epoch, in Publication publication, ReadOnlySpan<byte> delta)
    {
        ReadOnlySpan<byte> data = publication.Data.Span;
        byte[] text = PublicationEncoder.Quote(delta.IsEmpty ? data : delta);
        return PublicationEncoder.Encode(prefix, WireOf(publication, epoch, text) with { Delta = !delta.IsEmpty });
    }

    /// <inheritdoc />
    public override byte[]? EncodePresence(in EncodedChannel channel, in PresenceChange change) =>
        PublicationEncoder.EncodePresence(Encoding.UTF8.GetBytes(channel.Name), change.HasJoined, InfoOf(change.Member).Span);

    /// <summary>Who a client is, as JSON.</summary>
    internal ReadOnlyMemory<byte> InfoOf(ClientInfo info) => info.EncodedFor(
        Slot, static each =>
            PublicationEncoder.EncodeInfo(each.User, each.Client, JsonOrNone(each.ConnectionInfo.Span), JsonOrNone(each.ChannelInfo.Span)));

    // An application's info that is not JSON can not be told here.
    private static ReadOnlySpan<byte> JsonOrNone(ReadOnlySpan<byte> info) => Utf8.IsValid(info) && RawJson.IsValid(info) ? info : default;

    // Offsets are told where the channel keeps a history.
    private WirePublication WireOf(in Publication publication, ulong epoch, ReadOnlySpan<byte> data)
    {
        PublicationExtras? extras = publication.Extras;
        return new WirePublication
        {
            Data = data,
            Info = publication.Info is { } from ? InfoOf(from).Span : default,
            Offset = epoch == 0 ? 0 : publication.Offset,
            Epoch = epoch != 0 && publication.Offset == 1 ? Encoding.ASCII.GetBytes(CentrifugeEpoch.Write(epoch)) : default,
            Version = extras?.Version ?? 0,
            Tags = extras is { Tags.Count: > 0 } ? PublicationEncoder.EncodeTags(extras.Tags) : default,
        };
    }

    /// <summary>Encodes the line of a publication.</summary>
    /// <param name="prefix">The channel's.</param>
    /// <param name="epoch">Of the channel's history; 0 where it keeps none.</param>
    /// <param name="publication">The publication.</param>
    /// <param name="data">Its data, in one piece.</param>
    internal byte[] Encode(ReadOnlySpan<byte> prefix, ulong epoch, in Publication publication, ReadOnlySpan<byte> data)
    {
        if (publication.IsJson || (Utf8.IsValid(data) && RawJson.IsValid(data)))
            return PublicationEncoder.Encode(prefix, WireOf(publication, epoch, data));

        byte[] text = ArrayPool<byte>.Shared.Rent(Base64.GetMaxEncodedToUtf8Length(data.Length) + 2);
        Base64.EncodeToUtf8(data, text.AsSpan(1), out _, out int written);
        text[0] = text[written + 1] = (byte)'"';
        ReadOnlySpan<byte> tags = publication.Extras is { Tags.Count: > 0 } extras
            ? PublicationEncoder.EncodeTags(
            [.. extras.Tags.Where(static tag => tag.Key != "encoding"), KeyValuePair.Create("encoding", "base64")])
            : Base64Tags;
        byte[] line = PublicationEncoder.Encode(prefix, WireOf(publication, epoch, text.AsSpan(0, written + 2)) with { Tags = tags });
        ArrayPool<byte>.Shared.Return(text);
        return line;
    }
}
