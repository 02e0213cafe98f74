using Broker.Actors.Dialects;
using Broker.Actors.Model;
using Broker.Core.Framing;
using Broker.Core.Upgrade;
using Broker.Core.Protocol.Messages;
using Broker.Reactor;
using Broker.Reactor.Loops;
using Broker.Reactor.Sockets;
using Broker.Reactor.Pipes;

namespace Broker.Dialects.Native;

/// <summary>The native protocol over WebSocket: <c>v2.broker</c> and <c>v3.broker</c>.</summary>
/// <param name="settings">Its path and bounds.</param>
/// <param name="sharedBytesMax">
/// The longest message of another dialect's client: what it publishes is one piece for all subscribers.
/// </param>
public sealed class NativeDialect(NativeSettings settings, int sharedBytesMax) : IDialectFactory
{
    /// <inheritdoc />
    public Dialect? Create(DialectContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        if (!settings.Enabled) return null;
        var shared = new NativeContext(settings, context, sharedBytesMax);
        var resuming = new LongMessageRule(context.Clients.ResumeBytes, NativeSession.IsResuming);
        var engine = new FrameEngineSettings(settings.FrameBytesMax, settings.FragmentsMax) { LongMessages = resuming };
        DisconnectReason slow = DisconnectReason.Slow, shutdown = DisconnectReason.Shutdown;
        return new Dialect
        {
            Name = "native",
            Formats = [shared.Batched, shared.Unbatched],
            CreateSession = (connection, turn) => new NativeSession(connection, turn, shared),
            Endpoints =
            [
                new WebSocketEndpoint
                {
                    Path = settings.Path,
                    Subprotocols =
                        new SubprotocolChoice(NativeProtocol.Preference, fallback: null, refusesUnmatched: true) { RefusesNone = true },
                    Origins = context.Origins,
                    Engine = engine,
                    EngineAtFirst =
                        engine with { MessageBytesMax = Math.Min(settings.FrameBytesMax, context.Clients.BytesBeforeConnectMax) },
                    SlowCode = (CloseCode)NativeCodes.CodeOf(slow),
                    SlowReason = slow.Text,
                    ShutdownCode = (CloseCode)NativeCodes.CodeOf(shutdown),
                    ShutdownReason = shutdown.Text,
                    ShutdownFrames = MessageBatch.Frame(NativeMessageWriter.ByeFor(shutdown)),
                },
            ],
        };
    }
}
