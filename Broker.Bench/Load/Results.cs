namespace Broker.Bench.Load;

/// <summary>What the rounds of one scenario gave, server by server.</summary>
internal sealed class Results(Scenario scenario, int rounds)
{
    private readonly Dictionary<string, Reading?[]> _readings = [];
    private readonly Dictionary<string, List<string>> _faults = [];
    private readonly HashSet<string> _givenUp = [];

    public Scenario Scenario => scenario;

    /// <summary>The servers, in the order in which they took turns.</summary>
    public IReadOnlyCollection<string> Names => _readings.Keys;

    public bool HasFault => _faults.Count > 0;

    public void Enter(string name) => _readings[name] = new Reading?[rounds];

    public void Add(string name, int round, Reading reading) => _readings[name][round] = reading;

    /// <summary>Adds a figure that was not taken in a round to the last one.</summary>
    public void Add(string name, string figure, double value)
    {
        if (_readings[name].LastOrDefault(reading => reading is not null) is { } last) last[figure] = value;
    }

    /// <summary>Counts of a round were wrong; the next round may be right.</summary>
    public void AddFault(string name, string fault)
    {
        if (!_faults.TryGetValue(name, out List<string>? faults)) _faults[name] = faults = [];
        faults.Add(fault);
    }

    /// <summary>The server takes no further turn in this scenario.</summary>
    public void GiveUp(string name, string fault)
    {
        AddFault(name, fault);
        _givenUp.Add(name);
    }

    public bool IsGivenUp(string name) => _givenUp.Contains(name);

    /// <summary>What went wrong for a server first, and in how many rounds; none when nothing did.</summary>
    public string? FaultOf(string name) =>
        !_faults.TryGetValue(name, out List<string>? faults) ? null
        : _givenUp.Contains(name) ? faults[^1]
        : $"{faults[0]} (wrong in {faults.Count} of {rounds} rounds)";

    /// <summary>A column's figures of one server, of those rounds that gave one.</summary>
    public IReadOnlyList<double> Figures(string name, Metric metric) =>
        [.. _readings[name].OfType<Reading>().Select(metric.Of).Where(double.IsFinite)];

    /// <summary>The ratios of two servers, each taken within one round: the machine drifts from round to round.</summary>
    public IReadOnlyList<double> Ratios(string name, string baseline, Metric metric) =>
        _readings.TryGetValue(baseline, out Reading?[]? others)
            ? [.. _readings[name].Zip(
            others, (mine, other) => mine is null || other is null ? double.NaN : metric.Of(mine) / metric.Of(other))
                .Where(double.IsFinite)]
            : [];

    /// <summary>The middle one, or the mean of the two in the middle.</summary>
    public static double Median(IReadOnlyList<double> figures)
    {
        if (figures.Count == 0) return double.NaN;
        double[] sorted = [.. figures.Order()];
        int middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
