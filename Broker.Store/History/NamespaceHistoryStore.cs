using Broker.Actors.Channels.History;

namespace Broker.Store.History;

/// <summary>The histories of one home: each channel's where its namespace wants it.</summary>
internal sealed class NamespaceHistoryStore(DurableHistories disk, MemoryHistoryStore memory) : IHistoryStore
{
    /// <inheritdoc />
    /// <remarks>The weakest of the namespaces'.</remarks>
    public HistoryPromise Promise => HistoryPromise.Memory;

    /// <inheritdoc />
    public ValueTask<AppendResult> AppendAsync(string channel, in HistoryAppend append, HistoryOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return options.IsOnDisk ? new(disk.ShardOf(channel).AppendAsync(channel, append, options))
            : memory.AppendAsync(channel, append, options);
    }

    /// <inheritdoc />
    public ValueTask<HistoryPage> ReadAsync(string channel, HistoryQuery query, HistoryOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return options.IsOnDisk ? new(disk.ShardOf(channel).ReadAsync(channel, query, options)) : memory.ReadAsync(channel, query, options);
    }

    /// <inheritdoc />
    public ValueTask RemoveAsync(string channel)
    {
        ValueTask removal = memory.RemoveAsync(channel);
        return removal.IsCompletedSuccessfully ? new(disk.ShardOf(channel).RemoveAsync(channel)) : removal;
    }

    /// <inheritdoc />
    public bool Sweep(int channelsMax)
    {
        disk.BeginSweep(channelsMax);
        return memory.Sweep(channelsMax);
    }

    /// <inheritdoc />
    public void Dispose() => memory.Dispose();
}
