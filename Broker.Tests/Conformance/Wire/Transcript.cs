namespace Broker.Tests.Conformance.Wire;

/// <summary>One of the two ends of a connection.</summary>
public enum Side
{
    /// <summary>The suite.</summary>
    Client,

    /// <summary>The server under test.</summary>
    Server,
}

/// <summary>All that happened on one connection and is judged later. Safe to use from several threads.</summary>
public sealed class Transcript
{
    private readonly Lock _gate = new();
    private readonly List<Received> _events = [];
    private TaskCompletionSource _changed = NewSignal();

    /// <summary>Messages and pongs in the order of their arrival.</summary>
    public IReadOnlyList<Received> Events
    {
        get { lock (_gate) return [.. _events]; }
    }

    /// <summary>The side that ended the connection first: by its close frame, by failing it, or by dropping the stream.</summary>
    public Side? EndedBy { get; private set; }

    /// <summary>The server's close frame, once it came.</summary>
    public ServerClose? ServerClose { get; private set; }

    /// <summary>Whether the client has sent a close frame, first or in answer.</summary>
    public bool ClientCloseSent { get; private set; }

    /// <summary>Whether the server has ended the stream, by its end or by a reset.</summary>
    public bool DroppedByServer { get; private set; }

    /// <summary>Whether the client had to end the stream.</summary>
    public bool DroppedByClient { get; private set; }

    /// <summary>The rule that the server broke in what it sent, if it broke one.</summary>
    public string? Violation { get; private set; }

    /// <summary>Whether nothing more can be expected of the connection than its end.</summary>
    public bool IsEnding => EndedBy is not null;

    /// <summary>Both close frames were exchanged, and the server ended the stream in time.</summary>
    public bool IsClean => ServerClose is not null && ClientCloseSent && DroppedByServer;

    /// <summary>Adds an event.</summary>
    public void Record(Received received) => Change(() => _events.Add(received));

    /// <summary>Notes the server's close frame.</summary>
    public void RecordServerClose(ServerClose close) => Change(() =>
    {
        ServerClose = close;
        EndedBy ??= Side.Server;
    });

    /// <summary>Notes that the client is about to send its close frame.</summary>
    public void RecordClientClose() => Change(() =>
    {
        ClientCloseSent = true;
        EndedBy ??= Side.Client;
    });

    /// <summary>Notes a broken rule; the first one stays.</summary>
    public void RecordViolation(string violation) => Change(() =>
    {
        Violation ??= violation;
        EndedBy ??= Side.Client;
    });

    /// <summary>Notes the end of the stream.</summary>
    public void RecordDrop(Side side) => Change(() =>
    {
        if (DroppedByClient || DroppedByServer) return;
        if (side == Side.Client) DroppedByClient = true; else DroppedByServer = true;
        EndedBy ??= side;
    });

    /// <summary>Takes the oldest event out, so that a long exchange does not keep all its messages.</summary>
    public bool TryTake(out Received? received)
    {
        lock (_gate)
        {
            received = _events.Count > 0 ? _events[0] : null;
            if (received is null) return false;
            _events.RemoveAt(0);
            return true;
        }
    }

    /// <summary>Waits until something holds, looking again after every change.</summary>
    /// <returns>Whether it held before the token was cancelled.</returns>
    public async Task<bool> WaitUntilAsync(Func<bool> condition, CancellationToken limit)
    {
        while (true)
        {
            Task changed;
            lock (_gate)
            {
                if (condition()) return true;
                changed = _changed.Task;
            }

            try
            {
                await changed.WaitAsync(limit);
            }
            catch (OperationCanceledException)
            {
                lock (_gate) return condition();
            }
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Change(Action change)
    {
        TaskCompletionSource changed;
        lock (_gate)
        {
            change();
            changed = _changed;
            _changed = NewSignal();
        }

        changed.SetResult();
    }
}
