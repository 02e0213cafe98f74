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

        private int LongestOf(FormSettings form) =>
            form is TwoWayFormSettings { MessageBytesMax: > 0 and int bytes } ? bytes : settings.MessageBytesMax;

        // One message in which a client comes back to all of its channels may be longer than any other.
        private int WithResume(int messageBytesMax) => Math.Max(messageBytesMax, hub.Clients.ResumeBytes);

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

        private CentrifugeContext Add(
            FormSettings form, string? subprotocol, CentrifugeFormat format, string transport, bool isEmulated = false)
        {
            _formats.Add(format);
            var context = new CentrifugeContext(settings, form.LimitsOf(hub.Clients), format, hub.Version)
            {
                Methods = hub.Methods,
                Transport = transport,
                Sessions = isEmulated ? _sessions : null,
                Node = isEmulated ? hub.Node : "",
            };
            return _contexts[(form.Path, subprotocol)] = context;
        }

        private FrameEngineSettings Engine => EngineOf(settings.MessageBytesMax);

        private FrameEngineSettings EngineAtFirst => AtFirst(Engine);

        private FrameEngineSettings EngineOf(int messageBytesMax) =>
            new(messageBytesMax, settings.FragmentsMax)
                { LongMessages = new LongMessageRule(hub.Clients.ResumeBytes, CommandRules.IsResuming) };

        private FrameEngineSettings AtFirst(FrameEngineSettings engine) =>
            engine with { MessageBytesMax = Math.Min(engine.MessageBytesMax, hub.Clients.BytesBeforeConnectMax) };

        // Clients that only listen name all their channels as they connect.
        private FrameEngineSettings PushEngine => new(WithResume(settings.MessageBytesMax), settings.FragmentsMax);

        private void AddWebSocket()
        {
            var form = new FormSettings(settings.Path);
            Add(form, WireFacts.Subprotocol, new JsonFormat(_json), "websocket");
            Add(form, WireFacts.ProtobufSubprotocol, new ProtobufFormat(_protobuf), "websocket");
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
            FormSettings form = settings.HttpStream;
            Add(form, WireFacts.Subprotocol, new JsonFormat(_json, new ReplyForm(ReplyFraming.Lines), "centrifuge-json lines"),
                "http_stream", isEmulated: true);
            Add(form, WireFacts.ProtobufSubprotocol, new ProtobufFormat(_protobuf, ReplyFraming.Lines, "centrifuge-protobuf stream"),
                "http_stream", isEmulated: true);
            _endpoints.Add(Stream(form, s_post, StreamRequests.ReadLines));
        }

        private void AddSse()
        {
            FormSettings form = settings.Sse;
            Add(form, WireFacts.Subprotocol, new JsonFormat(_json, new ReplyForm(ReplyFraming.Events), "centrifuge-json events"), "sse",
                isEmulated: true);
            _endpoints.Add(Stream(form, s_getAndPost, StreamRequests.ReadEvents) with { Preamble = "\r\n"u8.ToArray() });
        }

        private void AddUniHttpStream()
        {
            UniStreamSettings form = settings.UniHttpStream;
            Add(form, WireFacts.Subprotocol,
                new JsonFormat(_json, new ReplyForm(ReplyFraming.Lines, IsPush: true), "centrifuge-json push lines"), "uni_http_stream");
            _endpoints.Add(
                Stream(form, s_post, StreamRequests.ReadPushLines) with { Engine = PushEngine, EngineAtFirst = null,
                    StatusOf = ConnectStatus.Of(form.ConnectStatus) });
        }

        private void AddUniSse()
        {
            UniStreamSettings form = settings.UniSse;
            Add(form, WireFacts.Subprotocol,
                new JsonFormat(_json, new ReplyForm(ReplyFraming.Events, IsPush: true), "centrifuge-json push events"), "uni_sse");
            _endpoints.Add(
                Stream(form, s_getAndPost, StreamRequests.ReadPushEvents) with { Engine = PushEngine, EngineAtFirst = null,
                    Preamble = "\r\n"u8.ToArray(), StatusOf = ConnectStatus.Of(form.ConnectStatus) });
        }

        private void AddUniWebSocket()
        {
            FormSettings form = settings.UniWebsocket;
            Add(form, null, new JsonFormat(_json, new ReplyForm(ReplyFraming.Single, IsPush: true), "centrifuge-json pushes"),
                "uni_websocket");
            _endpoints.Add(new WebSocketEndpoint
            {
                Path = form.Path,
                Subprotocols = new SubprotocolChoice([], fallback: null, refusesUnmatched: false),
                Origins = hub.Origins,
                Engine = PushEngine,
                SlowCode = (CloseCode)_slow.Code,
                SlowReason = _slow.Reason,
                ShutdownCode = (CloseCode)_shutdown.Code,
                ShutdownReason = _shutdown.Reason,
                ClosingMessage = ClosingMessageAt(form.Path),
                FirstMessage = static request => StreamRequests.ConnectOf(request.Query),
            });
        }

        private HttpStreamEndpoint Stream(FormSettings form, IReadOnlyList<string> methods, HttpStreamReader read) => new()
        {
            Path = form.Path,
            Methods = methods,
            Origins = hub.Origins,
            Engine = EngineOf(LongestOf(form)),
            EngineAtFirst = AtFirst(EngineOf(LongestOf(form))),
            BodyBytesMax = WithResume(LongestOf(form)),
            InboxBytesMax = settings.CommandBytesMax,
            Read = read,
            SlowCode = (CloseCode)_slow.Code,
            SlowReason = _slow.Reason,
            ShutdownCode = (CloseCode)_shutdown.Code,
            ShutdownReason = _shutdown.Reason,
            ClosingMessage = ClosingMessageAt(form.Path),
        };

        private ClosingMessage ClosingMessageAt(string path) => (subprotocol, code, reason) =>
            _contexts[(path, subprotocol)].ClosingMessageOf(code, reason);

        // A message stands in its request as a text, in which each quote and backslash takes two bytes.
        private MessageEndpoint Emulation() => new()
        {
            Path = settings.EmulationPath,
            Origins = hub.Origins,
            BodyBytesMax =
                (int)Math.Min(int.MaxValue, (2L * WithResume(Math.Max(LongestOf(settings.HttpStream), LongestOf(settings.Sse)))) + 1024),
            Post = new EmulationPost(_sessions, hub.Node).Post,
        };
    }
}
