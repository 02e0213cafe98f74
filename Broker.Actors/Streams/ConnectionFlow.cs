using Akka;
using Akka.Streams;
using Akka.Streams.Dsl;
using Broker.Core.Framing;
using Broker.Core.Reactor;

namespace Broker.Actors.Streams;

/// <summary>
/// The whole pipe of a connection, drawn once and materialised for each: the socket's turns go round through the dialect.
/// </summary>
/// <remarks>
/// <code>
/// socket ⇄ TransportStage (frame engine) ─ turns → ProtocolStage (dialect) → commands → session actor
///                    ↑──────────── replies ──────────┘
/// </code>
/// </remarks>
public sealed class ConnectionFlow
{
    private readonly FlowSeed _seed = new();
    private readonly IRunnableGraph<NotUsed> _graph;
    private readonly IMaterializer _materializer;

    /// <summary>Draws the pipe for one loop.</summary>
    /// <param name="materializer">Whose actors run on that loop.</param>
    public ConnectionFlow(IMaterializer materializer)
    {
        _materializer = materializer;
        _graph = Flow.FromGraph(new TransportStage(_seed)).Join(Flow.FromGraph(new ProtocolStage(_seed)));
    }

    /// <summary>Runs the pipe for one connection. It ends with the connection, and the connection with it.</summary>
    public void Run(Connection connection, IDialect dialect)
    {
        _seed.Plant(connection, dialect);
        try
        {
            _graph.Run(_materializer);
        }
        finally
        {
            _seed.Clear();
        }
    }
}

/// <summary>What the stages of the next materialisation take: a graph is drawn once, so its connection comes in from the side.</summary>
/// <remarks>Stages make their logic while <see cref="ConnectionFlow.Run"/> is on the stack, one materialisation after the other.</remarks>
public sealed class FlowSeed
{
    private Connection? _connection;
    private IDialect? _dialect;

    /// <summary>The connection of the materialisation under way.</summary>
    public Connection Connection => _connection ?? throw Unplanted();

    /// <summary>Its dialect.</summary>
    public IDialect Dialect => _dialect ?? throw Unplanted();

    internal void Plant(Connection connection, IDialect dialect) => (_connection, _dialect) = (connection, dialect);

    internal void Clear() => (_connection, _dialect) = (null, null);

    private static InvalidOperationException Unplanted() => new($"A connection's stages are materialised by {nameof(ConnectionFlow)} only.");
}
