using Broker.Core.Framing;
using Broker.Core.Upgrade;

namespace Broker.Reactor.Loops;

/// <summary>A path at which connections are opened, and what holds for them, whatever carries their messages.</summary>
public abstract record ConnectionEndpoint
{
    /// <summary>The path, exactly.</summary>
    public required string Path { get; init; }

    /// <summary>Which pages may connect.</summary>
    public required OriginRule Origins { get; init; }

    /// <summary>Limits of the frame engine.</summary>
    public required FrameEngineSettings Engine { get; init; }

    /// <summary>
    /// Limits until a connection's <c>Admit</c>, so that the unfinished message of an unknown client is held to a small budget;
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

    /// <summary>
    /// The last message of a connection that the server ends, as the connection has its messages: before the Close frame, or, where there
    /// are no frames, before the end of the bytes. Null where the Close frame is enough.
    /// </summary>
    public ClosingMessage? ClosingMessage { get; init; }

    /// <summary>
    /// Whether the client's bytes, and its server's, are WebSocket frames. If not, no Close frame is sent, and none is awaited: the
    /// connection ends with its bytes.
    /// </summary>
    public abstract bool HasFrames { get; }

    private static CloseCode Sendable(CloseCode code) =>
        code.MayTravel ? code : throw new ArgumentOutOfRangeException(nameof(code), code, "This close code may not be sent.");
}

/// <summary>The last message of a connection that ends.</summary>
/// <param name="subprotocol">What it uses.</param>
/// <param name="code">Why it ends.</param>
/// <param name="reason">The same, for people.</param>
/// <returns>The bytes; empty for none.</returns>
public delegate ReadOnlyMemory<byte> ClosingMessage(string? subprotocol, CloseCode code, string reason);
