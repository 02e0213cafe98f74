using Broker.Actors.Calls;
using Broker.Actors.Channels.Delivery;
using System.Text;
using Broker.Actors.Dialects;
using Broker.Actors.Model;
using Broker.Actors.Runtime;
using Broker.Actors.Sessions;
using Broker.Core.Buffers;
using Broker.Core.Framing;
using Broker.Core.Upgrade;
using Broker.Reactor.Loops;
using FaultCode = Broker.Core.Protocol.Messages.FaultCode;

namespace Broker.Tests.Dialects;

/// <summary>A dialect that the hub knows nothing of: <c>login</c>, <c>sub CHANNEL</c>, <c>pub CHANNEL TEXT</c>, a line each.</summary>
internal sealed class LineDialect : IDialectFactory
{
    public const string Path = "/lines";

    public Dialect Create(DialectContext context)
    {
        var format = new LineFormat();
        return new Dialect
        {
            Name = "lines",
            Formats = [format],
            CreateSession = (connection, turn) => new LineSession(connection, turn, context.Clients, format),
            Endpoints =
            [
                new WebSocketEndpoint
                {
                    Path = Path,
                    Subprotocols = new SubprotocolChoice([], fallback: null, refusesUnmatched: false),
                    Origins = context.Origins,
                    Engine = new FrameEngineSettings(MessageBytesMax: 1024, FragmentsMax: 16),
                },
            ],
        };
    }

    private sealed class LineEncoding : PublicationEncoding
    {
        public override byte[] Encode(in EncodedChannel channel, in Publication publication) =>
            FrameWriter.Frame(Opcode.Text, [.. Encoding.UTF8.GetBytes($"{channel.Name} {publication.Offset} "), .. publication.Data.Span]);
    }

    private sealed class LineFormat() : PublicationFormat("lines", new LineEncoding())
    {
        public override PublicationBatch CreateBatch() => new Batch();

        private sealed class Batch : PublicationBatch
        {
            private SharedBytes? _frames;

            public override int Length => _frames?.Length ?? 0;

            public override int Payloads => Publications;

            public override void Seal(EventLoop loop)
            {
            }

            public override void SendTo(Subscription subscription, bool atOnce) => subscription.Subscriber.Connection.Write(_frames!, 0);

            protected override void OnAppend(ReadOnlySpan<byte> encoded, BufferPool pool)
            {
                _frames ??= SharedBytes.Rent(pool, encoded.Length);
                _frames.GrowFor(encoded.Length);
                _frames.Append(encoded);
            }

            protected override void OnRelease()
            {
                _frames?.Release();
                _frames = null;
            }
        }
    }

    private sealed class LineSession(Connection connection, LoopTurn turn, ClientSettings clients, LineFormat format)
        : DialectSession(connection, turn, clients, commandBytesMax: 64 * 1024), ICallWriter
    {
        public override string Dialect => "lines";

        public override PublicationFormat Format => format;

        public override ICallWriter Calls => this;

        protected override int Read(in Message frame)
        {
            int bytes = frame.Payload.Length;
            switch (Encoding.UTF8.GetString(frame.Payload).Split(' ', 3))
            {
                case ["login"]: Handle(new ClientCommand.Connect(1, bytes)); break;
                case ["sub", var channel]: Handle(new ClientCommand.Subscribe(2, bytes, channel, SubscribeOptions.None)); break;
                case ["pub", var channel, var text]: Handle(
                    new ClientCommand.Publish(3, bytes, channel, Encoding.UTF8.GetBytes(text)) { IsJson = false }); break;
                default: Reject(DisconnectReason.BadRequest, "no such line"); break;
            }

            return 1;
        }

        public override void Connected(uint id, in Admission admission)
        {
            Admit(admission.Client);
            Write("welcome");
        }

        public override void Subscribed(uint id, Subscription subscription, in SubscribeResult result) =>
            Write($"subscribed {subscription.Channel}");

        public override void Unsubscribed(uint id, uint number) => Write("unsubscribed");

        public override void Published(uint id, int receivers, StreamPosition position) => Write($"published {receivers}");

        public override void Failed(uint id, int index, HubError error) => Write($"failed {error.Message}");

        public override void Evicted(Subscription subscription, UnsubscribeReason reason) => Write($"evicted {subscription.Channel}");

        public override void Disconnect(DisconnectReason reason) => Connection.Close((CloseCode)4000, reason.Text);

        public void Returned(uint id, ReadOnlyMemory<byte> result) => Write("returned");

        public void Faulted(uint id, FaultCode code, string text) => Write($"faulted {text}");

        public override void Seal()
        {
        }

        protected override void WritePing() => Write("ping");

        protected override void Drop()
        {
        }

        private void Write(string line)
        {
            SharedBytes frame = SharedBytes.Rent(LoopTurn.Pool, 16);
            byte[] bytes = FrameWriter.Frame(Opcode.Text, Encoding.UTF8.GetBytes(line));
            frame.GrowFor(bytes.Length);
            frame.Append(bytes);
            Connection.Write(frame, 0);
            frame.Release();
        }
    }
}
