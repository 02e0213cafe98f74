namespace Broker.Actors.Calls.Methods;

/// <summary>How the calls of a method stand to the other calls of their connection; said when it is added.</summary>
/// <remarks>
/// Calls of different connections are never ordered. What is ordered waits for the ordered calls of its own connection that were
/// read before it, of whatever method, and for nothing else; answers are sent as they come.
/// </remarks>
public enum CallOrder
{
    /// <summary>
    /// They run beside all others, as many at once as there are: no call waits for another, and nothing says which is first.
    /// </summary>
    None,

    /// <summary>
    /// They begin in the order in which they were read. The next ordered call begins when the handler has returned its task, done or
    /// not: for a handler that takes its place in a queue before it first waits, such as that of a write.
    /// </summary>
    Begun,

    /// <summary>
    /// They run in the order in which they were read, one at a time: the next ordered call begins when this one is done. A slow one
    /// holds up the ordered calls of its connection.
    /// </summary>
    Done,
}
