using Broker.Tests.Conformance.Wire;
using static Broker.Tests.Conformance.Cases.CaseStep;
using static Broker.Tests.Conformance.Cases.Expect;
using static Broker.Tests.Conformance.Wire.WireFrame;

namespace Broker.Tests.Conformance.Cases;

/// <summary>2.x: every ping is answered with its own payload, and no pong is.</summary>
public static class Group2PingPong
{
    private static readonly Octets Mixed = Octets.OfHex("00 ff fe fd fc fb 00 ff");
    private static readonly Octets Longest = Octets.Repeat([0xfe], 125);
    private static readonly string[] Ten = [.. Enumerable.Range(0, 10).Select(i => $"payload-{i}")];

    /// <summary>All 11 cases.</summary>
    public static IEnumerable<ConformanceCase> All =>
    [
        Case("2.1", 1, Plain(Ping("")), PongOf("")),
        Case("2.2", 1, Plain(Ping("Hello, world!")), PongOf("Hello, world!")),
        Case("2.3", 1, Plain(Ping(Mixed)), PongOf(Mixed)),
        Case("2.4", 1, Plain(Ping(Longest)), PongOf(Longest)),
        Case("2.5", 1, Plain(Ping(Octets.Repeat([0xfe], 126)))) with { Closing = ClosingRule.ByServer(1002) },
        Case("2.6", 2, Chop(1, Ping(Longest)), PongOf(Longest)),
        Case("2.7", 1, Plain(Pong(""), Close(1000))),
        Case("2.8", 1, Plain(Pong("unsolicited pong payload"), Close(1000))),
        Case("2.9", 1, Plain(Pong("unsolicited pong payload"), Ping("ping payload")), PongOf("ping payload")),
        Case("2.10", 3, Plain([.. Ten.Select(Ping)]), [.. Ten.Select(PongOf)]),
        Case("2.11", 3, Chop(1, [.. Ten.Select(Ping)]), [.. Ten.Select(PongOf)]),
    ];

    private static ConformanceCase Case(string id, int limitSeconds, CaseStep step, params Expected[] events) =>
        new(id, Seconds(limitSeconds)) { Steps = [step], Outcomes = [Outcome.Ok(events)] };
}
