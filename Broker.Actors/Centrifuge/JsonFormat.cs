using Broker.Actors.Channels;
using Broker.Actors.Channels.Formats;
using Broker.Core.Buffers;
using Broker.Core.Centrifuge;
using Broker.Core.Deflate;
using Broker.Core.Framing;
using Broker.Reactor;
using Broker.Reactor.Loops;
using Broker.Reactor.Sockets;
using Broker.Reactor.Pipes;
using Publication = Broker.Actors.Model.Publication;

namespace Broker.Actors.Centrifuge;

/// <summary>Lines of JSON, one text frame for all publications of a turn.</summary>
/// <param name="encoding">How each line is made.</param>
internal sealed class JsonFormat(JsonEncoding encoding) : PublicationFormat("centrifuge-json", encoding)
{
    /// <summary>The publication alone, a JSON object: what a recovery puts in the subscribe reply.</summary>
    internal ReadOnlyMemory<byte> BodyOf(string channel, in Publication publication)
    {
        byte[] prefix = (byte[])encoding.Prepare(channel);
        byte[] data = publication.LongData?.ToArray() ?? [];
        return PublicationEncoder.BodyOf(encoding.Encode(prefix, publication, publication.LongData is null ? publication.Data.Span : data), prefix);
    }

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
