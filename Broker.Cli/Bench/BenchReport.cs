using System.Globalization;
using System.Text;
using System.Text.Json;
using Spectre.Console;

namespace Broker.Cli.Bench;

/// <summary>What a run found, and how it is written: a table with a verdict for people, or one line of JSON.</summary>
internal sealed record BenchReport
{
    private static readonly (string Name, double Share)[] s_quantiles = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)];

    /// <summary>Which run: <c>echo</c>, <c>fan-out</c> or <c>idle</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>Where.</summary>
    public required Uri Url { get; init; }

    /// <summary>What was counted: messages, deliveries or connects.</summary>
    public required string Unit { get; init; }

    /// <summary>What was asked for, and other counts of this kind, in order.</summary>
    public required IReadOnlyList<(string Name, long Value)> Facts { get; init; }

    /// <summary>How long was measured.</summary>
    public required TimeSpan Took { get; init; }

    /// <summary>Of what was counted in that time.</summary>
    public required Latencies Latencies { get; init; }

    /// <summary>Bytes of data of each; 0: there are none.</summary>
    public int Bytes { get; init; }

    /// <summary>What became of all messages.</summary>
    public Tally Tally { get; init; }

    /// <summary>How much of this machine's processors the generator took, 0 to 1.</summary>
    public double ProcessorShare { get; init; }

    /// <summary>Connections that ended before they should, or did not open.</summary>
    public int LostConnections { get; init; }

    /// <summary>The first thing that went wrong, if something did.</summary>
    public string? Failure { get; init; }

    /// <summary>Whether a signal has ended it early.</summary>
    public bool WasInterrupted { get; init; }

    /// <summary>Whether a signal has ended the waiting as well: what was lost then was not waited for.</summary>
    public bool WasCutOff { get; init; }

    /// <summary>Whether nothing was lost, duplicated, out of order or damaged, and nothing else went wrong.</summary>
    public bool IsRight => (WasCutOff ? Tally with { Lost = 0 } : Tally).IsRight && LostConnections == 0 && Failure is null;

    /// <summary>Whether it came as far as to be measured.</summary>
    public bool HasBegun => Took > TimeSpan.Zero;

    private string Verdict => !IsRight ? "WRONG" : WasCutOff ? "right, but what was lost was not waited for" : "right";

    private double PerSecond => HasBegun ? Latencies.Count / Took.TotalSeconds : 0;

    private double MegabytesPerSecond => PerSecond * Bytes / 1e6;

    /// <summary>A time as people read it.</summary>
    public static string TextOf(long nanoseconds) => nanoseconds switch
    {
        < 1_000_000 => string.Create(CultureInfo.InvariantCulture, $"{nanoseconds / 1e3:0.#} µs"),
        < 1_000_000_000 => string.Create(CultureInfo.InvariantCulture, $"{nanoseconds / 1e6:0.##} ms"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{nanoseconds / 1e9:0.##} s"),
    };

    /// <summary>The table, and a line with the verdict.</summary>
    public string ToText()
    {
        var table = new Table().Border(TableBorder.Rounded);
        table.Title(Markup.Escape(string.Create(CultureInfo.InvariantCulture, $"{Kind}, {Took.TotalSeconds:0.00} s")));
        var row = new List<string>();
        Add($"{Unit}/s", PerSecond.ToString("n0", CultureInfo.InvariantCulture));
        if (Bytes > 0) Add("MB/s", MegabytesPerSecond.ToString("n1", CultureInfo.InvariantCulture));
        foreach ((string name, double share) in s_quantiles) Add(name, Shown(Latencies.Quantile(share)));
        Add("max", Shown(Latencies.Max));
        table.AddRow([.. row]);

        var text = new StringWriter(CultureInfo.InvariantCulture);
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors, Interactive = InteractionSupport.No, Out =
                new AnsiConsoleOutput(text),
        });
        console.Profile.Width = 110;
        console.Profile.Capabilities.Unicode = true;
        console.Write(table);
        text.Write(string.Join(", ", Facts.Select(fact => $"{fact.Name} {fact.Value.ToString("n0", CultureInfo.InvariantCulture)}")));
        if (WasInterrupted) text.Write("; stopped early");
        text.Write('\n');
        if (Tally.Expected > 0)
        {
            text.Write(string.Create(CultureInfo.InvariantCulture,
                $"of {Tally.Expected:n0} in all: lost {Tally.Lost:n0}, duplicated {Tally.Duplicated:n0}, out of order "
                    + $"{Tally.Disordered:n0}, damaged {Tally.Damaged:n0}; "));
        }

        text.Write(string.Create(CultureInfo.InvariantCulture, $"connections lost {LostConnections:n0}: {Verdict}"));
        return text.ToString();

        string Shown(long nanoseconds) => Latencies.Count == 0 ? "–" : TextOf(nanoseconds);

        void Add(string name, string value)
        {
            table.AddColumn(new TableColumn(Markup.Escape(name)).RightAligned());
            row.Add(Markup.Escape(value));
        }
    }

    /// <summary>One object in one line; times in microseconds.</summary>
    public string ToJson()
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartObject();
            json.WriteString("bench", Kind);
            json.WriteString("url", Url.ToString());
            foreach ((string name, long value) in Facts) json.WriteNumber(name.Replace(' ', '_'), value);
            json.WriteNumber("seconds", Math.Round(Took.TotalSeconds, 3));
            json.WriteNumber(Unit, Latencies.Count);
            json.WriteNumber($"{Unit}_per_second", Math.Round(PerSecond, 1));
            if (Bytes > 0) json.WriteNumber("megabytes_per_second", Math.Round(MegabytesPerSecond, 3));
            foreach ((string name, double share) in s_quantiles) json.WriteNumber($"{name}_us", Latencies.Quantile(share) / 1e3);
            json.WriteNumber("max_us", Latencies.Max / 1e3);
            json.WriteNumber("expected", Tally.Expected);
            json.WriteNumber("lost", Tally.Lost);
            json.WriteNumber("duplicated", Tally.Duplicated);
            json.WriteNumber("out_of_order", Tally.Disordered);
            json.WriteNumber("damaged", Tally.Damaged);
            json.WriteNumber("connections_lost", LostConnections);
            json.WriteNumber("generator_cpu_percent", Math.Round(100 * ProcessorShare, 1));
            json.WriteString("failure", Failure);
            json.WriteBoolean("interrupted", WasInterrupted);
            json.WriteBoolean("right", IsRight);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length);
    }
}
