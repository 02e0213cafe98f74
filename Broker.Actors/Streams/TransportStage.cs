using Broker.Actors.Settings;
using Broker.Actors.Dialects;
using Akka.Streams;
using Akka.Streams.Stage;
using Broker.Actors.Model;
using Broker.Core.Framing;
using Broker.Reactor.Loops;

namespace Broker.Actors.Streams;

/// <summary>
/// The socket's end of a connection's stream: each read comes out as one <see cref="Turn"/>, in which the frame engine runs
/// in place and which takes the replies back to the socket.
/// </summary>
/// <remarks>
/// A turn is borrowed: what is pushed is read and answered before the push returns. Demand is real all the same: while
/// no one pulls, nothing is read from the socket, and the client feels it.
/// </remarks>
public sealed class TransportStage(FlowContext context) : GraphStage<SourceShape<Turn>>
{
    private readonly Outlet<Turn> _turns = new("Transport.turns");
    private SourceShape<Turn>? _shape;

    /// <inheritdoc />
    public override SourceShape<Turn> Shape => _shape ??= new SourceShape<Turn>(_turns);

    /// <inheritdoc />
    protected override GraphStageLogic CreateLogic(Attributes inheritedAttributes) => new Logic(_turns, context.Current!);

    // Made by its number of ports: by its shape, Akka would write the shape's name for each connection.
    private sealed class Logic : OutGraphStageLogic, IConnectionHandler
    {
        [ThreadStatic] private static Turn? t_turn;     // Of the entry under way on this thread, which is one loop's.

        private readonly Outlet<Turn> _turns;
        private readonly IDialectSession _dialect;
        private bool _unasked;              // No one pulled after the last turn: the socket is not read.
        private bool _inside;               // The stream has been entered directly, by this very stage.
        private bool _endedInside;

        private static readonly Action<object> s_onTurn = static logic => ((Logic)logic).OnTurn();
        private static readonly Action<object> s_complete = static logic => ((Logic)logic).CompleteStage();

        public Logic(Outlet<Turn> turns, FlowParts seed)
            : base(inCount: 0, outCount: 1)
        {
            _turns = turns;
            _dialect = seed.Dialect;
            SetHandler(turns, this);
        }

        public override void PreStart()
        {
            SetKeepGoing(true);
            _dialect.Connection.Attach(this);
        }

        public void OnReceived(Turn turn)
        {
            t_turn = turn;
            _inside = true;
            bool running = DirectEntry.Enter(this, s_onTurn);
            _inside = false;
            if (_endedInside) DirectEntry.Call(this, s_complete);
            if (!running) throw new InvalidOperationException("The connection's stream has ended.");
            if (IsAvailable(_turns)) return;
            _unasked = true;
            _dialect.Connection.PauseReading();
        }

        private void OnTurn() => Push(_turns, t_turn!);

        public override void OnPull()
        {
            if (!_unasked) return;
            _unasked = false;
            _dialect.Connection.ResumeReading();
        }

        public void OnDeadline() => _dialect.OnDeadline();

        public void OnEnded(Closure closure)
        {
            _dialect.OnEnded(closure);

            // A call from inside would wait for the next message to the stream's actor, and none may ever come.
            if (_inside) _endedInside = true;
            else DirectEntry.Call(this, s_complete);
        }

        // However the stream ends, its connection ends with it, in the dialect's own words.
        public override void PostStop() => _dialect.Disconnect(DisconnectReason.ServerError);
    }
}
