namespace Broker.Core.Framing;

/// <summary>How a connection stands after a turn.</summary>
public enum TurnOutcome : byte
{
    /// <summary>More may come.</summary>
    Open,

    /// <summary>The peer's Close has come; ours is in the output, unless it was sent before.</summary>
    PeerClosed,

    /// <summary>The peer broke a rule; our Close is in the output, unless one was sent before.</summary>
    Violated,
}
