using Broker.Actors.Dialects;
using Akka.Streams;
using Akka.Streams.Stage;
using Broker.Core.Framing;

namespace Broker.Actors.Streams;

/// <summary>
/// The session's end of a connection's stream: lets the dialect read each turn and reply into it. Asks for the next turn only
/// while the session can take more commands.
/// </summary>
public sealed class ProtocolStage(FlowContext context) : GraphStage<SinkShape<Turn>>
{
    private readonly Inlet<Turn> _turns = new("Protocol.turns");
    private SinkShape<Turn>? _shape;

    /// <inheritdoc />
    public override SinkShape<Turn> Shape => _shape ??= new SinkShape<Turn>(_turns);

    /// <inheritdoc />
    protected override GraphStageLogic CreateLogic(Attributes inheritedAttributes) => new Logic(_turns, context.Current!.Dialect);

    // Made by its number of ports, as that of the transport.
    private sealed class Logic : InGraphStageLogic, IDemand
    {
        private static readonly Action<object> s_ask = static logic => ((Logic)logic).Ask();

        private readonly Inlet<Turn> _turns;
        private readonly IDialectSession _dialect;

        public Logic(Inlet<Turn> turns, IDialectSession dialect)
            : base(inCount: 1, outCount: 0)
        {
            _turns = turns;
            _dialect = dialect;
            SetHandler(turns, this);
        }

        public override void PreStart()
        {
            _dialect.OnStarted(this);
            Pull(_turns);
        }

        // Replies travel back in the turn that asked for them.
        public override void OnPush()
        {
            _dialect.OnTurn(Grab(_turns));
            if (_dialect.IsReady) Pull(_turns);
        }

        public void Resume() => DirectEntry.Call(this, s_ask);

        private void Ask()
        {
            if (!HasBeenPulled(_turns)) Pull(_turns);
            else _dialect.Connection.ResumeReading();       // It was paused with a turn asked for.
        }
    }
}
