using Broker.Actors.Channels.Delivery;
using Broker.Actors.Channels;
using Broker.Actors.Model;
using Broker.Core.Buffers;
using Broker.Dialects.Centrifuge.Forms;
using Broker.Dialects.Centrifuge.Wire;
using Broker.Core.Deflate;
using Broker.Core.Framing;
using Broker.Reactor;
using Broker.Reactor.Loops;
using Broker.Reactor.Sockets;
using Broker.Reactor.Pipes;
using Publication = Broker.Actors.Model.Publication;

namespace Broker.Dialects.Centrifuge;

/// <summary>
/// A form of the protocol, JSON or Protobuf by one of its transports: everything in which the two differ for a session and for the
/// publications of its channels.
/// </summary>
/// <param name="name">The subprotocol.</param>
/// <param name="encoding">How each publication becomes bytes.</param>
/// <param name="form">How replies and pushes stand in the bytes of a connection.</param>
internal abstract class CentrifugeFormat(string name, PublicationEncoding encoding, ReplyForm form) : PublicationFormat(name, encoding)
{
    /// <summary>How replies and pushes stand in the bytes of a connection.</summary>
    internal ReplyForm Form { get; } = form;

    /// <summary>Whether frames are binary, replies stand without anything between, and data may be any bytes.</summary>
    internal bool IsBinary => Form.IsBinary;

    /// <summary>The calling thread's writer of replies, empty between two uses.</summary>
    internal abstract IReplyWriter Writer { get; }

    /// <summary>Publications alone: what a recovery or a page of history puts in its reply.</summary>
    /// <param name="epoch">Of the channel's history.</param>
    /// <param name="publications">In the client's order.</param>
    /// <param name="withDeltas">
    /// For a subscriber of deltas: the first as it is, the others as differences from the one before, where that is shorter.
    /// </param>
    internal abstract ReadOnlyMemory<byte>[] BodiesOf(ulong epoch, IReadOnlyList<Publication> publications, bool withDeltas);

    /// <summary>Publications as their pushes.</summary>
    internal abstract IEnumerable<ReadOnlyMemory<byte>> PushesOf(string channel, ulong epoch, IReadOnlyList<Publication> publications);

    /// <summary>Who a client is.</summary>
    internal abstract ReadOnlyMemory<byte> InfoOf(ClientInfo info);

    /// <inheritdoc />
    public override PublicationBatch CreateBatch() => Form.Framing == ReplyFraming.Joined ? new Batch(IsBinary) : new FormBatch(Form);

    // One frame for all publications of a turn; they may pass the bound of a batch once.
    private sealed class Batch(bool isBinary) : PublicationBatch
    {
        private FrameBatch _pushes = new(isBinary);
        private FrameVariants _frames;

        public override int Length => _pushes.Length;

        public override void Seal(EventLoop loop) => _frames = new FrameVariants(_pushes.Seal(out int start), start, loop.Deflate);

        public override void SendTo(Subscription subscription, bool atOnce)
        {
            Connection connection = subscription.Subscriber.Connection;
            SharedBytes frame = _frames.For(connection.Deflate, out int at);
            if (atOnce) connection.Send(frame, at);
            else connection.Write(frame, at);
        }

        protected override void OnAppend(ReadOnlySpan<byte> encoded, BufferPool pool) => _pushes.Append(encoded, pool);

        protected override void OnRelease()
        {
            _frames.Release();
            _frames = default;
        }
    }
}
