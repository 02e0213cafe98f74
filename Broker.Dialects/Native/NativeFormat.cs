using Broker.Actors.Channels.Delivery;
using Broker.Actors.Model;
using Broker.Core.Buffers;
using Broker.Core.Protocol.Messages;
using Broker.Reactor;
using Broker.Reactor.Loops;
using Broker.Reactor.Sockets;
using Broker.Reactor.Pipes;

namespace Broker.Dialects.Native;

/// <summary>
/// A publication as a native message: the channel's number, the offset and the data. Long data goes to each client by itself.
/// </summary>
internal sealed class NativeEncoding : PublicationEncoding
{
    /// <inheritdoc />
    public override byte[]? Encode(in EncodedChannel channel, in Publication publication) => publication.LongData is not null
        ? null
        : NativeWriter.Message(new Delivery { Channel = channel.Number, Offset = publication.Offset, Data = publication.Data.Span });
}

/// <summary>Native messages: in <c>v3.broker</c> one binary frame for all of a turn, in <c>v2.broker</c> one for each.</summary>
/// <param name="subprotocol">The subprotocol.</param>
/// <param name="encoding">How each message is made; the same for both.</param>
internal sealed class NativeFormat(string subprotocol, NativeEncoding encoding) : PublicationFormat(subprotocol, encoding)
{
    private readonly bool _batched = subprotocol == NativeProtocol.Batched;

    /// <inheritdoc />
    public override PublicationBatch CreateBatch() => new Batch(_batched);

    /// <inheritdoc />
    public override bool TryDeliverLong(Subscription subscription, LongPublication publication)
    {
        ArgumentNullException.ThrowIfNull(subscription);
        ArgumentNullException.ThrowIfNull(publication);
        ((NativeMessageWriter)subscription.Subscriber).DeliverLong(publication);
        return true;
    }

    private sealed class Batch(bool batched) : PublicationBatch
    {
        private MessageBatch _messages = new(batched);
        private PayloadVariants _frames;

        public override int Length => _messages.Length;

        public override int Payloads => batched ? 1 : Publications;

        public override bool HasRoomFor(int bytes, int bytesMax) => _messages.HasRoomFor(bytes, bytesMax);

        public override void Seal(EventLoop loop)
        {
            ArgumentNullException.ThrowIfNull(loop);
            _frames = new PayloadVariants(_messages.Seal(out int start), start, loop.Pool);
        }

        public override void SendTo(Subscription subscription, bool atOnce)
        {
            ISubscriber subscriber = subscription.Subscriber;
            SharedBytes frame = _frames.For((PayloadTag)subscriber.FrameVariant, out int at);
            if (atOnce) subscriber.Connection.Send(frame, at);
            else subscriber.Connection.Write(frame, at);
        }

        protected override void OnAppend(ReadOnlySpan<byte> encoded, BufferPool pool) => _messages.Append(encoded, pool);

        protected override void OnRelease()
        {
            _frames.Release();
            _frames = default;
        }
    }
}
