using Broker.Core.Deflate;
using Broker.Core.Framing;
using Broker.Core.Upgrade;

namespace Broker.Reactor.Loops;

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
