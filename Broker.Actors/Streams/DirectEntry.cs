using Broker.Actors.Calls.Methods;
using System.Runtime.CompilerServices;
using Akka.Streams.Implementation.Fusing;
using Akka.Streams.Stage;

namespace Broker.Actors.Streams;

/// <summary>
/// Enters a running stream from the thread that runs it, without the stream's mailbox: one message less for every read of a
/// socket. And the way through the mailbox, without what Akka's asynchronous callbacks hold for each stage.
/// </summary>
/// <remarks>
/// Uses members of Akka.Streams that are public but marked internal (<c>RunAsyncInput</c>, <c>Execute</c>,
/// <c>OnAsyncInput</c>) and one that is internal (<c>GraphStageLogic.Interpreter</c>); they are used here and nowhere else,
/// Akka is pinned, and a test fails when they change. The interpreter notices demand and elements on the direct way, but its
/// actor does not notice completion: the one that completes or fails a stage must do so by <see cref="Call"/>, or see to a call after.
/// </remarks>
internal static class DirectEntry
{
    private const int EventsMax = 1024;

    private static readonly Action<object> s_nothing = static _ => { };

    /// <summary>Runs a handler inside the stage, and everything in the stream that follows from it.</summary>
    /// <param name="logic">The stage's, from its <c>PreStart</c> on. On the thread that runs the stream.</param>
    /// <param name="handler">Is given the logic, so that all logics share one.</param>
    /// <returns>Whether the stream still runs; if not, its actor has been notified.</returns>
    internal static bool Enter(GraphStageLogic logic, Action<object> handler)
    {
        GraphInterpreter interpreter = InterpreterOf(logic);
        interpreter.RunAsyncInput(logic, logic, GraphStageLogic.NoPromise, handler);
        while (interpreter.IsSuspended) interpreter.Execute(EventsMax);
        if (!interpreter.IsCompleted) return true;
        Call(logic, s_nothing);
        return false;
    }

    /// <summary>Runs a handler inside the stage later, by the stream's mailbox, so that its actor sees what comes of it.</summary>
    /// <param name="logic">The stage's, from its <c>PreStart</c> on. From any thread.</param>
    /// <param name="handler">Is given the logic; not called if the stage has ended by then.</param>
    internal static void Call(GraphStageLogic logic, Action<object> handler) =>
        InterpreterOf(logic).OnAsyncInput(logic, logic, GraphStageLogic.NoPromise, handler);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "get_Interpreter")]
    private static extern GraphInterpreter InterpreterOf(GraphStageLogic logic);
}
