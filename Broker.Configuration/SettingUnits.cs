using System.Globalization;

namespace Broker.Configuration;

/// <summary>Reads and writes durations and sizes as people write them: <c>25s</c>, <c>64KiB</c>.</summary>
public static class SettingUnits
{
    // The longest first, so that "ms" is not taken for "s".
    private static readonly (string Unit, double Milliseconds)[] DurationUnits =
        [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

    private static readonly (string Unit, long Bytes)[] SizeUnits =
        [("KiB", 1L << 10), ("MiB", 1L << 20), ("GiB", 1L << 30), ("kB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("B", 1)];

    /// <summary>Reads a number and one of <c>ms s m h d</c>; a duration without a unit is refused.</summary>
    public static bool TryReadDuration(string text, out TimeSpan duration)
    {
        duration = default;
        foreach ((string unit, double milliseconds) in DurationUnits)
        {
            if (!TryReadBefore(text, unit, out double count)) continue;
            double total = count * milliseconds;
            if (total > TimeSpan.MaxValue.TotalMilliseconds / 2) return false;
            duration = TimeSpan.FromMilliseconds(total);
            return true;
        }

        return false;
    }

    /// <summary>Reads a whole number of bytes, or a number and one of <c>B KiB MiB GiB kB MB GB</c>.</summary>
    public static bool TryReadSize(string text, out long bytes)
    {
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out bytes)) return true;
        foreach ((string unit, long each) in SizeUnits)
        {
            if (!TryReadBefore(text, unit, out double count)) continue;
            double total = count * each;
            if (total >= long.MaxValue || total != Math.Floor(total)) return false;
            bytes = (long)total;
            return true;
        }

        return false;
    }

    /// <summary>Writes a duration in the largest unit that leaves a whole number.</summary>
    public static string Write(TimeSpan duration)
    {
        (string unit, double each) = DurationUnits.Last(
            known => known.Milliseconds == 1 || (duration > TimeSpan.Zero && duration.TotalMilliseconds % known.Milliseconds == 0));
        return string.Create(CultureInfo.InvariantCulture, $"{duration.TotalMilliseconds / each}{unit}");
    }

    /// <summary>Writes a size in the largest binary unit that leaves a whole number.</summary>
    public static string WriteSize(long bytes)
    {
        (string unit, long each) = SizeUnits[..3].LastOrDefault(known => bytes > 0 && bytes % known.Bytes == 0, ("B", 1));
        return string.Create(CultureInfo.InvariantCulture, $"{bytes / each}{unit}");
    }

    private static bool TryReadBefore(string text, string unit, out double count)
    {
        count = 0;
        return text.EndsWith(unit, StringComparison.OrdinalIgnoreCase)
            && double.TryParse(
                text.AsSpan(0, text.Length - unit.Length).TrimEnd(),
                NumberStyles.AllowDecimalPoint,
                CultureInfo.InvariantCulture,
                out count)
            && double.IsFinite(count);
    }
}
