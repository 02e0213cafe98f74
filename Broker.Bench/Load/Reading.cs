using System.Globalization;

namespace Broker.Bench.Load;

/// <summary>One run of the generator: the figures of its line, by the names it gives them.</summary>
internal sealed class Reading
{
    private readonly Dictionary<string, double> _figures = [];

    /// <summary>Reads the line that starts with <c>mode=</c>: names and figures, some of them with a percent sign.</summary>
    /// <returns>None when the output has no such line.</returns>
    public static Reading? Parse(string output)
    {
        string? line = output.Split('\n').FirstOrDefault(l => l.StartsWith("mode=", StringComparison.Ordinal));
        if (line is null) return null;

        var reading = new Reading();
        foreach (string word in line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (word.Split('=', 2) is [var name, var text]
                && double.TryParse(text.TrimEnd('%'), NumberStyles.Float, CultureInfo.InvariantCulture, out double figure))
            {
                reading._figures[name] = figure;
            }
        }
        return reading;
    }

    /// <summary>A figure, or not-a-number where the generator gave none.</summary>
    public double this[string name]
    {
        get => _figures.GetValueOrDefault(name, double.NaN);
        set => _figures[name] = value;
    }

    /// <summary>Server CPU in microseconds for each of the things that a figure counts a second.</summary>
    public double CpuMicrosecondsPer(string rate) => this["srv_cpu"] / 100 * 1e6 / this[rate];
}
