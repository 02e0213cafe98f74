using Broker.Actors.Channels.Delivery;
using Broker.Actors.Dialects;
using Broker.Actors.Model;
using Broker.Core.Framing;
using Broker.Core.Upgrade;
using Broker.Dialects.Centrifuge.Forms;
using Broker.Reactor.Loops;
using WireFacts = Broker.Dialects.Centrifuge.Wire.CentrifugeProtocol;

namespace Broker.Dialects.Centrifuge;

/// <summary>The Centrifuge protocol, in its JSON and its Protobuf form: over WebSocket, and over HTTP where the settings say so.</summary>
/// <param name="settings">Its paths and bounds.</param>
public sealed class CentrifugeDialect(CentrifugeSettings settings) : IDialectFactory
{
    /// <inheritdoc />
    public Dialect Create(DialectContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return new Builder(settings, context).Build();
    }

    /// <summary>
    /// Puts the dialect of one hub together: each transport adds its endpoint, its formats, and what its connections share.
    /// </summary>
    private sealed class Builder(CentrifugeSettings settings, DialectContext hub)
    {
        private static readonly string[] s_post = ["POST"], s_getAndPost = ["GET", "POST"];

        private readonly Dictionary<(string Path, string? Subprotocol), CentrifugeContext> _contexts = [];
        private readonly List<PublicationFormat> _formats = [];
        private readonly List<ConnectionEndpoint> _endpoints = [];
        private readonly JsonEncoding _json = new(hub.Channels.LineBytesMax);
        private readonly ProtobufEncoding _protobuf = new(hub.Channels.LineBytesMax);
        private readonly SessionDirectory _sessions = new();
        private readonly Wire.Disconnect _slow = CentrifugeCodes.CodeOf(DisconnectReason.Slow), _shutdown =
            CentrifugeCodes.CodeOf(DisconnectReason.Shutdown);

        // One message in which a client comes back to all of its channels may be longer than any other.
        private int LongestMessage => Math.Max(settings.MessageBytesMax, hub.Clients.ResumeBytes);

        internal Dialect Build()
        {
            AddWebSocket();
            bool hasEmulation = settings.HttpStream.Enabled || settings.Sse.Enabled;
            if (settings.HttpStream.Enabled) AddHttpStream();
            if (settings.Sse.Enabled) AddSse();
            if (settings.UniHttpStream.Enabled) AddUniHttpStream();
            if (settings.UniSse.Enabled) AddUniSse();
            if (settings.UniWebsocket.Enabled) AddUniWebSocket();
            return new Dialect
            {
                Name = "centrifuge",
                Formats = _formats,
                Endpoints = _endpoints,
                MessageEndpoints = hasEmulation ? [Emulation()] : [],
                CreateSession = (connection, turn) => new CentrifugeSession(connection, turn, ContextOf(connection)),
            };
        }

        private CentrifugeContext ContextOf(Connection connection) => _contexts[(connection.Endpoint!.Path, connection.Subprotocol)];

        private CentrifugeContext Add(string path, string? subprotocol, CentrifugeFormat format, string transport, bool isEmulated = false)
        {
            _formats.Add(format);
            var context = new CentrifugeContext(settings, hub.Clients, format, hub.Version)
            {
                Methods = hub.Methods,
                Transport = transport,
                Sessions = isEmulated ? _sessions : null,
                Node = isEmulated ? hub.Node : "",
            };
            return _contexts[(path, subprotocol)] = context;
        }

        private FrameEngineSettings Engine =>
            new(settings.MessageBytesMax, settings.FragmentsMax)
                { LongMessages = new LongMessageRule(hub.Clients.ResumeBytes, CommandRules.IsResuming) };

        private FrameEngineSettings EngineAtFirst =>
            Engine with { MessageBytesMax = Math.Min(settings.MessageBytesMax, hub.Clients.BytesBeforeConnectMax) };

        // Clients that only listen name all their channels as they connect.
        private FrameEngineSettings PushEngine => new(LongestMessage, settings.FragmentsMax);

        private void AddWebSocket()
        {
            Add(settings.Path, WireFacts.Subprotocol, new JsonFormat(_json), "websocket");
            Add(settings.Path, WireFacts.ProtobufSubprotocol, new ProtobufFormat(_protobuf), "websocket");
            _endpoints.Add(new WebSocketEndpoint
            {
                Path = settings.Path,
                Subprotocols =
                    new SubprotocolChoice(
                        [WireFacts.Subprotocol, WireFacts.ProtobufSubprotocol], WireFacts.Subprotocol, refusesUnmatched: true)
                {
                    OfQuery = WireFacts.SubprotocolOf,
                },
                Origins = hub.Origins,
                Engine = Engine,
                EngineAtFirst = EngineAtFirst,
                Deflate = hub.Deflate,
                SlowCode = (CloseCode)_slow.Code,
                SlowReason = _slow.Reason,
                ShutdownCode = (CloseCode)_shutdown.Code,
                ShutdownReason = _shutdown.Reason,
            });
        }

