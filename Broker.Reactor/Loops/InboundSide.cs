using Broker.Core.Counting;
using Broker.Core.Framing;

namespace Broker.Reactor.Loops;

/// <summary>
/// What comes in through one connection: each read goes to the handler as a turn, and the turn's replies back to the client.
/// </summary>
/// <remarks>For the loop's thread. A field of the connection, as <see cref="OutboundSide"/> is.</remarks>
internal struct InboundSide
{
    private IConnectionHandler? _handler;
    private bool _isInTurn;
    private bool _isPaused;

    /// <summary>Whether there is a handler, and it wants to be given what comes.</summary>
    internal readonly bool WantsRead => !_isPaused && _handler is not null;

    /// <summary>Whether the handler takes plain bytes, and no WebSocket.</summary>
    internal readonly bool IsOfBytes => _handler is IByteHandler;

    /// <summary>The turn under way, which is the loop's; none between turns.</summary>
    internal readonly Turn? CurrentTurn(Connection connection) => _isInTurn ? connection.Loop.Turn : null;

    /// <summary>Puts a handler above the connection.</summary>
    /// <exception cref="InvalidOperationException">There is one.</exception>
    internal void Attach(IConnectionHandler handler)
    {
        if (_handler is not null) throw new InvalidOperationException("The connection has a handler already.");
        _handler = handler;
    }

    internal void Pause() => _isPaused = true;

    /// <returns>Whether it was paused.</returns>
    internal bool Resume()
    {
        bool wasPaused = _isPaused;
        _isPaused = false;
        return wasPaused;
    }

    /// <summary>How long the client may take nothing of what waits for it.</summary>
    internal readonly TimeSpan BlockedLimit(Connection connection) =>
        _handler is IByteHandler bytes ? bytes.BlockedLimit : connection.Loop.Settings.BlockedLimit;

    /// <summary>Whether more may be queued than the loop's bound says.</summary>
    internal readonly bool MayQueueMore(int queuedBytes) => _handler is IByteHandler bytes && queuedBytes <= bytes.QueueBytesMax;

    /// <summary>One read of an open or closing connection, with its replies.</summary>
    internal void Receive(Connection connection, FrameEngine? engine, byte[] buffer, int start, int length)
    {
        connection.Loop.Counters.Add(LoopCount.BytesReceived, length);
        if (engine is null)
        {
            ReceiveBytes(connection, buffer.AsSpan(start, length));
            return;
        }

        Turn turn = connection.Loop.Turn;
        turn.Begin(engine, buffer, start, length);
        _isInTurn = true;
        try
        {
            if (connection.IsOpen) Deliver(connection, turn);

            // A handler takes every message, but a connection that closed meanwhile, or a handler that failed, does not.
            while (turn.TryRead(out _)) { }
            connection.Answer(turn);
        }
        catch (Exception failure)
        {
            connection.Loop.Report(failure);
            connection.Abort(ClosureCause.SessionFailed, failure.Message);
        }
        finally
        {
            _isInTurn = false;
            turn.End();
        }
    }

    private readonly void ReceiveBytes(Connection connection, ReadOnlySpan<byte> bytes)
    {
        try
        {
            ((IByteHandler)_handler!).OnBytes(bytes);
        }
        catch (Exception failure)
        {
            connection.Loop.Report(failure);
            connection.Abort(ClosureCause.SessionFailed, failure.Message);
        }
    }

    // The turn goes on after a handler that failed: its replies so far leave, and the Close frame behind them.
    private readonly void Deliver(Connection connection, Turn turn)
    {
        try
        {
            _handler!.OnReceived(turn);
        }
        catch (Exception failure)
        {
            Fail(connection, failure);
        }
    }

    /// <summary>The session's deadline has come.</summary>
    internal readonly void OnDeadline(Connection connection)
    {
        try
        {
            _handler?.OnDeadline();
        }
        catch (Exception failure)
        {
            Fail(connection, failure);
        }
    }

    /// <summary>The connection has ended.</summary>
    internal readonly void OnEnded(Connection connection, Closure closure)
    {
        try
        {
            _handler?.OnEnded(closure);
        }
        catch (Exception failure)
        {
            connection.Loop.Report(failure);
        }
    }

    private readonly void Fail(Connection connection, Exception failure)
    {
        connection.Loop.Report(failure);
        if (IsOfBytes) connection.Abort(ClosureCause.SessionFailed, failure.Message);
        else connection.Close(ClosureCause.SessionFailed, CloseCode.InternalError, "The session failed.");
    }
}
