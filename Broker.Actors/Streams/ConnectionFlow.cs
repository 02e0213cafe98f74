using Broker.Actors.Dialects;
using Akka;
using Akka.Streams;
using Akka.Streams.Dsl;
using Akka.Streams.Stage;
using Broker.Core.Framing;
using Broker.Reactor.Loops;

namespace Broker.Actors.Streams;

/// <summary>
/// The pipe of a loop's connections, drawn and fused once and materialised for each: the socket's turns go to the dialect,
/// and its replies back in them.
/// </summary>
/// <remarks>
/// <code>
/// socket ⇄ TransportStage (frame engine) ─ turns → ProtocolStage (dialect) → commands → session actor
/// </code>
/// All pipes of a loop run in the one stream actor of the loop's host stage, each as a stream of its own: with its own end
/// and its own failure, but without an actor, a mailbox and a name for each. That is what makes an idle connection small.
/// </remarks>
public sealed class ConnectionFlow
{
    private readonly Action<FlowParts> _open;

    /// <summary>Starts the host of one loop's pipes.</summary>
    /// <param name="materializer">Whose actors run on that loop.</param>
    public ConnectionFlow(IMaterializer materializer) => 
        _open = Source.FromGraph(new HostStage()).To(Sink.Ignore<NotUsed>()).Run(materializer);

    /// <summary>Runs the pipe for one connection. It ends with the connection, and the connection with it.</summary>
    public void Run(Connection connection, IDialectSession dialect) => _open(new FlowParts(connection, dialect));

    // The stream whose actor the pipes run in. It ends with the loop's actors, and its outlet carries nothing.
    private sealed class HostStage : GraphStageWithMaterializedValue<SourceShape<NotUsed>, Action<FlowParts>>
    {
        private readonly Outlet<NotUsed> _nothing = new("Host.nothing");

        public HostStage() => Shape = new SourceShape<NotUsed>(_nothing);

        public override SourceShape<NotUsed> Shape { get; }

        public override ILogicAndMaterializedValue<Action<FlowParts>> CreateLogicAndMaterializedValue(Attributes inheritedAttributes)
        {
            var logic = new Logic(this);
            return new LogicAndMaterializedValue<Action<FlowParts>>(logic, logic.Open);
        }

        private sealed class Logic : GraphStageLogic
        {
            private readonly FlowContext _context = new();
            private ConnectionStreamFactory? _streams;

            internal Logic(HostStage stage)
                : base(stage.Shape)
            {
                SetHandler(stage._nothing, onPull: static () => { });
                Open = GetAsyncCallback<FlowParts>(OnOpen);
            }

            internal Action<FlowParts> Open { get; }

            public override void PreStart()
            {
                SetKeepGoing(true);
                _streams = new ConnectionStreamFactory(
                    Source.FromGraph(new TransportStage(_context)).To(Sink.FromGraph(new ProtocolStage(_context))), SubFusingMaterializer);
            }

            private void OnOpen(FlowParts seed)
            {
                // One pipe that cannot be made is the end of its connection, and of no other.
                try
                {
                    _context.Current = seed;
                    _streams!.Cast();
                }
                catch (Exception failure)
                {
                    seed.Connection.Loop.Report(failure);
                    seed.Connection.Close(CloseCode.InternalError, "The session could not start.");
                }
                finally
                {
                    _context.Current = null;
                }
            }
        }
    }
}

/// <summary>What one pipe is made for.</summary>
/// <param name="Connection">At its one end.</param>
/// <param name="Dialect">At its other end.</param>
public sealed record FlowParts(Connection Connection, IDialectSession Dialect);

/// <summary>
/// Where the stages of the materialisation under way find their seed: a graph is drawn once, so it comes in from the side.
/// </summary>
public sealed class FlowContext
{
    private FlowParts? _current;

    /// <summary>The seed of the materialisation under way.</summary>
    /// <exception cref="InvalidOperationException">There is none.</exception>
    public FlowParts? Current
    {
        get => _current ?? throw new InvalidOperationException($"A connection's stages are materialised by {nameof(ConnectionFlow)} only.");
        set => _current = value;
    }
}
