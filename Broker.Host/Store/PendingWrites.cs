using System.Collections.Concurrent;
using Broker.Core.Protocol.Calls;
using Broker.Core.Protocol.Messages;

namespace Broker.Host.Store;

/// <summary>
/// The writes that are under way: the last one of each connection, and how many bytes those of each address hold. For all threads.
/// </summary>
/// <remarks>
/// The store writes in the order of its queue, so a connection's last write is done after all that were before it. The clients of one
/// address hold at most half of what may wait for all, so that one that floods the queue is refused before the others are.
/// </remarks>
/// <param name="bytesMax">Bytes that may wait for all clients together (broker.store.queued-bytes-max).</param>
internal sealed class PendingWrites(long bytesMax)
{
    private readonly ConcurrentDictionary<string, Task> _last = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();
    private readonly Dictionary<object, long> _bytes = [];

    /// <summary>Connections with a write under way.</summary>
    internal int Count => _last.Count;

    /// <summary>Begins a write, if its address holds no more than its share; one write alone always may.</summary>
    /// <param name="client">The connection.</param>
    /// <param name="address">Whose share it counts in.</param>
    /// <param name="bytes">What it holds until it is done.</param>
    /// <param name="write">Puts it into the store's queue.</param>
    /// <exception cref="CallFaultException">Overloaded: the address holds its share already.</exception>
    public Task<ReadOnlyMemory<byte>> Begin(string client, object address, long bytes, Func<Task<ReadOnlyMemory<byte>>> write)
    {
        Take(address, bytes);
        Task<ReadOnlyMemory<byte>> writing;
        try
        {
            writing = write();
        }
        catch
        {
            Return(address, bytes);
            throw;
        }

        if (writing.IsCompleted)
        {
            Return(address, bytes);
            return writing;
        }

        _last[client] = writing;
        writing.ContinueWith(
            static (done, state) =>
            {
                (PendingWrites writes, string client, object address, long bytes) = ((PendingWrites, string, object, long))state!;
                writes._last.TryRemove(new KeyValuePair<string, Task>(client, done));
                writes.Return(address, bytes);
            },
            (this, client, address, bytes),
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
        return writing;
    }

    /// <summary>Waits until the writes that are in the queue for a connection are done, however they end.</summary>
    public ValueTask WhenDoneAsync(string client) =>
        _last.TryGetValue(client, out Task? writing) ? WhenDoneAsync(writing) : ValueTask.CompletedTask;

    private static async ValueTask WhenDoneAsync(Task writing) => await writing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    private void Take(object address, long bytes)
    {
        lock (_gate)
        {
            long held = _bytes.GetValueOrDefault(address);
            if (held > 0 && bytes > (bytesMax / 2) - held)
                throw new CallFaultException(
                    FaultCode.Overloaded,
                        $"Writes of {held} bytes wait for this address already, of at most {bytesMax / 2} (half of "
                            + $"broker.store.queued-bytes-max).");
            _bytes[address] = held + bytes;
        }
    }

    private void Return(object address, long bytes)
    {
        lock (_gate)
        {
            long left = _bytes[address] - bytes;
            if (left > 0) _bytes[address] = left;
            else _bytes.Remove(address);
        }
    }
}
