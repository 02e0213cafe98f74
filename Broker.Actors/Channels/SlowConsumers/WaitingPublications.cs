using Broker.Actors.Model;

namespace Broker.Actors.Channels.SlowConsumers;

/// <summary>
/// The publications of one channel that wait for one slow subscriber, and what of them had to be dropped. For one thread.
/// </summary>
/// <typeparam name="T">A publication as it will be sent.</typeparam>
/// <param name="policy">Not <see cref="SlowConsumerPolicy.Disconnect"/>: nothing waits under that one.</param>
/// <param name="bytesMax">Bytes that may wait. One publication may, however long it is.</param>
public sealed class WaitingPublications<T>(SlowConsumerPolicy policy, long bytesMax)
{
    private readonly LinkedList<Item> _items = new();
    private readonly Dictionary<string, LinkedListNode<Item>> _byKey = new(StringComparer.Ordinal);
    private readonly MissedOffsets _missed = new();

    private readonly record struct Item(T Publication, ulong Offset, string? Key, int Bytes);

    /// <summary>Publications that wait.</summary>
    public int Count => _items.Count;

    /// <summary>Bytes that they hold.</summary>
    public long Bytes { get; private set; }

    /// <summary>Whether nothing waits and nothing was missed.</summary>
    public bool IsEmpty => _items.Count == 0 && _missed.Runs.Count == 0;

    /// <summary>A publication has come.</summary>
    /// <param name="publication">The publication as it will be sent.</param>
    /// <param name="offset">Its offset, or 0.</param>
    /// <param name="key">What it replaces, or null.</param>
    /// <param name="bytes">What it holds.</param>
    public void Add(T publication, ulong offset, string? key, int bytes)
    {
        var item = new Item(publication, offset, key, bytes);
        if (policy == SlowConsumerPolicy.KeepLatest && key is not null && _byKey.TryGetValue(key, out LinkedListNode<Item>? former))
            Drop(former);
        if (policy == SlowConsumerPolicy.DropNewest && _items.Count > 0 && Bytes + bytes > bytesMax)
        {
            _missed.Add(offset);
            return;
        }

        while (_items.Count > 0 && Bytes + bytes > bytesMax) Drop(_items.First!);
        LinkedListNode<Item> node = _items.AddLast(item);
        Bytes += bytes;
        if (policy == SlowConsumerPolicy.KeepLatest && key is not null) _byKey[key] = node;
    }

    /// <summary>Takes what may be sent now: what was missed so far, and then the oldest publications.</summary>
    /// <param name="bytes">About so many; one publication at least.</param>
    /// <param name="gaps">What was missed and has not been told yet.</param>
    /// <returns>Publications, in their order.</returns>
    public IReadOnlyList<T> Take(long bytes, out IReadOnlyList<Gap> gaps)
    {
        gaps = _missed.Take();
        var taken = new List<T>();
        while (_items.First is { } first && (taken.Count == 0 || bytes > 0))
        {
            taken.Add(first.Value.Publication);
            bytes -= first.Value.Bytes;
            Remove(first);
        }

        return taken;
    }

    private void Drop(LinkedListNode<Item> node)
    {
        _missed.Add(node.Value.Offset);
        Remove(node);
    }

    private void Remove(LinkedListNode<Item> node)
    {
        _items.Remove(node);
        Bytes -= node.Value.Bytes;
        if (node.Value.Key is { } key && _byKey.TryGetValue(key, out LinkedListNode<Item>? known) && known == node) _byKey.Remove(key);
    }
}
