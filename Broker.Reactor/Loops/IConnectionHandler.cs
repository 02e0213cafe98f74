using Broker.Core.Framing;

namespace Broker.Reactor.Loops;

/// <summary>What stands above one open connection. Every call comes on the loop's thread.</summary>
public interface IConnectionHandler
{
    /// <summary>Bytes arrived: read the messages out of the turn and reply into it. The turn is borrowed until the return.</summary>
    /// <remarks>An exception closes this connection with 1011, and no other.</remarks>
    void OnReceived(Turn turn);

    /// <summary>The time set by <see cref="Connection.SetDeadline"/> has come.</summary>
    void OnDeadline();

    /// <summary>The connection takes no further message. Called exactly once, after the last <see cref="OnReceived"/>.</summary>
    void OnEnded(Closure closure);
}
