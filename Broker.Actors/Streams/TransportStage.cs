using Akka.Streams;
using Akka.Streams.Stage;
using Broker.Core.Centrifuge;
using Broker.Core.Framing;
using Broker.Core.Reactor;

namespace Broker.Actors.Streams;

/// <summary>
/// The socket's end of a connection's stream: each read comes out as one <see cref="Turn"/>, in which the frame engine runs
/// in place, and the same turn comes back with the replies in it.
/// </summary>
/// <remarks>
/// A turn is borrowed: what is pushed is read, answered and back before the push returns. Demand is real all the same: while
/// nobody pulls, nothing is read from the socket, and the client feels it.
/// </remarks>
public sealed class TransportStage(FlowBed bed) : GraphStage<FlowShape<Turn, Turn>>
{
    private readonly Inlet<Turn> _replies = new("Transport.replies");
    private readonly Outlet<Turn> _turns = new("Transport.turns");
    private FlowShape<Turn, Turn>? _shape;

    /// <inheritdoc />
    public override FlowShape<Turn, Turn> Shape => _shape ??= new FlowShape<Turn, Turn>(_replies, _turns);

    /// <inheritdoc />
    protected override GraphStageLogic CreateLogic(Attributes inheritedAttributes) => new Logic(this, bed.Planted!);

    private sealed class Logic : InAndOutGraphStageLogic, IConnectionHandler
    {
        private readonly TransportStage _stage;
        private readonly Connection _connection;
        private readonly IDialect _dialect;
        private readonly Action<object> _call;
        private Turn? _turn;                // Of the entry under way.
        private DirectEntry? _entry;        // From the first call on, which comes before the first read.
        private bool _unasked;              // Nobody pulled after the last turn: the socket is not read.
        private bool _inside;               // The stream has been entered directly, by this very stage.
        private Closure? _endedInside;

        private static readonly Action<object> s_onTurn = static logic => ((Logic)logic).OnTurn();

        public Logic(TransportStage stage, FlowSeed seed)
            : base(stage.Shape)
        {
            _stage = stage;
            _connection = seed.Connection;
            _dialect = seed.Dialect;
            _call = GetAsyncCallback<object>(OnCall);
            SetHandlers(stage._replies, stage._turns, this);
        }

        public override void PreStart()
        {
            SetKeepGoing(true);
            Pull(_stage._replies);
            _call(_connection);
        }

        // Through the stream's mailbox, and so seen by its actor: the start, the end, and nothing between.
        private void OnCall(object argument)
        {
            switch (argument)
            {
                case Connection connection:
                    _entry = DirectEntry.Capture(this, s_onTurn, _call);
                    connection.Attach(this);
                    break;
                case Closure:
                    CompleteStage();
                    break;
                default:
                    break;
            }
        }

        public void OnReceived(Turn turn)
        {
            _turn = turn;
            _inside = true;
            bool running = _entry!.Enter();
            _inside = false;
            if (_endedInside is not null) _call(_endedInside);
            if (!running) throw new InvalidOperationException("The connection's stream has ended.");
            if (IsAvailable(_stage._turns)) return;
            _unasked = true;
            _connection.PauseReading();
        }

        private void OnTurn() => Push(_stage._turns, _turn!);

        public override void OnPush()
        {
            Grab(_stage._replies);
            Pull(_stage._replies);
        }

        public override void OnPull()
        {
            if (!_unasked) return;
            _unasked = false;
            _connection.ResumeReading();
        }

        public void OnDeadline() => _dialect.OnDeadline();

        public void OnEnded(Closure closure)
        {
            _dialect.OnEnded(closure);

            // A call from inside would wait for the next message to the stream's actor, and none may ever come.
            if (_inside) _endedInside = closure;
            else _call(closure);
        }

        // However the stream ends, its connection ends with it, in the dialect's own words.
        public override void PostStop() => _dialect.Disconnect(Disconnect.ServerError);
    }
}
