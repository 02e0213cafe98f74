using Broker.Actors.Model;
using Broker.Dialects.Centrifuge.Forms;
using Broker.Dialects.Centrifuge.Wire;
using Broker.Dialects.Centrifuge.Wire.Protobuf;
using Broker.Core.Delta;
using Publication = Broker.Actors.Model.Publication;

namespace Broker.Dialects.Centrifuge;

/// <summary>The Protobuf form: delimited messages, in binary frames or one behind the other. Data goes as the bytes that it is.</summary>
/// <param name="encoding">How each publication becomes bytes; all formats of Protobuf may share one.</param>
/// <param name="framing">What is around the messages.</param>
/// <param name="name">For people.</param>
internal sealed class ProtobufFormat(
    ProtobufEncoding encoding, ReplyFraming framing = ReplyFraming.Joined, string name = Wire.CentrifugeProtocol.ProtobufSubprotocol)
    : CentrifugeFormat(name, encoding, new ReplyForm(framing, IsBinary: true))
{
    [ThreadStatic] private static ProtobufReplyWriter? t_writer;

    /// <inheritdoc />
    internal override IReplyWriter Writer => t_writer ??= new ProtobufReplyWriter();

    /// <inheritdoc />
    internal override ReadOnlyMemory<byte>[] BodiesOf(ulong epoch, IReadOnlyList<Publication> publications, bool withDeltas)
    {
        var bodies = new ReadOnlyMemory<byte>[publications.Count];
        for (int i = 0; i < bodies.Length; i++)
        {
            Publication publication = publications[i];
            byte[]? delta = withDeltas && i > 0 ? FossilEncoder.Encode(publications[i - 1].Data.Span, publication.Data.Span) : null;
            bodies[i] = encoding.BodyOf(epoch, publication, delta);
        }

        return bodies;
    }

    /// <inheritdoc />
    internal override IEnumerable<ReadOnlyMemory<byte>> PushesOf(string channel, ulong epoch, IReadOnlyList<Publication> publications)
    {
        byte[] prefix = (byte[])encoding.Prepare(channel);
        return publications.Select(each => (ReadOnlyMemory<byte>)encoding.Encode(prefix, epoch, each));
    }

    /// <inheritdoc />
    internal override ReadOnlyMemory<byte> InfoOf(ClientInfo info) => encoding.InfoOf(info);
}
