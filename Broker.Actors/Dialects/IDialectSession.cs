using Akka.Actor;
using Broker.Actors.Sessions;
using Broker.Core.Framing;
using Broker.Reactor.Loops;

namespace Broker.Actors.Dialects;

/// <summary>
/// What one connection uses above WebSocket frames: its messages become commands for its session, its session's answers
/// become messages. Lives in the connection's stream, on the loop's thread.
/// </summary>
public interface IDialectSession : ISessionWriter
{
    /// <summary>Whether the session can take more commands; while it can not, nothing is read from the client.</summary>
    bool IsReady { get; }

    /// <summary>The session that commands go to. Called once, before anything else.</summary>
    void OnBound(IActorRef session);

    /// <summary>The stream runs. Called once, before the first turn.</summary>
    /// <param name="demand">To be notified when <see cref="IsReady"/> becomes true again.</param>
    void OnStarted(IDemand demand);

    /// <summary>
    /// The client's first message came with the request that opened the connection. Called once at most, right behind
    /// <see cref="OnStarted"/>.
    /// </summary>
    /// <param name="message">Borrowed until the return.</param>
    void OnFirstMessage(ReadOnlySpan<byte> message)
    {
    }

    /// <summary>Reads the messages of one turn and may reply into it. The turn is borrowed until the return.</summary>
    void OnTurn(Turn turn);

    /// <summary>The connection's deadline has come.</summary>
    void OnDeadline();

    /// <summary>The connection ended. Called exactly once.</summary>
    void OnEnded(Closure closure);
}

/// <summary>What asks the connection for its turns.</summary>
public interface IDemand
{
    /// <summary>Ask again: the session can take more commands.</summary>
    void Resume();
}
