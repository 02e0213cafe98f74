using System.Text.RegularExpressions;
using RocksDbSharp;

namespace Broker.Store;

/// <summary>A table that cannot be read.</summary>
/// <param name="Table">The file; none if the database does not say which.</param>
/// <param name="Text">What the database says.</param>
/// <param name="Entries">Records in it; 0 if that is not known.</param>
internal readonly record struct TableDamage(string? Table, string Text, long Entries);

/// <summary>Asks the database about its tables, apart from any store.</summary>
internal static partial class TableCheck
{
    /// <summary>The first table that is damaged or missing; none if all are whole.</summary>
    public static TableDamage? FindDamage(string folder)
    {
        var entries = new Dictionary<string, long>(StringComparer.Ordinal);
        try
        {
            using RocksDb database = RocksDb.OpenReadOnly(new DbOptions(), folder, false);
            foreach (LiveFileMetadata file in database.GetLiveFilesMetadata(false))
                entries[file.FileMetadata.FileName.TrimStart('/')] = (long)file.FileDataMetadata.NumEntriesInFile;
            RocksDbSharp.Native.Instance.rocksdb_verify_checksum(database.Handle);
            return null;
        }
        catch (RocksDbSharpException failure)
        {
            Match name = TableName().Match(failure.Message);
            if (!name.Success) return new TableDamage(null, failure.Message, 0);
            string file = name.Value;
            return new TableDamage(Path.Combine(folder, file), failure.Message, entries.GetValueOrDefault(file));
        }
    }

    /// <summary>Makes the list of tables anew from those that are there; what the logs hold becomes tables.</summary>
    public static void RebuildManifest(string folder)
    {
        DbOptions options = new DbOptions().SetCreateIfMissing(true);
        try
        {
            RocksDbSharp.Native.Instance.rocksdb_repair_db(options.Handle, folder);
        }
        catch (RocksDbSharpException failure)
        {
            throw new StoreException(StoreFault.Failed, $"The store {folder} cannot be repaired: {failure.Message}", failure);
        }

        GC.KeepAlive(options);
    }

    [GeneratedRegex(@"\d{6,}\.sst")]
    private static partial Regex TableName();
}
