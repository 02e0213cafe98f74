using System.Globalization;

namespace Broker.Store.History;

/// <summary>The shards of a folder: each a database and a mark of its own, so that damage costs the channels of one shard.</summary>
internal static class HistoryFolder
{
    private const string LockName = "lock";

    /// <summary>Opens the shards. One that is damaged is set aside, and told; its channels begin again.</summary>
    /// <exception cref="StoreException">It is in use, is of another number of shards, or the disk refuses.</exception>
    public static HistoryShard[] OpenShards(string folder, DurableHistorySettings settings, HistoryDisk disk, TimeProvider time)
    {
        CheckForeign(folder, settings.Shards);
        var shards = new HistoryShard[settings.Shards];
        int opened = 0;
        try
        {
            for (; opened < shards.Length; opened++) shards[opened] = OpenShard(Path.Combine(folder, NameOf(opened)), settings, disk, time);
            return shards;
        }
        catch
        {
            for (int i = 0; i < opened; i++) shards[i].Dispose();
            throw;
        }
    }

    /// <summary>Takes the folder for this process.</summary>
    /// <returns>To be disposed of at the end.</returns>
    /// <exception cref="StoreException">Another process has it, or it cannot be made.</exception>
    public static FileStream Lock(string folder)
    {
        try
        {
            Directory.CreateDirectory(folder);
            return new FileStream(Path.Combine(folder, LockName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new StoreException(StoreFault.Failed, $"The histories in {folder} cannot be opened: {failure.Message}", failure);
        }
    }

    private static string NameOf(int shard) => string.Create(CultureInfo.InvariantCulture, $"shard-{shard:d2}");

    private static void CheckForeign(string folder, int shards)
    {
        foreach (string path in Directory.EnumerateFileSystemEntries(folder).Order(StringComparer.Ordinal))
        {
            string name = Path.GetFileName(path);
            if (name is LockName or "lost+found" || name.Contains(".damaged-", StringComparison.Ordinal)) continue;
            if (!Enumerable.Range(0, shards).Any(shard => name == NameOf(shard) || name == $"{NameOf(shard)}.mark"))
                throw new StoreException(
                    StoreFault.Failed,
                        $"The folder {folder} holds no histories of {shards} shards: it has {name}. New ones need a folder that is empty "
                            + $"or not there.");
        }
    }

    private static HistoryShard OpenShard(string path, DurableHistorySettings settings, HistoryDisk disk, TimeProvider time)
    {
        try
        {
            return TryOpenShard(path, settings, disk, time);
        }
        catch (StoreException damaged) when (damaged.IsDamage)
        {
            string aside = SetAside(path, time);
            settings.Notify(new StoreNotice(
                IsError: true,
                $"The channel histories of {path} are damaged, and were moved to {aside}; their channels begin with new epochs: "
                    + $"{damaged.InnerException?.Message ?? damaged.Message}"));
            return TryOpenShard(path, settings, disk, time);
        }
    }

    private static HistoryShard TryOpenShard(string path, DurableHistorySettings settings, HistoryDisk disk, TimeProvider time)
    {
        bool isNew = !Directory.Exists(path) || !StoreFolderCheck.HasData(path);
        KeyedStore store = KeyedStore.Open(path, settings.Store with { Notify = settings.Notify });
        try
        {
            AcknowledgedMark mark = AcknowledgedMark.Open($"{path}.mark", isNew, store.Sequence, settings.Boot, out string? fault)
                ?? throw new StoreException(StoreFault.Failed, $"{fault}.") { IsDamage = true };
            return new HistoryShard(store, mark, disk, time, settings.Notify);
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    private static string SetAside(string path, TimeProvider time)
    {
        string stamp = time.GetUtcNow().ToString("yyyyMMddTHHmmss", CultureInfo.InvariantCulture);
        string aside = $"{path}.damaged-{stamp}";
        for (int i = 2; Path.Exists(aside); i++) aside = string.Create(CultureInfo.InvariantCulture, $"{path}.damaged-{stamp}-{i}");
        Directory.Move(path, aside);
        if (File.Exists($"{path}.mark")) File.Move($"{path}.mark", Path.Combine(aside, "mark"));
        return aside;
    }
}
