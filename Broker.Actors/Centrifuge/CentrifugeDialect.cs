using Broker.Actors.Dialects;
using Broker.Actors.Model;
using Broker.Actors.Settings;
using Broker.Core.Framing;
using Broker.Core.Upgrade;
using Broker.Reactor;
using Broker.Reactor.Loops;
using Broker.Reactor.Sockets;
using Broker.Reactor.Pipes;
using WireFacts = Broker.Core.Centrifuge.CentrifugeDialect;

namespace Broker.Actors.Centrifuge;

/// <summary>The Centrifuge JSON protocol over WebSocket.</summary>
/// <param name="settings">Its path and bounds.</param>
public sealed class CentrifugeDialect(CentrifugeSettings settings) : IDialectFactory
{
    /// <inheritdoc />
    public Dialect Create(DialectContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        var format = new JsonFormat(new JsonEncoding(context.Channels.LineBytesMax));
        var shared = new CentrifugeContext(settings, context.Clients, format, context.Version) { Methods = context.Methods };
        Core.Centrifuge.Disconnect slow = CentrifugeCodes.CodeOf(DisconnectReason.Slow), shutdown = CentrifugeCodes.CodeOf(DisconnectReason.Shutdown);
        var resuming = new LongMessageRule(context.Clients.ResumeBytes, CentrifugeSession.IsResuming);
        var engine = new FrameEngineSettings(settings.MessageBytesMax, settings.FragmentsMax) { LongMessages = resuming };
        return new Dialect
        {
            Name = "centrifuge",
            Formats = [format],
            CreateSession = (connection, turn) => new CentrifugeSession(connection, turn, shared),
            Endpoints =
            [
                new WebSocketEndpoint
                {
                    Path = settings.Path,
                    Subprotocols = new SubprotocolChoice([WireFacts.Subprotocol], WireFacts.Subprotocol, refusesUnmatched: true),
                    Origins = context.Origins,
                    Engine = engine,
                    EngineAtFirst = engine with { MessageBytesMax = Math.Min(settings.MessageBytesMax, context.Clients.BytesBeforeConnectMax) },
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
