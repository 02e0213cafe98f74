using System.IO.Hashing;
using System.Runtime.InteropServices;
using Broker.Actors.Channels.History;

namespace Broker.Store.History;

/// <summary>Makes the histories of each home: on the disk for the namespaces that want it, in memory for the others.</summary>
public sealed class DurableHistories : IHistoryStoreFactory, IDisposable
{
    private readonly FileStream _lock;
    private readonly HistoryShard[] _shards;
    private readonly TimeProvider _time;
    private readonly HistoryBudget _budget;
    private readonly HistoryDisk _disk;
    private int _isSweeping;

    private DurableHistories(FileStream folderLock, HistoryShard[] shards, HistoryDisk disk, TimeProvider time, HistoryBudget budget)
    {
        _disk = disk;
        _lock = folderLock;
        _shards = shards;
        _time = time;
        _budget = budget;
    }

    /// <summary>Whether the disk of any of them refuses writes.</summary>
    public bool IsFailing => _shards.Any(static shard => shard.Health.IsFailing);

    /// <summary>Groups of writes that the disk has refused.</summary>
    public long Failures => _shards.Sum(static shard => shard.Health.Failures);

    /// <summary>Bytes of all files.</summary>
    public long Bytes => _disk.Bytes;

    /// <summary>Whether they have as many bytes on the disk as they may, so that nothing more is kept.</summary>
    public bool IsFull => _disk.IsFull;

    /// <summary>Opens the histories in a folder, which is made if it is missing.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="time">The clock.</param>
    /// <param name="budget">Of those in memory.</param>
    /// <param name="settings">Bounds.</param>
    /// <exception cref="StoreException">
    /// It cannot be opened: another process has it, it holds something else, or the disk refuses.
    /// </exception>
    public static DurableHistories Open(string folder, TimeProvider time, HistoryBudget budget, DurableHistorySettings? settings = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        string path = Path.GetFullPath(folder);
        FileStream folderLock = HistoryFolder.Lock(path);
        try
        {
            settings ??= new DurableHistorySettings();
            var disk = new HistoryDisk(settings.BytesMax, time, settings.Notify);
            var opened = new DurableHistories(folderLock, HistoryFolder.OpenShards(path, settings, disk, time), disk, time, budget);
            opened.MeasureDisk();
            return opened;
        }
        catch
        {
            folderLock.Dispose();
            throw;
        }
    }

    /// <inheritdoc />
    public IHistoryStore Open(int home, int homes) => new NamespaceHistoryStore(this, new MemoryHistoryStore(_time, _budget));

    /// <summary>Writes what waits, makes it outlive the machine, and closes; after the homes have ended.</summary>
    public void Dispose()
    {
        foreach (HistoryShard shard in _shards) shard.Dispose();
        _lock.Dispose();
    }

    /// <summary>The shard of a channel, whichever home it has.</summary>
    internal HistoryShard ShardOf(string channel) => _shards[NumberOf(channel)];

    /// <summary>The number of that shard.</summary>
    internal int NumberOf(string channel) => (int)(XxHash64.HashToUInt64(MemoryMarshal.AsBytes(channel.AsSpan())) % (ulong)_shards.Length);

    // Blocks on the disk.
    private void MeasureDisk() =>
        _disk.Update(
            () => _shards.Sum(static shard => shard.FileBytes),
            () => _shards.Aggregate(seed: false, static (any, shard) => shard.CompactDeleted() | any));

    /// <summary>Deletes what has expired, on a thread of the pool; one sweep at a time.</summary>
    internal void BeginSweep(int channelsMax)
    {
        if (Interlocked.Exchange(ref _isSweeping, 1) != 0) return;
        _ = Task.Run(() =>
        {
            try
            {
                foreach (HistoryShard shard in _shards) shard.Sweep(channelsMax);
                MeasureDisk();
            }
            catch (StoreException)
            {
                // The store is closing, or its health tells.
            }
            finally
            {
                Volatile.Write(ref _isSweeping, 0);
            }
        });
    }
}
