using Broker.Actors.Channels.Delivery;
using Broker.Actors.Model;
using Broker.Dialects.Centrifuge.Forms;
using Broker.Dialects.Centrifuge.Wire;
using Broker.Core.Delta;
using Publication = Broker.Actors.Model.Publication;

namespace Broker.Dialects.Centrifuge;

/// <summary>Lines of JSON.</summary>
/// <param name="encoding">How each line is made; all formats of JSON may share one.</param>
/// <param name="form">How the lines stand in the bytes; by default one text frame has all publications of a turn.</param>
/// <param name="name">For people.</param>
internal sealed class JsonFormat(JsonEncoding encoding, ReplyForm form = default, string name = Wire.CentrifugeProtocol.Subprotocol)
    : CentrifugeFormat(name, encoding, form)
{
    [ThreadStatic] private static ReplyWriter? t_writer;

    /// <inheritdoc />
    internal override IReplyWriter Writer => t_writer ??= new ReplyWriter();

    /// <inheritdoc />
    internal override ReadOnlyMemory<byte>[] BodiesOf(ulong epoch, IReadOnlyList<Publication> publications, bool withDeltas)
    {
        byte[] prefix = (byte[])encoding.Prepare("");
        var bodies = new ReadOnlyMemory<byte>[publications.Count];
        for (int i = 0; i < bodies.Length; i++)
        {
            Publication publication = publications[i];
            byte[]? delta =
                withDeltas && i > 0 ? FossilEncoder.Encode(publications[i - 1].Data.Span, publication.Data.Span, alignToUtf8: true) : null;
            byte[] line = withDeltas
                ? encoding.EncodeText(prefix, epoch, publication, delta)
                : encoding.Encode(prefix, epoch, publication, publication.LongData is { } data ? data.ToArray() : publication.Data.Span);
            bodies[i] = PublicationEncoder.BodyOf(line, prefix);
        }

        return bodies;
    }

    /// <inheritdoc />
    internal override IEnumerable<ReadOnlyMemory<byte>> PushesOf(string channel, ulong epoch, IReadOnlyList<Publication> publications)
    {
        byte[] prefix = (byte[])encoding.Prepare(channel);
        return publications.Select(
            each => (ReadOnlyMemory<byte>)encoding.Encode(
                prefix, epoch, each, each.LongData is { } data ? data.ToArray() : each.Data.Span));
    }

    /// <inheritdoc />
    internal override ReadOnlyMemory<byte> InfoOf(ClientInfo info) => encoding.InfoOf(info);
}
