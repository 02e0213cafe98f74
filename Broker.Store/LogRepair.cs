namespace Broker.Store;

/// <summary>Makes a log readable again: in the place of what is bad stands a fragment that readers pass over.</summary>
internal static class LogRepair
{
    /// <summary>Writes over bad stretches of a log; what stands behind them keeps its place.</summary>
    /// <param name="path">The log. It is replaced as a whole, so that a repair that is stopped has changed nothing.</param>
    /// <param name="damages">The stretches.</param>
    public static void PassOver(string path, IEnumerable<LogDamage> damages)
    {
        string made = path + ".repair";
        File.Copy(path, made, overwrite: true);
        using (FileStream log = new(made, FileMode.Open, FileAccess.Write))
        {
            foreach (LogDamage damage in damages)
            {
                log.Position = damage.Offset;
                for (long at = damage.Offset; at < damage.End;)
                {
                    int length = (int)Math.Min(damage.End - at, LogScan.BlockBytes - (at % LogScan.BlockBytes));
                    log.Write(LogScan.Filler(length));
                    at += length;
                }
            }

            log.Flush(flushToDisk: true);
        }

        File.Move(made, path, overwrite: true);
    }
}
