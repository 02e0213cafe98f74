using Broker.Actors.Channels.Delivery;
using System.Text;
using Broker.Actors.Channels.Presence;
using Broker.Actors.Model;
using Broker.Dialects.Centrifuge.Wire.Protobuf;
using Publication = Broker.Actors.Model.Publication;
using WirePublication = Broker.Dialects.Centrifuge.Wire.Publication;

namespace Broker.Dialects.Centrifuge;

/// <summary>A publication as a delimited Protobuf reply.</summary>
/// <param name="dataBytesMax">The longest data that goes in one piece; longer data is not sent.</param>
internal sealed class ProtobufEncoding(int dataBytesMax) : PublicationEncoding
{
    /// <inheritdoc />
    public override object Prepare(string channel) => ProtobufPublicationEncoder.EncodePrefix(Encoding.UTF8.GetBytes(channel));

    /// <inheritdoc />
    public override byte[]? Encode(in EncodedChannel channel, in Publication publication) =>
        publication.LongData is { } data && data.Bytes > dataBytesMax ? null
            : Encode((byte[])channel.Prepared!, channel.Epoch, publication);

    /// <summary>Encodes a publication whose data is not too long.</summary>
    internal byte[] Encode(ReadOnlySpan<byte> prefix, ulong epoch, in Publication publication) =>
        ProtobufPublicationEncoder.Encode(prefix, WireOf(publication, epoch, DataOf(publication)));

    /// <inheritdoc />
    public override bool HasDeltas => true;

    /// <inheritdoc />
    public override byte[]? EncodeDelta(in EncodedChannel channel, in Publication publication, ReadOnlySpan<byte> delta) =>
        ProtobufPublicationEncoder.Encode((byte[])channel.Prepared!, WithDelta(publication, channel.Epoch, delta));

    /// <summary>Encodes a publication alone: its data, or the difference if there is one.</summary>
    internal byte[] BodyOf(ulong epoch, in Publication publication, ReadOnlySpan<byte> delta) =>
        ProtobufPublicationEncoder.EncodeBody(WithDelta(publication, epoch, delta));

    /// <inheritdoc />
    public override byte[]? EncodePresence(in EncodedChannel channel, in PresenceChange change) =>
        ProtobufPublicationEncoder.EncodePresence((byte[])channel.Prepared!, change.HasJoined, InfoOf(change.Member).Span);

    /// <summary>Who a client is.</summary>
    internal ReadOnlyMemory<byte> InfoOf(ClientInfo info) => info.EncodedFor(
        Slot, static each =>
            ProtobufPublicationEncoder.EncodeInfo(each.User, each.Client, each.ConnectionInfo.Span, each.ChannelInfo.Span));

    private static ReadOnlySpan<byte> DataOf(in Publication publication) =>
        publication.LongData is { } data ? data.ToArray() : publication.Data.Span;

    private WirePublication WithDelta(in Publication publication, ulong epoch, ReadOnlySpan<byte> delta) =>
        WireOf(publication, epoch, delta.IsEmpty ? DataOf(publication) : delta) with { Delta = !delta.IsEmpty };

    // Offsets are sent where the channel keeps a history.
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
            Tags = extras is { Tags.Count: > 0 } ? ProtobufPublicationEncoder.EncodeTags(extras.Tags) : default,
        };
    }
}
