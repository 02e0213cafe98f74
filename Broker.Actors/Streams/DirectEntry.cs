using Akka.Streams.Implementation.Fusing;
using Akka.Streams.Stage;

namespace Broker.Actors.Streams;

/// <summary>
/// Enters a running stream from the thread that runs it, without the stream's mailbox: one message less for every read of a
/// socket.
/// </summary>
/// <remarks>
/// Uses members of Akka.Streams that are public but marked internal (<c>GraphInterpreter.Current</c>, <c>RunAsyncInput</c>,
/// <c>Execute</c>); they are used here and nowhere else, Akka is pinned, and a test fails when they change. The interpreter
/// notices demand and elements on this way, but its actor does not notice completion: whoever completes or fails a stage
/// must do so through an ordinary asynchronous callback, or call <see cref="TellActor"/> after.
/// </remarks>
internal sealed class DirectEntry
{
    private const int EventsMax = 1024;

    private readonly GraphInterpreter _interpreter;
    private readonly GraphStageLogic _logic;
    private readonly Action<object> _handler;
    private readonly Action<object> _nothing;

    private DirectEntry(GraphInterpreter interpreter, GraphStageLogic logic, Action<object> handler, Action<object> nothing)
    {
        _interpreter = interpreter;
        _logic = logic;
        _handler = handler;
        _nothing = nothing;
    }

    /// <summary>Captures the interpreter that is running. Call it inside an asynchronous callback of the logic.</summary>
    /// <param name="logic">The stage's logic that is entered.</param>
    /// <param name="handler">What runs inside the stage at each entry; it is given the logic, so that all logics share one.</param>
    /// <param name="nothing">An asynchronous callback of the logic that does nothing, to wake the stream's actor.</param>
    internal static DirectEntry Capture(GraphStageLogic logic, Action<object> handler, Action<object> nothing) =>
        new(GraphInterpreter.Current, logic, handler, nothing);

    /// <summary>Runs the handler inside the stage, and everything in the stream that follows from it.</summary>
    /// <returns>Whether the stream still runs.</returns>
    internal bool Enter()
    {
        _interpreter.RunAsyncInput(_logic, _logic, GraphStageLogic.NoPromise, _handler);
        while (_interpreter.IsSuspended) _interpreter.Execute(EventsMax);
        if (!_interpreter.IsCompleted) return true;
        TellActor();
        return false;
    }

    /// <summary>Lets the stream's actor look whether its stream has completed.</summary>
    internal void TellActor() => _nothing(this);
}
