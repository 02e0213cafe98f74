namespace Broker.Store;

/// <summary>Looks at the files of a store that nothing has open, and puts a damaged one into a state that opens again.</summary>
public static class StoreMaintenance
{
    /// <summary>Tells what is wrong with a store, and what a repair would lose. Changes nothing.</summary>
    /// <exception cref="StoreException">The folder is no store, or a process has it open.</exception>
    public static StoreReport Check(string folder)
    {
        folder = Prepare(folder);
        var report = new StoreReport();
        if (!DescribeManifest(folder, report)) return report;
        DescribeLogs(folder, report, isRepaired: false);
        if (TableCheck.FindDamage(folder) is { } damage)
            report.AddDamage($"{damage.Text} A repair moves the table away: {DescribeLoss(damage)}");
        return report;
    }

    /// <summary>Keeps all that is readable, and moves or copies what is not into a folder <c>damaged-...</c> inside the store's.</summary>
    /// <exception cref="StoreException">The folder is no store, a process has it open, or it cannot be repaired.</exception>
    public static StoreReport Repair(string folder)
    {
        folder = Prepare(folder);
        var report = new StoreReport();
        var aside = new DamagedFolder(folder);
        if (!DescribeManifest(folder, report)) RebuildManifest(folder, aside);
        foreach (LogDamage[] ofOne in DescribeLogs(folder, report, isRepaired: true).GroupBy(static damage => damage.Path)
            .Select(static group => group.ToArray()))
        {
            aside.Copy(ofOne[0].Path);
            LogRepair.PassOver(ofOne[0].Path, ofOne);
        }

        while (TableCheck.FindDamage(folder) is { } damage)
        {
            report.AddDamage($"{damage.Text} {DescribeLoss(damage)}");
            if (damage.Table is { } table && File.Exists(table)) aside.Move(table);
            else if (damage.Table is null)
                throw new StoreException(StoreFault.Failed, $"The store {folder} cannot be repaired: {damage.Text}");
            RebuildManifest(folder, aside);
        }

        ContentRepair.Run(folder, report);
        if (aside.IsUsed) report.AddNote($"What was damaged is in {aside.Path}.");
        return report;
    }

    private static string Prepare(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        folder = Path.GetFullPath(folder);
        if (!Directory.Exists(folder)) throw new StoreException(StoreFault.Failed, $"There is no folder {folder}.");
        if (!StoreFolderCheck.HasData(folder)) throw new StoreException(StoreFault.Failed, $"The folder {folder} is no store.");
        NativeLibraryFolder.EnsureLoaded();
        try
        {
            // The database's own lock, which another process with the store open holds.
            using var file =
                new FileStream(
                    Path.Combine(folder, "LOCK"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
            if (OperatingSystem.IsLinux() || OperatingSystem.IsWindows()) file.Lock(0, 1);
        }
        catch (IOException held)
        {
            throw new StoreException(StoreFault.Failed, $"Another process has the store {folder} open.", held);
        }

        return folder;
    }

    // False where the database could not find its tables.
    private static bool DescribeManifest(string folder, StoreReport report)
    {
        try
        {
            string manifest = StoreFolderCheck.FindManifest(folder);
            if (StoreFolderCheck.FindBadManifestRecord(manifest) is not { } bad) return true;
            report.AddDamage(
                $"{manifest} has a bad record at offset {bad.Offset}. The list of tables is made anew from the tables that are there; what "
                    + $"was deleted or written over may come back.");
        }
        catch (StoreException missing)
        {
            report.AddDamage(
                $"{missing.Message} The list of tables is made anew from the tables that are there; what was deleted or written over may "
                    + $"come back.");
        }

        return false;
    }

    private static List<LogDamage> DescribeLogs(string folder, StoreReport report, bool isRepaired)
    {
        LogVerdict logs = LogFolder.Judge(folder);
        foreach (LogDamage damage in logs.Damages)
        {
            string lost = damage.Lost > 0 ? $"{damage.Lost} changes" : "changes whose number is not known";
            report.AddDamage(
                $"{damage.Path} has a bad record at offset {damage.Offset}: {damage.End - damage.Offset} bytes with {lost} "
                    + $"{(isRepaired ? "are" : "would be")} lost.");
        }

        if (logs.Damages.Count > 0)
            report.AddNote($"{logs.GoodBehind} records behind the first of them {(isRepaired ? "are" : "would be")} kept.");
        foreach (LogDamage torn in logs.Torn)
            report.AddNote(
                $"{torn.Path} ends in an unfinished record of {torn.End - torn.Offset} bytes at offset {torn.Offset}, as a crash leaves "
                    + $"it: nothing that was acknowledged with durability disk.");
        return logs.Damages;
    }

    private static string DescribeLoss(TableDamage damage) => damage.Entries > 0
        ? $"its {damage.Entries} records are lost, and what they had written over may come back."
        : "what it held is lost, and what that had written over may come back.";

    private static void RebuildManifest(string folder, DamagedFolder aside)
    {
        foreach (string path in Directory.EnumerateFiles(folder, "MANIFEST-*").Append(Path.Combine(folder, "CURRENT")).ToList())
        {
            if (File.Exists(path)) aside.Move(path);
        }

        TableCheck.RebuildManifest(folder);
    }
}

/// <summary>What a check has found, or a repair has done; a line each.</summary>
public sealed class StoreReport
{
    private readonly List<string> _damages = [], _notes = [];

    /// <summary>What is damaged, and what is lost with it.</summary>
    public IReadOnlyList<string> Damages => _damages;

    /// <summary>What else there is to know.</summary>
    public IReadOnlyList<string> Notes => _notes;

    internal void AddDamage(string line) => _damages.Add(line);

    internal void AddNote(string line) => _notes.Add(line);
}
