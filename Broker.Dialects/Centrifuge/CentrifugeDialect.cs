using Broker.Actors.Dialects;
using Broker.Actors.Model;
using Broker.Core.Framing;
using Broker.Core.Upgrade;
using Broker.Reactor;
using Broker.Reactor.Loops;
using Broker.Reactor.Sockets;
using Broker.Reactor.Pipes;
using WireFacts = Broker.Dialects.Centrifuge.Wire.CentrifugeProtocol;

namespace Broker.Dialects.Centrifuge;

/// <summary>The Centrifuge protocol over WebSocket, in its JSON and its Protobuf form.</summary>
/// <param name="settings">Its path and bounds.</param>
public sealed class CentrifugeDialect(CentrifugeSettings settings) : IDialectFactory
{
    /// <inheritdoc />
    public Dialect Create(DialectContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        var json = new CentrifugeContext(
            settings, context.Clients, new JsonFormat(new JsonEncoding(context.Channels.LineBytesMax)), context.Version)
                { Methods = context.Methods };
        CentrifugeContext protobuf = json with { Format = new ProtobufFormat(new ProtobufEncoding(context.Channels.LineBytesMax)) };
        Wire.Disconnect slow = CentrifugeCodes.CodeOf(DisconnectReason.Slow), shutdown = CentrifugeCodes.CodeOf(DisconnectReason.Shutdown);
        var resuming = new LongMessageRule(context.Clients.ResumeBytes, CentrifugeSession.IsResuming);
        var engine = new FrameEngineSettings(settings.MessageBytesMax, settings.FragmentsMax) { LongMessages = resuming };
        return new Dialect
        {
            Name = "centrifuge",
            Formats = [json.Format, protobuf.Format],
            CreateSession = (connection, turn) =>
                new CentrifugeSession(connection, turn, connection.Subprotocol == WireFacts.ProtobufSubprotocol ? protobuf : json),
            Endpoints =
            [
                new WebSocketEndpoint
                {
                    Path = settings.Path,
                    Subprotocols =
                        new SubprotocolChoice(
                            [WireFacts.Subprotocol, WireFacts.ProtobufSubprotocol], WireFacts.Subprotocol, refusesUnmatched: true)
                    {
                        OfQuery = WireFacts.SubprotocolOf,
                    },
                    Origins = context.Origins,
                    Engine = engine,
                    EngineAtFirst =
                        engine with { MessageBytesMax = Math.Min(settings.MessageBytesMax, context.Clients.BytesBeforeConnectMax) },
                    Deflate = context.Deflate,
                    SlowCode = (CloseCode)slow.Code,
                    SlowReason = slow.Reason,
                    ShutdownCode = (CloseCode)shutdown.Code,
                    ShutdownReason = shutdown.Reason,
                },
            ],
        };
    }
}
