namespace Broker.Actors.Calls;

/// <summary>
/// Bytes of several results that the handlers of one client have said and the client has not taken: beyond the bound they
/// wait, in their order. For all threads.
/// </summary>
/// <remarks>
/// Credit counts the items of one call; this counts the bytes of all calls together, so that a slow reader with many open calls
/// holds its handlers back instead of being disconnected. One item may begin below the bound and pass it.
/// </remarks>
/// <param name="bytesMax">From here on no one says any more; over 0.</param>
internal sealed class ItemBudget(int bytesMax)
{
    private readonly Lock _gate = new();
    private readonly LinkedList<Waiter> _waiting = new();
    private long _bytes;

    /// <summary>How many wait for room.</summary>
    internal int Waiting
    {
        get
        {
            lock (_gate) return _waiting.Count;
        }
    }

    /// <summary>Takes room for an item, once there is some.</summary>
    /// <param name="bytes">Of the item; returned once the client has taken it.</param>
    /// <param name="over">The call is over: nothing is taken.</param>
    internal ValueTask TakeAsync(int bytes, CancellationToken over)
    {
        LinkedListNode<Waiter> waiter;
        lock (_gate)
        {
            if (_bytes < bytesMax && _waiting.Count == 0)
            {
                _bytes += bytes;
                return ValueTask.CompletedTask;
            }

            waiter = _waiting.AddLast(new Waiter(new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), bytes));
        }

        return WaitAsync(waiter, over);
    }

    /// <summary>The client has taken so many bytes.</summary>
    internal void Return(long bytes)
    {
        lock (_gate)
        {
            _bytes -= bytes;
            while (_bytes < bytesMax && _waiting.First is { } next)
            {
                _waiting.RemoveFirst();
                _bytes += next.Value.Bytes;
                next.Value.Turn.SetResult();
            }
        }
    }

    private async ValueTask WaitAsync(LinkedListNode<Waiter> waiter, CancellationToken over)
    {
        using CancellationTokenRegistration registration = over.Register(() => Leave(waiter, over));
        await waiter.Value.Turn.Task.ConfigureAwait(false);
    }

    // The code that takes it out of the list decides: it has its room, or leaves without.
    private void Leave(LinkedListNode<Waiter> waiter, CancellationToken over)
    {
        lock (_gate)
        {
            if (waiter.List is null) return;
            _waiting.Remove(waiter);
        }

        waiter.Value.Turn.SetCanceled(over);
    }

    private sealed record Waiter(TaskCompletionSource Turn, int Bytes);
}
