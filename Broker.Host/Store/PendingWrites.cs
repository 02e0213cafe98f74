using System.Collections.Concurrent;

namespace Broker.Host.Store;

/// <summary>The last write of each connection that has one under way. For all threads.</summary>
/// <remarks>The store writes in the order of its queue, so a connection's last write is done after all that were before it.</remarks>
internal sealed class PendingWrites
{
    private readonly ConcurrentDictionary<string, Task> _last = new(StringComparer.Ordinal);

    /// <summary>Connections with a write under way.</summary>
    internal int Count => _last.Count;

    /// <summary>A write is in the store's queue.</summary>
    public void Add(string client, Task writing)
    {
        if (writing.IsCompleted) return;
        _last[client] = writing;
        writing.ContinueWith(
            static (done, state) =>
            {
                (PendingWrites writes, string client) = ((PendingWrites, string))state!;
                writes._last.TryRemove(new KeyValuePair<string, Task>(client, done));
            },
            (this, client),
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }

    /// <summary>Waits until the writes that are in the queue for a connection are done, however they end.</summary>
    public ValueTask WhenDoneAsync(string client) =>
        _last.TryGetValue(client, out Task? writing) ? WhenDoneAsync(writing) : ValueTask.CompletedTask;

    private static async ValueTask WhenDoneAsync(Task writing) => await writing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
}
