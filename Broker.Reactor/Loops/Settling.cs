namespace Broker.Reactor.Loops;

/// <summary>
/// A connection that ends as soon as every answer that it owes has been written, or after a limit. For the loop's thread.
/// </summary>
internal sealed class Settling
{
    private readonly Connection _connection;
    private readonly Action _end;
    private readonly LoopTimer _late;
    private bool _isOver;

    /// <summary>Begins to wait.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="end">Ends it.</param>
    /// <param name="limit">How long the answers may take.</param>
    internal Settling(Connection connection, Action end, TimeSpan limit)
    {
        _connection = connection;
        _end = end;
        _late = new LoopTimer(connection.Loop, () => connection.Loop.AtTurnEnd(() => End(isLate: true)));
        _late.Set(limit);
    }

    /// <summary>The last answer has been given. It may still stand in a frame in the making, which leaves at the end of the turn.</summary>
    internal void OnSettled() => _connection.Loop.AtTurnEnd(() => End(isLate: false));

    /// <summary>The connection has ended otherwise.</summary>
    internal void Stop()
    {
        _isOver = true;
        _late.Stop();
    }

    private void End(bool isLate)
    {
        if (_isOver || (!isLate && _connection.OwesAnswers)) return;
        Stop();
        _connection.EndSettling();
        _end();
    }
}
