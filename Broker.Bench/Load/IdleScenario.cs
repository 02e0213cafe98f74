namespace Broker.Bench.Load;

/// <summary>Connections that have upgraded and say nothing: how fast they are taken and what they weigh.</summary>
/// <param name="HoldSeconds">
/// How long they stay before they are weighed; 0 asks for the accept rate only, of a server that has done it before.
/// </param>
internal sealed record IdleScenario(string Name, int Connections, int HoldSeconds) : Scenario(Name)
{
    public override string Description =>
        $"{Grouped(Connections)} connections that upgrade and say "
            + $"nothing{(HoldSeconds > 0 ? "" : ", on a server that has taken as many six times")}";

    public override bool Fresh => HoldSeconds > 0;

    public override int Rehearsals => HoldSeconds > 0 ? 0 : 6;

    public override IReadOnlyList<Metric> Metrics => HoldSeconds == 0
        ?
        [
            new("accepts/s", "N0", r => r["conn_per_s"], Spread: true, Ratio: true),
        ]
        :
        [
            new("KiB/connection", "N2", r => r["kb_per_conn"], Spread: true, Ratio: true),
            new("anonymous KiB/connection", "N2", r => r["anon_kb_per_conn"]),
            new("accepts/s", "N0", r => r["conn_per_s"]),
            Metric.Cpu,
            Metric.Rss,
        ];

    public override bool Suits(Dialect dialect) => true;

    public override IEnumerable<string> Arguments(Dialect dialect, Pace pace) =>
    [
        "idle", "--path", dialect.IdlePath, "--conns", $"{Connections}", "--hold", $"{HoldSeconds}",
        .. dialect.Subprotocol is null ? (string[])[] : ["--subprotocol", dialect.Subprotocol],
    ];

    public override string? Fault(Reading reading) =>
        reading["opened"] != Connections ? $"{reading["opened"]} opened"
        : reading["still_open"] != Connections ? $"{reading["still_open"]} still open"
        : null;
}
