using Broker.Tests.Conformance.Wire;
using static Broker.Tests.Conformance.Cases.CaseStep;
using static Broker.Tests.Conformance.Cases.Expect;
using static Broker.Tests.Conformance.Wire.WireFrame;

namespace Broker.Tests.Conformance.Cases;

/// <summary>3.x: a reserved bit that no extension gave a meaning fails the connection.</summary>
public static class Group3ReservedBits
{
    private static readonly WireFrame Hello = Text("Hello, world!");

    /// <summary>All 7 cases.</summary>
    public static IEnumerable<ConformanceCase> All =>
    [
        Alone("3.1", Hello with { Reserved = 1 }),
        AfterMessage("3.2", Plain(Hello, Hello with { Reserved = 2 }, Ping(""))),
        AfterMessage("3.3", PerFrame(Hello, Hello with { Reserved = 3 }, Ping(""))),
        AfterMessage("3.4", Chop(1, Hello, Hello with { Reserved = 4 }, Ping(""))),
        Alone("3.5", Binary(Octets.OfHex("00 ff fe fd fc fb 00 ff")) with { Reserved = 5 }),
        Alone("3.6", Binary(Octets.OfText("Hello, world!")) with { Reserved = 6 }),
        Alone("3.7", CloseOf(Octets.Empty) with { Reserved = 7 }),
    ];

    /// <summary>One broken frame: nothing may come back but the end.</summary>
    internal static ConformanceCase Alone(string id, WireFrame frame) =>
        new(id, Seconds(1)) { Steps = [Plain(frame)], Closing = ClosingRule.ByServer(1002) };

    /// <summary>A message before the broken frame is echoed, a ping after it is not answered.</summary>
    internal static ConformanceCase AfterMessage(string id, CaseStep step) => new(id, Seconds(1))
    {
        Steps = [step],
        Outcomes = [Outcome.Ok(TextOf("Hello, world!")), Outcome.NonStrict()],
        Closing = ClosingRule.ByServer(1002),
    };
}
