using System.Buffers;
using System.Buffers.Text;
using System.Text.Unicode;
using Broker.Core.Centrifuge;
using Broker.Core.Protocol.Messages;
using Broker.Core.Protocol.Transfers;

namespace Broker.Actors.Routing;

/// <summary>One publication, encoded once for each kind of bytes that somebody listens in.</summary>
/// <param name="Line">For JSON clients; empty if the channel has none. Owned by the publication, shared by all.</param>
/// <param name="Message">For native clients of both subprotocols; empty if the channel has none.</param>
public readonly record struct EncodedPublication(ReadOnlyMemory<byte> Line, ReadOnlyMemory<byte> Message)
{
    private static ReadOnlySpan<byte> Base64Tags => "{\"encoding\":\"base64\"}"u8;

    /// <summary>In place of the message, where the data is too long to be one piece for all.</summary>
    public LongPublication? ByReference { get; init; }

    /// <summary>Bytes of all forms.</summary>
    public int Bytes => (int)Math.Min(int.MaxValue, Line.Length + Message.Length + (ByReference?.Data.Bytes ?? 0));

    /// <summary>Encodes the JSON line. Data that is not JSON becomes a string in base64, and a tag says so.</summary>
    /// <param name="prefix">The channel's.</param>
    /// <param name="publish">What is published.</param>
    internal static byte[] EncodeLine(ReadOnlySpan<byte> prefix, RoutingProtocol.Publish publish)
    {
        ReadOnlySpan<byte> data = publish.Data.Span;
        ReadOnlySpan<byte> info = publish.Info.Span;
        if (publish.IsJson || (Utf8.IsValid(data) && RawJson.IsValid(data)))
            return PublicationEncoder.Encode(prefix, new Publication { Data = data, Info = info });

        byte[] text = ArrayPool<byte>.Shared.Rent(Base64.GetMaxEncodedToUtf8Length(data.Length) + 2);
        Base64.EncodeToUtf8(data, text.AsSpan(1), out _, out int written);
        text[0] = text[written + 1] = (byte)'"';
        byte[] line = PublicationEncoder.Encode(prefix, new Publication { Data = text.AsSpan(0, written + 2), Info = info, Tags = Base64Tags });
        ArrayPool<byte>.Shared.Return(text);
        return line;
    }

    /// <summary>Encodes the native message.</summary>
    /// <param name="place">The publication's.</param>
    /// <param name="data">Any bytes.</param>
    internal static byte[] EncodeMessage(in ChannelPlace place, ReadOnlySpan<byte> data) =>
        NativeWriter.Message(new Delivery { Channel = place.Number, Offset = place.Offset, Data = data });
}

/// <summary>A publication whose data is shared by reference, and goes to each client by itself.</summary>
/// <param name="Place">Its own.</param>
/// <param name="Data">The data; whoever is told of the publication is one of its holders.</param>
public sealed record LongPublication(ChannelPlace Place, LongBytes Data);
