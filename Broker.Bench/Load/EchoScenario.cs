namespace Broker.Bench.Load;

/// <summary>Every connection keeps some messages in flight and gets each of them back.</summary>
internal sealed record EchoScenario(int Connections, int Bytes, int Depth)
    : Scenario($"echo-{Connections}x{Bytes}-d{Depth}")
{
    public override string Description =>
        $"{Counted(Connections, "connection")}, {Grouped(Bytes)} B, {Depth} in flight on each";

    public override string? Rate => "msgs_s";

    public override IReadOnlyList<Metric> Metrics =>
    [
        new("thousand messages/s", "N1", r => r["msgs_s"] / 1000, Spread: true, Ratio: true),
        new("CPU µs/message", "N2", r => r.CpuMicrosecondsPer("msgs_s"), Ratio: true),
        Metric.P50,
        Metric.P99,
        Metric.Rss,
        Metric.Allocated("message"),
    ];

    public override bool Suits(Dialect dialect) => dialect.Echoes;

    public override IEnumerable<string> Arguments(Dialect dialect, Pace pace) =>
    [
        "echo", "--path", dialect.EchoPath!, "--opcode", "binary",
        "--conns", $"{Connections}", "--payload", $"{Bytes}", "--depth", $"{Depth}",
        "--warm", Text(pace.WarmSeconds), "--secs", Text(pace.Seconds),
    ];

    public override IEnumerable<string>? CheckArguments(Dialect dialect) =>
        [.. Arguments(dialect, new Pace(WarmSeconds: 0, Seconds: 0.5)), "--verify"];

    public override string? Fault(Reading reading) =>
        reading["open"] != Connections ? $"{reading["open"]} open"
        : reading["bad"] != 0 ? $"{reading["bad"]} bad"
        : reading["closed"] != 0 ? $"{reading["closed"]} closed"
        : reading["msgs_s"] > 0 ? null : "no message";
}
