using Broker.Core.Deflate;
using Broker.Core.Upgrade;

namespace Broker.Reactor.Loops;

/// <summary>A path that uses WebSocket, and the bounds of its connections.</summary>
public sealed record WebSocketEndpoint : ConnectionEndpoint
{
    /// <summary>What is used, in the server's order of preference.</summary>
    public required SubprotocolChoice Subprotocols { get; init; }

    /// <summary>What is agreed to when a client offers compression; none declines.</summary>
    public DeflatePolicy? Deflate { get; init; }

    /// <summary>The client's first message, where its request can have it; null, or a null answer, where it comes in a frame.</summary>
    public Func<UpgradeRequest, ReadOnlyMemory<byte>?>? FirstMessage { get; init; }

    /// <inheritdoc />
    public override bool HasFrames => true;
}
