using Akka.Streams;
using Akka.Streams.Stage;
using Broker.Core.Framing;

namespace Broker.Actors.Streams;

/// <summary>
/// The session's end of a connection's stream: lets the dialect read each turn and sends it back with the replies. Asks for
/// the next turn only while the session can take more commands.
/// </summary>
public sealed class ProtocolStage(FlowBed bed) : GraphStage<FlowShape<Turn, Turn>>
{
    private readonly Inlet<Turn> _turns = new("Protocol.turns");
    private readonly Outlet<Turn> _replies = new("Protocol.replies");
    private FlowShape<Turn, Turn>? _shape;

    /// <inheritdoc />
    public override FlowShape<Turn, Turn> Shape => _shape ??= new FlowShape<Turn, Turn>(_turns, _replies);

    /// <inheritdoc />
    protected override GraphStageLogic CreateLogic(Attributes inheritedAttributes) => new Logic(this, bed.Planted!.Dialect);

    private sealed class Logic : InAndOutGraphStageLogic, IDemand
    {
        private readonly ProtocolStage _stage;
        private readonly IDialect _dialect;
        private Action? _ask;               // Most sessions always keep up.

        public Logic(ProtocolStage stage, IDialect dialect)
            : base(stage.Shape)
        {
            _stage = stage;
            _dialect = dialect;
            SetHandlers(stage._turns, stage._replies, this);
        }

        public override void PreStart()
        {
            _dialect.OnStarted(this);
            Pull(_stage._turns);
        }

        public override void OnPush()
        {
            Turn turn = Grab(_stage._turns);
            _dialect.OnTurn(turn);
            Push(_stage._replies, turn);
            if (_dialect.IsReady) Pull(_stage._turns);
        }

        public void Resume() => (_ask ??= GetAsyncCallback(Ask))();

        private void Ask()
        {
            if (!HasBeenPulled(_stage._turns)) Pull(_stage._turns);
        }

        // Replies travel in the turn that asked for them; demand for them carries nothing.
        public override void OnPull()
        {
        }
    }
}
