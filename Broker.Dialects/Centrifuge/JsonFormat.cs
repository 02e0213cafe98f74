using Broker.Actors.Channels;
using Broker.Actors.Channels.Formats;
using Broker.Actors.Model;
using Broker.Core.Buffers;
using Broker.Dialects.Centrifuge.Wire;
using Broker.Core.Delta;
using Broker.Core.Deflate;
using Broker.Core.Framing;
using Broker.Reactor;
using Broker.Reactor.Loops;
using Broker.Reactor.Sockets;
using Broker.Reactor.Pipes;
using Publication = Broker.Actors.Model.Publication;

namespace Broker.Dialects.Centrifuge;

/// <summary>Lines of JSON, one text frame for all publications of a turn.</summary>
/// <param name="encoding">How each line is made.</param>
internal sealed class JsonFormat(JsonEncoding encoding) : PublicationFormat("centrifuge-json", encoding)
{
    /// <summary>Publications alone, each a JSON object: what a recovery or a page of history puts in its reply.</summary>
    /// <param name="epoch">Of the channel's history.</param>
    /// <param name="publications">In the client's order.</param>
    /// <param name="withDeltas">Their data as texts: the first as it is, the others as differences from the one before, where that is shorter.</param>
    internal ReadOnlyMemory<byte>[] BodiesOf(ulong epoch, IReadOnlyList<Publication> publications, bool withDeltas)
    {
        byte[] prefix = (byte[])encoding.Prepare("");
        var bodies = new ReadOnlyMemory<byte>[publications.Count];
        for (int i = 0; i < bodies.Length; i++)
        {
            Publication publication = publications[i];
            byte[]? delta = withDeltas && i > 0 ? FossilEncoder.Encode(publications[i - 1].Data.Span, publication.Data.Span, alignToUtf8: true) : null;
            byte[] line = withDeltas
                ? encoding.EncodeText(prefix, epoch, publication, delta)
                : encoding.Encode(prefix, epoch, publication, publication.LongData is { } data ? data.ToArray() : publication.Data.Span);
            bodies[i] = PublicationEncoder.BodyOf(line, prefix);
        }

        return bodies;
    }

    /// <summary>Publications as their lines.</summary>
    internal IEnumerable<ReadOnlyMemory<byte>> LinesOf(string channel, ulong epoch, IReadOnlyList<Publication> publications)
    {
        byte[] prefix = (byte[])encoding.Prepare(channel);
        return publications.Select(each => (ReadOnlyMemory<byte>)encoding.Encode(prefix, epoch, each, each.LongData is { } data ? data.ToArray() : each.Data.Span));
    }

    /// <summary>Who a client is, as JSON.</summary>
    internal ReadOnlyMemory<byte> InfoOf(ClientInfo info) => encoding.InfoOf(info);

    /// <inheritdoc />
    public override PublicationBatch CreateBatch() => new Batch();

    // Lines may pass the bound of a batch once.
    private sealed class Batch : PublicationBatch
    {
        private TextBatch _lines;
        private FrameVariants _frames;

        public override int Length => _lines.Length;

        public override void Seal(EventLoop loop) => _frames = new FrameVariants(_lines.Seal(out int start), start, loop.Deflate);

        public override void SendTo(Subscription subscription, bool atOnce)
        {
            Connection connection = subscription.Subscriber.Connection;
            SharedBytes frame = _frames.For(connection.Deflate, out int at);
            if (atOnce) connection.Send(frame, at);
            else connection.Write(frame, at);
        }

        protected override void OnAppend(ReadOnlySpan<byte> encoded, BufferPool pool) => _lines.Append(encoded, pool);

        protected override void OnRelease()
        {
            _frames.LetGo();
            _frames = default;
        }
    }
}
