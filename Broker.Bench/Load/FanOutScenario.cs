namespace Broker.Bench.Load;

/// <summary>Publishers send to topics; every subscriber of a topic must get every publication.</summary>
/// <param name="Subscribers">Of all topics together.</param>
/// <param name="Bytes">Of each publication's data, without what a protocol puts around it.</param>
/// <param name="Window">Publications of a topic that not all its subscribers have got yet; 0 when a rate is given.</param>
/// <param name="PublicationsASecond">Publications a second, whatever has come; 0 when a window is given.</param>
internal sealed record FanOutScenario(
    string Name, int Subscribers, int Bytes, int Window = 0, int PublicationsASecond = 0, int Topics = 1, int Publishers = 1)
    : Scenario(Name)
{
    public override string Description =>
        $"{Counted(Publishers, "publisher")}, {Counted(Topics, "topic")}, {Counted(Subscribers, "subscriber")}, "
        + $"{Grouped(Bytes)} data bytes, "
        + (PublicationsASecond > 0 ? $"{Grouped(PublicationsASecond)} publications/s" : $"window {Grouped(Window)}");

    public override string? Rate => "deliv_s";

    public override IReadOnlyList<Metric> Metrics => PublicationsASecond > 0
        ?
        [
            new("p99 ms", "N2", r => r["p99"] / 1000, Spread: true, Ratio: true),
            new("p50 ms", "N2", r => r["lat_us_p50"] / 1000),
            new("p99.9 ms", "N2", r => r["p999"] / 1000),
            Metric.Cpu,
            new("CPU µs/delivery", "N2", r => r.CpuMicrosecondsPer("deliv_s"), Ratio: true),
            Metric.Rss,
            Metric.Allocated("delivery"),
        ]
        :
        [
            new("thousand deliveries/s", "N0", r => r["deliv_s"] / 1000, Spread: true, Ratio: true),
            new("CPU µs/delivery", "N3", r => r.CpuMicrosecondsPer("deliv_s"), Ratio: true),
            Metric.P50,
            Metric.P99,
            Metric.Rss,
            Metric.Allocated("delivery"),
        ];

    public override bool Suits(Dialect dialect) => dialect.FansOut && Subscribers / Topics <= dialect.SubscribersMax;

    public override IEnumerable<string> Arguments(Dialect dialect, Pace pace) =>
    [
        "fanout", .. Subscription.Arguments(dialect, Subscribers, Publishers, Topics, Bytes),
        .. PublicationsASecond > 0 ? (string[])["--rate", $"{PublicationsASecond}"] : ["--window", $"{Window}"],
        "--warm", Text(pace.WarmSeconds), "--secs", Text(pace.Seconds),
    ];

    public override string? Fault(Reading reading)
    {
        if (Subscription.Fault(reading, Subscribers + Publishers) is { } fault) return fault;
        if (Topics == 1 && reading["sub_min"] != reading["sub_max"])
            return $"subscribers got {reading["sub_min"]} to {reading["sub_max"]}";
        return reading["late"] > 0 ? $"published late {reading["late"]} times" : null;
    }
}
