using Broker.Actors.Dialects;
using Broker.Core.Framing;
using Broker.Core.Upgrade;
using Broker.Reactor;
using Broker.Reactor.Loops;
using Broker.Reactor.Sockets;
using Broker.Reactor.Pipes;

namespace Broker.Dialects.Echo;

/// <summary>Sends each message back, for conformance and measurement.</summary>
/// <param name="settings">Its path and bounds.</param>
public sealed class EchoDialect(EchoSettings settings) : IDialectFactory
{
    /// <inheritdoc />
    public Dialect? Create(DialectContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return !settings.Enabled ? null : new Dialect
        {
            Name = "echo",
            CreateSession = static (connection, _) => new EchoSession(connection),
            Endpoints =
            [
                new WebSocketEndpoint
                {
                    Path = settings.Path,
                    Subprotocols = new SubprotocolChoice([], fallback: null, refusesUnmatched: false),
                    Origins = context.Origins,
                    Engine = new FrameEngineSettings(settings.MessageBytesMax, settings.FragmentsMax),

                    // Where a message is for many it is compressed once for all, so no other connection keeps a context. The echo
                    // answers one, and shows that contexts work.
                    Deflate = context.Deflate is null ? null : context.Deflate with { ServerContext = true, ClientContext = true },
                },
            ],
        };
    }
}
