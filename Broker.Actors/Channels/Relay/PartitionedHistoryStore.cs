using Broker.Actors.Channels.History;
using Broker.Actors.Channels.Home;
using Broker.Actors.Model;

namespace Broker.Actors.Channels.Relay;

/// <summary>Histories of a home in a cluster: a store for each partition, so that those of one can be dropped together.</summary>
/// <param name="directory">Tells the partition of a channel.</param>
/// <param name="open">Makes the store of a partition.</param>
internal sealed class PartitionedHistoryStore(INodeDirectory directory, Func<IHistoryStore> open) : IHistoryStore
{
    private readonly IHistoryStore?[] _stores = new IHistoryStore?[directory.Partitions];
    private Func<string, bool>? _isInUse;
    private int _swept;

    /// <inheritdoc />
    public HistoryPromise Promise => HistoryPromise.Memory;

    private IHistoryStore StoreOf(string channel) => _stores[directory.PartitionOf(channel)] ??= Open();

    private IHistoryStore Open()
    {
        IHistoryStore store = open();
        if (_isInUse is not null) store.WatchUse(_isInUse);
        return store;
    }

    /// <inheritdoc />
    public void WatchUse(Func<string, bool> isInUse)
    {
        _isInUse = isInUse;
        foreach (IHistoryStore? store in _stores) store?.WatchUse(isInUse);
    }

    /// <inheritdoc />
    public ValueTask<AppendResult> AppendAsync(string channel, in HistoryAppend append, HistoryOptions options) =>
        StoreOf(channel).AppendAsync(channel, append, options);

    /// <inheritdoc />
    public ValueTask<HistoryPage> ReadAsync(string channel, HistoryQuery query, HistoryOptions options) =>
        StoreOf(channel).ReadAsync(channel, query, options);

    /// <inheritdoc />
    public ValueTask RemoveAsync(string channel) => StoreOf(channel).RemoveAsync(channel);

    /// <summary>The store of a partition, if it has one that can be moved to another node.</summary>
    internal MemoryHistoryStore? MovableOf(int partition) => _stores[partition] as MemoryHistoryStore;

    /// <summary>The store of a partition, for what another node has moved here; it takes the place of what was here.</summary>
    internal MemoryHistoryStore? Begin(int partition)
    {
        Evict(partition);
        return (_stores[partition] = Open()) as MemoryHistoryStore;
    }

    /// <summary>Drops all channels of a partition; should it come back, they begin under other epochs.</summary>
    internal void Evict(int partition)
    {
        _stores[partition]?.Dispose();
        _stores[partition] = null;
    }

    /// <inheritdoc />
    public bool Sweep(int channelsMax)
    {
        bool more = false;
        for (int looked = 0; looked < _stores.Length && !more; looked++)
        {
            _swept = (_swept + 1) % _stores.Length;
            more = _stores[_swept]?.Sweep(channelsMax) ?? false;
        }

        return more;
    }

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (IHistoryStore? store in _stores) store?.Dispose();
    }
}
