using System.Globalization;

namespace Broker.Store;

/// <summary>The logs of writes in a store's folder, as files: what is good in them, and what is not.</summary>
internal static class LogFolder
{
    /// <summary>The logs in their order.</summary>
    public static IReadOnlyList<string> Find(string folder) =>
        [.. Directory.EnumerateFiles(folder, "*.log").Where(static path => NumberOf(path) is not null)
            .OrderBy(static path => NumberOf(path))];

    /// <summary>Takes out of the newest log that has any every record behind a change, and what is bad there.</summary>
    /// <param name="folder">The store's.</param>
    /// <param name="sequence">Of the last change that stays.</param>
    public static void CutBehind(string folder, ulong sequence)
    {
        foreach (string path in Find(folder).Reverse())
        {
            long? from = null;
            bool isEmpty = true;
            using (var scan = new LogScan(path))
            {
                foreach (LogEntry entry in scan.Read())
                {
                    isEmpty = false;
                    if (entry.IsGood && entry.Sequence <= sequence) continue;
                    from = entry.Offset;
                    break;
                }
            }

            if (isEmpty) continue;
            if (from is not { } cut) return;
            using FileStream log = new(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
            log.SetLength(cut);
            return;
        }
    }

    /// <summary>Judges all logs.</summary>
    public static LogVerdict Judge(string folder)
    {
        var verdict = new LogVerdict();
        ulong? next = null;                 // The number of the change that follows, once one is known.
        (string Path, LogEntry Entry)? bad = null;
        foreach (string path in Find(folder))
        {
            using var scan = new LogScan(path);
            foreach (LogEntry entry in scan.Read())
            {
                if (!entry.IsGood)
                {
                    bad ??= (path, entry);
                    continue;
                }

                // A torn end is one that the next log goes on from as if it were not there.
                if (bad is { } before)
                {
                    bool isEnd = before.Path != path && (next is null ? before.Entry.IsCut : entry.Sequence <= next);
                    if (isEnd) verdict.AddTorn(before.Path, before.Entry);
                    else
                        verdict.AddDamage(
                            before.Path, before.Entry, lost: next is { } from && entry.Sequence > from ? entry.Sequence - from : 0);
                    bad = null;
                }

                verdict.CountGood();
                next = entry.Next;
            }
        }

        if (bad is { } last) verdict.AddTorn(last.Path, last.Entry);
        return verdict;
    }

    private static ulong? NumberOf(string path) =>
        ulong.TryParse(Path.GetFileNameWithoutExtension(path), NumberStyles.None, CultureInfo.InvariantCulture, out ulong number) ? number
            : null;
}

/// <summary>What was found in the logs of a store.</summary>
internal sealed class LogVerdict
{
    /// <summary>Stretches that are bad although good records stand behind them.</summary>
    public List<LogDamage> Damages { get; } = [];

    /// <summary>Ends of logs that a crash has left unfinished.</summary>
    public List<LogDamage> Torn { get; } = [];

    /// <summary>Good records behind the first damage.</summary>
    public long GoodBehind { get; private set; }

    /// <summary>Good records in all.</summary>
    public long Good { get; private set; }

    public void AddTorn(string path, in LogEntry entry) => Torn.Add(new LogDamage(path, entry.Offset, entry.End, Lost: 0));

    public void AddDamage(string path, in LogEntry entry, ulong lost) => Damages.Add(new LogDamage(path, entry.Offset, entry.End, lost));

    public void CountGood()
    {
        Good++;
        if (Damages.Count > 0) GoodBehind++;
    }
}

/// <summary>A stretch of a log that is bad.</summary>
/// <param name="Path">The file.</param>
/// <param name="Offset">Its first byte.</param>
/// <param name="End">The first byte behind it.</param>
/// <param name="Lost">Changes that are missing by the numbers before and behind it; 0 where that cannot be told.</param>
internal readonly record struct LogDamage(string Path, long Offset, long End, ulong Lost);
