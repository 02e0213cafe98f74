using System.Text;
using System.Text.RegularExpressions;

namespace Broker.Store;

/// <summary>
/// Looks at a folder before the database does: whether it is a store, is empty, or is damaged in a way that would be passed over.
/// </summary>
internal static partial class StoreFolderCheck
{
    private const string Current = "CURRENT";

    /// <summary>What a start has to know.</summary>
    /// <exception cref="StoreException">It is not a store, or it is damaged; names the file and the place.</exception>
    public static void Run(string folder, StoreSettings settings)
    {
        if (!File.Exists(Path.Combine(folder, Current)))
        {
            CheckNew(folder);
            return;
        }

        CheckManifest(folder);
        LogVerdict logs = LogFolder.Judge(folder);
        if (logs.Damages is [LogDamage first, ..])
        {
            throw new StoreException(
                StoreFault.Failed,
                $"The store {folder} is damaged: {first.Path} has a bad record at offset {first.Offset}, and {logs.GoodBehind} good "
                    + $"records stand behind it. {WayOn(folder)}")
            {
                IsDamage = true,
            };
        }

        foreach (LogDamage torn in logs.Torn)
        {
            settings.Notify(new StoreNotice(
                IsError: false,
                $"{torn.Path} ends in an unfinished record: {torn.End - torn.Offset} bytes at offset {torn.Offset} are passed over, as a "
                    + $"crash leaves them."));
        }
    }

    /// <summary>Whether a folder has anything that a store's would.</summary>
    public static bool HasData(string folder) =>
        Directory.EnumerateFiles(folder).Select(Path.GetFileName)
            .Any(static name => name == Current || DataName().IsMatch(name!) || ManifestName().IsMatch(name!));

    /// <summary>What to do about a damaged store.</summary>
    public static string WayOn(string folder) =>
        $"Nothing was changed. \"broker store check {folder}\" lists what would be lost, and \"broker store repair {folder}\" goes on "
            + $"without it.";

    /// <summary>The file that the database's list of its files is in.</summary>
    /// <exception cref="StoreException">It is missing.</exception>
    public static string FindManifest(string folder)
    {
        string current = Path.Combine(folder, Current);
        string name = File.Exists(current) ? File.ReadAllText(current, Encoding.ASCII).TrimEnd('\n') : "";
        if (!ManifestName().IsMatch(name)) throw Damaged(folder, $"{current} does not name a manifest.");
        string manifest = Path.Combine(folder, name);
        return File.Exists(manifest) ? manifest : throw Damaged(folder, $"{manifest} is missing.");
    }

    /// <summary>The first bad place of the manifest; none where it is whole but for a torn end.</summary>
    public static LogEntry? FindBadManifestRecord(string manifest)
    {
        using var scan = new LogScan(manifest);
        foreach (LogEntry entry in scan.Read())
        {
            if (!entry.IsGood && !entry.IsCut) return entry;
        }

        return null;
    }

    private static void CheckManifest(string folder)
    {
        string manifest = FindManifest(folder);
        if (FindBadManifestRecord(manifest) is { } bad) throw Damaged(folder, $"{manifest} has a bad record at offset {bad.Offset}.");
    }

    // What a start that was stopped right at its beginning has left is none of a foreigner's.
    private static void CheckNew(string folder)
    {
        foreach (string path in Directory.EnumerateFileSystemEntries(folder).Order(StringComparer.Ordinal))
        {
            string name = Path.GetFileName(path);
            if (DataName().IsMatch(name)) throw Damaged(folder, $"{name} is there, and {Current} is missing.");
            if (name != "lost+found" && !OwnName().IsMatch(name))
                throw new StoreException(
                    StoreFault.Failed,
                        $"The folder {folder} is no store: it holds {name}. A new store needs a folder that is empty or not there.");
        }
    }

    private static StoreException Damaged(string folder, string what) =>
        new(StoreFault.Failed, $"The store {folder} is damaged: {what} {WayOn(folder)}") { IsDamage = true };

    [GeneratedRegex(@"\AMANIFEST-\d+\z")]
    private static partial Regex ManifestName();

    [GeneratedRegex(@"\A\d+\.(sst|ldb|log|blob)\z")]
    private static partial Regex DataName();

    [GeneratedRegex(@"\A(LOCK|LOG|LOG\.old.*|IDENTITY|IDENTITY\.dbtmp|MANIFEST-\d+|OPTIONS-\d+(\.dbtmp)?|\d+\.dbtmp)\z")]
    private static partial Regex OwnName();
}
