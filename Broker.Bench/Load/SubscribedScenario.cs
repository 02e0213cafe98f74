namespace Broker.Bench.Load;

/// <summary>Connections that have said who they are and subscribed, each to a topic of its own, and then wait.</summary>
/// <remarks>A dialect may hold little for a connection before that: <see cref="IdleScenario"/> does not see the rest.</remarks>
internal sealed record SubscribedScenario(int Connections) : Scenario($"subscribed-{Connections}")
{
    private const string KiBPerConnection = "subscribed_kib_per_conn";
    private const int PublicationsASecond = 10;
    private const int DataBytes = 64;

    public override string Description =>
        $"{Grouped(Connections)} connections, each subscribed to its own topic; {PublicationsASecond} publications/s to one";

    public override bool Fresh => true;

    public override IReadOnlyList<Metric> Metrics =>
    [
        new("KiB/connection", "N2", r => r[KiBPerConnection], Spread: true, Ratio: true),
        Metric.Cpu,
        Metric.Rss,
    ];

    public override bool Suits(Dialect dialect) => dialect.FansOut;

    public override IEnumerable<string> Arguments(Dialect dialect, Pace pace) =>
    [
        "fanout", .. Subscription.Arguments(dialect, Connections, publishers: 1, topics: Connections, DataBytes),
        "--rate", $"{PublicationsASecond}", "--warm", Text(pace.WarmSeconds), "--secs", Text(pace.Seconds),
    ];

    public override string? Fault(Reading reading) => Subscription.Fault(reading, Connections + 1);

    public override void Complete(Reading reading, long residentKiBBefore) =>
        reading[KiBPerConnection] = (reading["srv_rss_mb"] * 1024 - residentKiBBefore) / Connections;
}