        private void AddHttpStream()
        {
            string path = settings.HttpStream.Path;
            Add(path, WireFacts.Subprotocol, new JsonFormat(_json, new ReplyForm(ReplyFraming.Lines), "centrifuge-json lines"),
                "http_stream", isEmulated: true);
            Add(path, WireFacts.ProtobufSubprotocol, new ProtobufFormat(_protobuf, ReplyFraming.Lines, "centrifuge-protobuf stream"),
                "http_stream", isEmulated: true);
            _endpoints.Add(Stream(path, s_post, StreamRequests.ReadLines));
        }

        private void AddSse()
        {
            string path = settings.Sse.Path;
            Add(path, WireFacts.Subprotocol, new JsonFormat(_json, new ReplyForm(ReplyFraming.Events), "centrifuge-json events"), "sse",
                isEmulated: true);
            _endpoints.Add(Stream(path, s_getAndPost, StreamRequests.ReadEvents) with { Preamble = "\r\n"u8.ToArray() });
        }

        private void AddUniHttpStream()
        {
            string path = settings.UniHttpStream.Path;
            Add(path, WireFacts.Subprotocol,
                new JsonFormat(_json, new ReplyForm(ReplyFraming.Lines, IsPush: true), "centrifuge-json push lines"), "uni_http_stream");
            _endpoints.Add(Stream(path, s_post, StreamRequests.ReadPushLines) with { Engine = PushEngine, EngineAtFirst = null });
        }

        private void AddUniSse()
        {
            string path = settings.UniSse.Path;
            Add(path, WireFacts.Subprotocol,
                new JsonFormat(_json, new ReplyForm(ReplyFraming.Events, IsPush: true), "centrifuge-json push events"), "uni_sse");
            _endpoints.Add(
                Stream(path, s_getAndPost, StreamRequests.ReadPushEvents) with { Engine = PushEngine, EngineAtFirst = null,
                    Preamble = "\r\n"u8.ToArray() });
        }

        private void AddUniWebSocket()
        {
            string path = settings.UniWebsocket.Path;
            Add(path, null, new JsonFormat(_json, new ReplyForm(ReplyFraming.Single, IsPush: true), "centrifuge-json pushes"),
                "uni_websocket");
            _endpoints.Add(new WebSocketEndpoint
            {
                Path = path,
                Subprotocols = new SubprotocolChoice([], fallback: null, refusesUnmatched: false),
                Origins = hub.Origins,
                Engine = PushEngine,
                SlowCode = (CloseCode)_slow.Code,
                SlowReason = _slow.Reason,
                ShutdownCode = (CloseCode)_shutdown.Code,
                ShutdownReason = _shutdown.Reason,
                ClosingMessage = ClosingMessageAt(path),
                FirstMessage = static request => StreamRequests.ConnectOf(request.Query),
            });
        }

        private HttpStreamEndpoint Stream(string path, IReadOnlyList<string> methods, HttpStreamReader read) => new()
        {
            Path = path,
            Methods = methods,
            Origins = hub.Origins,
            Engine = Engine,
            EngineAtFirst = EngineAtFirst,
            BodyBytesMax = LongestMessage,
            InboxBytesMax = settings.CommandBytesMax,
            Read = read,
            SlowCode = (CloseCode)_slow.Code,
            SlowReason = _slow.Reason,
            ShutdownCode = (CloseCode)_shutdown.Code,
            ShutdownReason = _shutdown.Reason,
            ClosingMessage = ClosingMessageAt(path),
        };

        private ClosingMessage ClosingMessageAt(string path) => (subprotocol, code, reason) =>
            _contexts[(path, subprotocol)].ClosingMessageOf(code, reason);

        // A message stands in its request as a text, in which each quote and backslash takes two bytes.
        private MessageEndpoint Emulation() => new()
        {
            Path = settings.EmulationPath,
            Origins = hub.Origins,
            BodyBytesMax = (int)Math.Min(int.MaxValue, (2L * LongestMessage) + 1024),
            Post = new EmulationPost(_sessions, hub.Node).Post,
        };
    }
}
