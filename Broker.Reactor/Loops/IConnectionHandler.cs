using Broker.Core.Deflate;
using Broker.Core.Framing;
using Broker.Core.Upgrade;

namespace Broker.Reactor.Loops;

/// <summary>What stands above one open connection. Every call comes on the loop's thread.</summary>
public interface IConnectionHandler
{
    /// <summary>Bytes arrived: read the messages out of the turn and reply into it. The turn is borrowed until the return.</summary>
    /// <remarks>An exception closes this connection with 1011, and no other.</remarks>
    void OnReceived(Turn turn);

    /// <summary>The time set by <see cref="Connection.SetDeadline"/> has come.</summary>
    void OnDeadline();

    /// <summary>The connection takes no further message. Said exactly once, after the last <see cref="OnReceived"/>.</summary>
    void OnEnded(Closure closure);
}

/// <summary>Decides who may open a connection, and puts a handler above it. Every call comes on the loop's thread.</summary>
public interface IConnectionAcceptor
{
    /// <summary>Which peers are proxies and believed when they say who the client is; the same for the acceptor's whole life.</summary>
    ProxyTrust Proxies => ProxyTrust.None;

    /// <summary>Which names of this server a WebSocket's request may use; may change between two calls.</summary>
    HostRule Hosts => HostRule.Any;

    /// <summary>Finds the endpoint that a request is for.</summary>
    /// <returns>The endpoint; or none, when the path belongs to no endpoint.</returns>
    WebSocketEndpoint? Find(UpgradeRequest request);

    /// <summary>Whether one more connection may come in; if not, it is answered 503.</summary>
    /// <param name="retryAfter">How long the client should stay away.</param>
    bool MayOpen(out TimeSpan retryAfter);

    /// <summary>A request is not for any endpoint and asks for no upgrade. Who takes the socket owns it.</summary>
    /// <param name="take">Takes the socket out of the loop; called at most once, and only if the answer is true.</param>
    /// <returns>False if no one answers plain HTTP here; the request is then refused with 404.</returns>
    bool TryHandOver(Func<HandedOver> take);

    /// <summary>
    /// The handshake is done. Sooner or later call <see cref="Connection.Attach"/>; until then nothing is read.
    /// </summary>
    void Opened(Connection connection, UpgradeRequest request);

    /// <summary>A connection ended, at whatever stage; said exactly once for each that was accepted, for counting and logging.</summary>
    void Ended(Connection connection, Closure closure);
}

/// <summary>A path that uses WebSocket, and the bounds of its connections.</summary>
public sealed record WebSocketEndpoint
{
    /// <summary>The path, exactly.</summary>
    public required string Path { get; init; }

    /// <summary>What is used, in the server's order of preference.</summary>
    public required SubprotocolChoice Subprotocols { get; init; }

    /// <summary>Which pages may connect.</summary>
    public required OriginRule Origins { get; init; }

    /// <summary>Limits of the frame engine.</summary>
    public required FrameEngineSettings Engine { get; init; }

    /// <summary>What is agreed to when a client offers compression; none declines.</summary>
    public DeflatePolicy? Deflate { get; init; }

    /// <summary>
    /// Limits until <see cref="Connection.Admit"/>, so that a stranger's unfinished message is held to a stranger's budget;
    /// none where everyone who may open is admitted.
    /// </summary>
    public FrameEngineSettings? EngineAtFirst { get; init; }

    /// <summary>The code a client is closed with that reads too slowly.</summary>
    public CloseCode SlowCode { get; init => field = Sendable(value); } = CloseCode.PolicyViolation;

    /// <summary>The reason that goes with it.</summary>
    public string SlowReason { get; init; } = "slow";

    /// <summary>The code every client is closed with when the server stops.</summary>
    public CloseCode ShutdownCode { get; init => field = Sendable(value); } = CloseCode.GoingAway;

    /// <summary>The reason that goes with it.</summary>
    public string ShutdownReason { get; init; } = "shutdown";

    /// <summary>Whole frames that every client is sent before that Close frame, where what is used has a bye of its own.</summary>
    public ReadOnlyMemory<byte> ShutdownFrames { get; init; }

    private static CloseCode Sendable(CloseCode code) =>
        code.MayTravel ? code : throw new ArgumentOutOfRangeException(nameof(code), code, "This close code may not be sent.");
}
