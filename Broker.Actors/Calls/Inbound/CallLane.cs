using Broker.Actors.Calls.Methods;
using System.Diagnostics;
using Akka.Actor;

namespace Broker.Actors.Calls.Inbound;

/// <summary>
/// The ordered calls of one connection: they begin in the order in which they were read, on the thread pool, one at a time.
/// </summary>
/// <remarks>
/// <see cref="CallOrder"/> says when the next one begins. A work item of the pool runs as long as calls wait and none holds them up;
/// those that return at once are answered together. Calls are added by the session's thread, and taken by one thread at a time.
/// </remarks>
internal sealed class CallLane(IActorRef session) : IThreadPoolWorkItem
{
    private static readonly TimeSpan s_together = TimeSpan.FromMicroseconds(50);     // Longer than that no answer waits for another.

    private readonly Queue<RunningCall> _added = [];        // Of the turn under way, for the session's thread.
    private readonly Queue<RunningCall> _waiting = [];      // Under the lock.
    private readonly Lock _gate = new();
    private bool _isBusy;                                   // A work item runs, or a call holds the others up. Under the lock.

    /// <summary>Adds a call of the turn under way.</summary>
    internal void Add(RunningCall call) => _added.Enqueue(call);

    /// <summary>The turn is over: its calls may begin.</summary>
    internal void Start()
    {
        if (_added.Count == 0) return;
        lock (_gate)
        {
            while (_added.TryDequeue(out RunningCall? call)) _waiting.Enqueue(call);
            if (_isBusy) return;
            _isBusy = true;
        }

        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    /// <inheritdoc />
    public void Execute()
    {
        List<InboundCallProtocol.CallReturned>? returned = null;
        long reported = Stopwatch.GetTimestamp();
        while (TryTake(out RunningCall? call))
        {
            if (call.BeginInOrder(Resume, out bool holdsUp) is { } result) (returned ??= []).Add(result);
            if (holdsUp) break;
            if (returned is null || Stopwatch.GetElapsedTime(reported) < s_together) continue;
            SendReturned(ref returned);
            reported = Stopwatch.GetTimestamp();
        }

        SendReturned(ref returned);
    }

    // The call that held the others up is done. On whichever thread it was, the next one may take long.
    private void Resume() => ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);

    private bool TryTake([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out RunningCall? call)
    {
        lock (_gate)
        {
            if (_waiting.TryDequeue(out call)) return true;
            _isBusy = false;
            return false;
        }
    }

    private void SendReturned(ref List<InboundCallProtocol.CallReturned>? returned)
    {
        if (returned is not null) session.Tell(new InboundCallProtocol.CallsReturned(returned), ActorRefs.NoSender);
        returned = null;
    }
}
