using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Unicode;
using Broker.Actors.Channels.Formats;
using Broker.Actors.Model;
using Broker.Core.Centrifuge;
using Publication = Broker.Actors.Model.Publication;
using WirePublication = Broker.Core.Centrifuge.Publication;

namespace Broker.Actors.Centrifuge;

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
        if (publication.LongData is not { } data) return Encode(prefix, publication, publication.Data.Span);
        return data.Bytes > dataBytesMax ? null : Encode(prefix, publication, data.ToArray());
    }

    /// <summary>Encodes the line of a publication, whose offset is not told: the channel keeps no history.</summary>
    internal byte[] Encode(ReadOnlySpan<byte> prefix, in Publication publication, ReadOnlySpan<byte> data)
    {
        ReadOnlyMemory<byte> info = publication.Info is { } from ? from.EncodedFor(Slot, static each => PublicationEncoder.EncodeInfo(each.User, each.Client)) : default;
        if (publication.IsJson || (Utf8.IsValid(data) && RawJson.IsValid(data)))
            return PublicationEncoder.Encode(prefix, new WirePublication { Data = data, Info = info.Span });

        byte[] text = ArrayPool<byte>.Shared.Rent(Base64.GetMaxEncodedToUtf8Length(data.Length) + 2);
        Base64.EncodeToUtf8(data, text.AsSpan(1), out _, out int written);
        text[0] = text[written + 1] = (byte)'"';
        byte[] line = PublicationEncoder.Encode(prefix, new WirePublication { Data = text.AsSpan(0, written + 2), Info = info.Span, Tags = Base64Tags });
        ArrayPool<byte>.Shared.Return(text);
        return line;
    }
}
