using Broker.Actors.Channels.Delivery;
using Broker.Actors.Runtime;
using Broker.Reactor;
using Broker.Reactor.Loops;
using Broker.Reactor.Sockets;
using Broker.Reactor.Pipes;

namespace Broker.Actors.Dialects;

/// <summary>A protocol that clients of the hub use, registered as one object: the hub knows nothing more of it.</summary>
public sealed record Dialect
{
    /// <summary>Its name, for access rules and people.</summary>
    public required string Name { get; init; }

    /// <summary>
    /// Paths with what holds for their connections: subprotocols, origins, limits, close frames. A <see cref="WebSocketEndpoint"/>, an
    /// <see cref="HttpStreamEndpoint"/>. No two dialects share a path.
    /// </summary>
    public required IReadOnlyList<ConnectionEndpoint> Endpoints { get; init; }

    /// <summary>Paths to which clients of those endpoints post messages.</summary>
    public IReadOnlyList<MessageEndpoint> MessageEndpoints { get; init; } = [];

    /// <summary>What publications can be for its clients.</summary>
    public IReadOnlyList<PublicationFormat> Formats { get; init; } = [];

    /// <summary>Makes the session of a connection of one of its endpoints. Called on the connection's loop.</summary>
    public required Func<Connection, LoopTurn, IDialectSession> CreateSession { get; init; }
}
