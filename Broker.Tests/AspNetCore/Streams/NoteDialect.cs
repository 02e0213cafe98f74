using System.Text;
using Broker.Actors.Calls;
using Broker.Actors.Channels.Delivery;
using Broker.Actors.Dialects;
using Broker.Actors.Model;
using Broker.Actors.Runtime;
using Broker.Actors.Sessions;
using Broker.Core.Framing;
using Broker.Core.Upgrade;
using Broker.Reactor.Loops;
using FaultCode = Broker.Core.Protocol.Messages.FaultCode;

namespace Broker.Tests.AspNetCore.Streams;

/// <summary>
/// A dialect that the hub knows nothing of, and that has no WebSocket: a client logs in with a POST, is answered line by line in its
/// answer, and publishes by other requests, under the id that it was told.
/// </summary>
internal sealed class NoteDialect : IDialectFactory
{
    public const string OpenPath = "/notes", SendPath = "/notes/send";

    private readonly SessionDirectory _sessions = new();

    public Dialect Create(DialectContext context) => new()
    {
        Name = "notes",
        CreateSession = (connection, turn) => new NoteSession(connection, turn, context.Clients, _sessions),
        Endpoints =
        [
            new HttpStreamEndpoint
            {
                Path = OpenPath,
                Methods = ["POST"],
                Origins = context.Origins,
                Engine = new FrameEngineSettings(MessageBytesMax: 64, FragmentsMax: 1),
                BodyBytesMax = 1024,
                InboxBytesMax = 1024,
                ClosingMessage = static (_, code, reason) => Encoding.UTF8.GetBytes($"over {(int)code} {reason}\n"),
                Read = static (in HttpStreamRequest request, out HttpStreamOpening opening) =>
                {
                    opening = new HttpStreamOpening("notes", "text/plain", request.Body, IsBinary: false);
                    return request.Body.IsEmpty ? new UpgradeFault(400, "Nobody logs in with nothing.") : null;
                },
            },
        ],
        MessageEndpoints =
        [
            new MessageEndpoint
            {
                Path = SendPath,
                Origins = context.Origins,
                BodyBytesMax = 1024,
                Post = (_, body) => _sessions.Post(Encoding.UTF8.GetString(body[..32]), body[32..], isBinary: false) switch
                {
                    InboxAnswer.Taken => null,
                    InboxAnswer.Full => new UpgradeFault(429, "Too fast."),
                    _ => new UpgradeFault(404, "Who are you?"),
                },
            },
        ],
    };

    private sealed class NoteSession(Connection connection, LoopTurn turn, ClientSettings clients, SessionDirectory sessions)
        : DialectSession(connection, turn, clients, commandBytesMax: 1024), ICallWriter
    {
        private string _id = "";

        public override string Dialect => "notes";

        public override PublicationFormat Format => throw new NotSupportedException("Notes are sent and not received.");

        public override ICallWriter Calls => this;

        protected override int Read(in Message frame)
        {
            int bytes = frame.Payload.Length;
            switch (Encoding.UTF8.GetString(frame.Payload).Split(' ', 3))
            {
                case ["login"]: Handle(new ClientCommand.Connect(1, bytes)); break;
                case ["pub", var channel, var text]:
                    Handle(new ClientCommand.Publish(3, bytes, channel, Encoding.UTF8.GetBytes(text)) { IsJson = false });
                    break;
                default: Reject(DisconnectReason.BadRequest, "no such note"); break;
            }

            return 1;
        }

        public override void Connected(uint id, in Admission admission)
        {
            Admit(admission.Client);
            _id = sessions.Add(Connection.Inbox!);
            Write($"welcome {_id}");
        }

        public override void Published(uint id, int receivers, StreamPosition position) => Write($"published {receivers}");

        public override void Failed(uint id, int index, HubError error) => Write($"failed {error.Message}");

        public override void Disconnect(DisconnectReason reason) => Connection.Close((CloseCode)4000, reason.Text);

        public override void Subscribed(uint id, Subscription subscription, in SubscribeResult result)
        {
        }

        public override void Unsubscribed(uint id, uint number)
        {
        }

        public override void Evicted(Subscription subscription, UnsubscribeReason reason)
        {
        }

        public void Returned(uint id, ReadOnlyMemory<byte> result)
        {
        }

        public void Faulted(uint id, FaultCode code, string text)
        {
        }

        public override void Seal()
        {
        }

        protected override void WritePing() => Write("ping");

        protected override void Drop() => sessions.Remove(_id);

        private void Write(string line) => Connection.Write(Encoding.UTF8.GetBytes(line + "\n"));
    }
}
