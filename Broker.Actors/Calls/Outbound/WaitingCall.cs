namespace Broker.Actors.Calls.Outbound;

/// <summary>A call to a client that has no answer yet.</summary>
internal sealed class WaitingCall
{
    private readonly TaskCompletionSource<ReadOnlyMemory<byte>> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The hub's number.</summary>
    internal uint Id { get; set; }

    /// <summary>Where its items go, if it may have any.</summary>
    internal OpenedClientCall? Items { get; set; }

    /// <summary>Bytes of results that wait for the application; under the lock of its client's calls.</summary>
    internal int UnreadBytes { get; set; }

    internal Task<ReadOnlyMemory<byte>> Answer => _answer.Task;

    /// <summary>What may end it early, and goes when it has ended, however that is.</summary>
    internal void Watch(ITimer timer, CancellationTokenRegistration cancel) => _ = _answer.Task.ContinueWith(
        answer =>
        {
            // The reader that enumerates sees a failure there, and need not look at the result, too.
            if (Items is not null) _ = answer.Exception;
            timer.Dispose();
            cancel.Dispose();
        },
        CancellationToken.None,
        TaskContinuationOptions.ExecuteSynchronously,
        TaskScheduler.Default);

    internal void Return(ReadOnlyMemory<byte> result)
    {
        _answer.TrySetResult(result);
        Items?.End(failure: null);
    }

    internal void Fail(Exception why)
    {
        if (why is OperationCanceledException cancelled) _answer.TrySetCanceled(cancelled.CancellationToken);
        else _answer.TrySetException(why);
        Items?.End(why);
    }
}
