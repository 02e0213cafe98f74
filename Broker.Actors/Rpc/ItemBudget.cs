namespace Broker.Actors.Rpc;

/// <summary>
/// Bytes of several results that the handlers of one client have said and the client has not taken: beyond the bound they
/// wait, in their order. For all threads.
/// </summary>
/// <remarks>
/// Credit counts the items of one call; this counts the bytes of all calls together, so that a slow reader with many open calls
/// holds its handlers back instead of being sent away. One item may begin below the bound and pass it.
/// </remarks>
/// <param name="bytesMax">From here on nobody says any more; over 0.</param>
internal sealed class ItemBudget(int bytesMax)
{
    private readonly Lock _gate = new();
    private readonly Queue<(TaskCompletionSource Turn, int Bytes)> _waiting = new();
    private long _bytes;

    /// <summary>Takes room for an item, once there is some.</summary>
    /// <param name="bytes">Of the item; given back once the client has taken it.</param>
    /// <param name="over">The call is over: nothing is taken.</param>
    internal ValueTask TakeAsync(int bytes, CancellationToken over)
    {
        TaskCompletionSource turn;
        lock (_gate)
        {
            if (_bytes < bytesMax && _waiting.Count == 0)
            {
                _bytes += bytes;
                return ValueTask.CompletedTask;
            }

            turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Enqueue((turn, bytes));
        }

        return WaitAsync(turn, over);
    }

    /// <summary>The client has taken so many bytes.</summary>
    internal void GiveBack(long bytes)
    {
        lock (_gate)
        {
            _bytes -= bytes;
            while (_bytes < bytesMax && _waiting.TryDequeue(out (TaskCompletionSource Turn, int Bytes) next))
            {
                if (next.Turn.TrySetResult()) _bytes += next.Bytes;
            }
        }
    }

    private static async ValueTask WaitAsync(TaskCompletionSource turn, CancellationToken over)
    {
        using CancellationTokenRegistration registration = over.Register(() => turn.TrySetCanceled(over));
        await turn.Task.ConfigureAwait(false);
    }
}
