using System.Globalization;

namespace Broker.Cli.Bench;

/// <summary>How the parts of a run learn that it ends, and tell that it must.</summary>
internal sealed class RunControl : IDisposable
{
    private readonly CancellationTokenSource _stop = new(), _abort = new();
    private string? _failure;
    private int _lostConnections;
    private volatile bool _isOver, _wasInterrupted, _wasCutOff;
    private volatile RunPhase _phase = new("opening");

    /// <summary>Cancelled once nothing more is to be sent: what is under way may still arrive.</summary>
    public CancellationToken Stopping => _stop.Token;

    /// <summary>Cancelled once nothing is waited for any more.</summary>
    public CancellationToken Aborting => _abort.Token;

    /// <summary>The first thing that went wrong, in one line; <c>null</c> if nothing did.</summary>
    public string? Failure => Volatile.Read(ref _failure);

    /// <summary>Connections that ended before they should.</summary>
    public int LostConnections => Volatile.Read(ref _lostConnections);

    /// <summary>Whether a signal has ended it early.</summary>
    public bool WasInterrupted => _wasInterrupted;

    /// <summary>Whether a signal has ended the waiting as well: what was under way then is missing, and no one's fault.</summary>
    public bool WasCutOff => _wasCutOff;

    /// <summary>What the run is doing; to be shown.</summary>
    public RunPhase Phase => _phase;

    /// <summary>The run goes on to its next phase.</summary>
    public void Enter(RunPhase phase) => _phase = phase;

    /// <summary>The run begins by opening its connections.</summary>
    public void EnterOpening(int connections) =>
        Enter(new RunPhase(string.Create(CultureInfo.InvariantCulture, $"opening {connections:n0} connections")));

    /// <summary>Ends the sending.</summary>
    public void Stop() => _stop.Cancel();

    /// <summary>Ends everything at once.</summary>
    public void Abort()
    {
        _stop.Cancel();
        _abort.Cancel();
    }

    /// <summary>All is done: connections that end from here on are not lost.</summary>
    public void End() => _isOver = true;

    /// <summary>A signal: the first stops, the second aborts.</summary>
    public void Interrupt()
    {
        if (_isOver) return;
        _wasInterrupted = true;
        if (_stop.IsCancellationRequested)
        {
            _wasCutOff = true;
            Abort();
        }
        else Stop();
    }

    /// <summary>Something went wrong: nothing more is to be sent.</summary>
    public void Fail(string reason)
    {
        Interlocked.CompareExchange(ref _failure, reason, null);
        Stop();
    }

    /// <summary>A connection ended on which more was to come, unless all is done or is being ended.</summary>
    /// <param name="failure">What its socket said.</param>
    /// <param name="ends">Whether its loss ends the run.</param>
    public void DropConnection(Exception failure, bool ends)
    {
        if (_isOver || _abort.IsCancellationRequested) return;
        Interlocked.Increment(ref _lostConnections);
        string reason = failure is BenchException ? failure.Message : $"A connection was lost: {failure.Message}";
        if (ends) Fail(reason);
        else Interlocked.CompareExchange(ref _failure, reason, null);
    }

    /// <summary>Waits, but not once the sending has ended.</summary>
    public async Task WaitAsync(TimeSpan time)
    {
        try
        {
            await Task.Delay(time, Stopping).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The sending has ended.
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _stop.Dispose();
        _abort.Dispose();
    }
}
