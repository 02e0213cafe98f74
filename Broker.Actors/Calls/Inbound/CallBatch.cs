using System.Diagnostics;
using Akka.Actor;

namespace Broker.Actors.Calls.Inbound;

/// <summary>
/// The calls that one client made in one turn. They begin in order on the thread pool, and those that return at once are answered together.
/// </summary>
/// <remarks>
/// One hop to the pool and one back serve them all: on a busy machine a hop costs more than a small handler. No handler holds
/// up the others: while some have not begun, another work item waits in the pool, and whichever thread takes it goes on with
/// them, and tells what has returned. What returns later, as it awaits something, is told by itself.
/// </remarks>
internal sealed class CallBatch(IActorRef session) : IThreadPoolWorkItem
{
    private static readonly TimeSpan s_together = TimeSpan.FromMicroseconds(50);     // Longer than that no answer waits for another.

    private readonly List<RunningCall> _calls = [];
    private readonly Lock _gate = new();
    private List<InboundCallProtocol.CallReturned>? _returned;
    private int _next;

    /// <summary>Adds a call; before the start.</summary>
    internal void Add(RunningCall call) => _calls.Add(call);

    /// <summary>Lets them begin.</summary>
    internal void Start() => ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);

    /// <inheritdoc />
    public void Execute()
    {
        SendReturned();
        bool isRelieved = false;
        long reported = Stopwatch.GetTimestamp();
        while (true)
        {
            int at = Interlocked.Increment(ref _next) - 1;
            if (at >= _calls.Count) break;
            if (!isRelieved && at + 1 < _calls.Count)
            {
                isRelieved = true;
                Start();
            }

            if (_calls[at].Begin() is { } returned) Keep(returned);
            if (Stopwatch.GetElapsedTime(reported) < s_together) continue;
            SendReturned();
            reported = Stopwatch.GetTimestamp();
        }

        SendReturned();
    }

    private void Keep(InboundCallProtocol.CallReturned returned)
    {
        lock (_gate) (_returned ??= []).Add(returned);
    }

    private void SendReturned()
    {
        List<InboundCallProtocol.CallReturned>? returned;
        lock (_gate) (returned, _returned) = (_returned, null);
        if (returned is not null) session.Tell(new InboundCallProtocol.CallsReturned(returned), ActorRefs.NoSender);
    }
}
