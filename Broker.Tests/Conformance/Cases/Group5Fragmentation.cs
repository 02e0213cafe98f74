using Broker.Tests.Conformance.Wire;
using static Broker.Tests.Conformance.Cases.CaseStep;
using static Broker.Tests.Conformance.Cases.Expect;
using static Broker.Tests.Conformance.Wire.WireFrame;

namespace Broker.Tests.Conformance.Cases;

/// <summary>5.x: fragments of one message in order, control frames between them, and every way to break the order.</summary>
public static class Group5Fragmentation
{
    private static readonly WireFrame[] Two = [TextBegin("fragment1"), Last("fragment2")];
    private static readonly WireFrame[] TwoAroundPing = [TextBegin("fragment1"), Ping("ping payload"), Last("fragment2")];
    private static readonly WireFrame[] StrayLast = [Last("non-continuation payload"), Text("Hello, world!")];
    private static readonly WireFrame[] StrayMore = [More("non-continuation payload"), Text("Hello, world!")];
    private static readonly Expected TwoEchoed = TextOf("fragment1fragment2");

    /// <summary>All 20 cases.</summary>
    public static IEnumerable<ConformanceCase> All =>
    [
        Broken("5.1", Plain(Ping("fragment1") with { Final = false }, Last("fragment2"))),
        Broken("5.2", Plain(Pong("fragment1") with { Final = false }, Last("fragment2"))),
        Whole("5.3", Plain(Two), TwoEchoed),
        Whole("5.4", PerFrame(Two), TwoEchoed),
        Whole("5.5", Chop(1, Two), TwoEchoed),
        Whole("5.6", Plain(TwoAroundPing), PongOf("ping payload"), TwoEchoed),
        Whole("5.7", PerFrame(TwoAroundPing), PongOf("ping payload"), TwoEchoed),
        Whole("5.8", Chop(1, TwoAroundPing), PongOf("ping payload"), TwoEchoed),
        Broken("5.9", Plain(StrayLast)),
        Broken("5.10", PerFrame(StrayLast)),
        Broken("5.11", Chop(1, StrayLast)),
        Broken("5.12", Plain(StrayMore)),
        Broken("5.13", PerFrame(StrayMore)),
        Broken("5.14", Chop(1, StrayMore)),
        Broken("5.15", Plain([.. Two, More("fragment3"), Text("fragment4")])) with
        {
            Outcomes = [Outcome.Ok(TwoEchoed), Outcome.NonStrict()],
        },
        Broken("5.16", Twice(More("fragment1"))),
        Broken("5.17", Twice(Last("fragment1"))),
        Broken("5.18", Plain(TextBegin("fragment1"), Text("fragment2"))),
        Paused("5.19", Plain),
        Paused("5.20", PerFrame),
    ];

    private static ConformanceCase Whole(string id, CaseStep step, params Expected[] events) =>
        new(id, Seconds(1)) { Steps = [step], Outcomes = [Outcome.Ok(events)] };

    private static ConformanceCase Broken(string id, CaseStep step) =>
        new(id, Seconds(1)) { Steps = [step], Closing = ClosingRule.ByServer(1002) };

    private static CaseStep Twice(WireFrame stray)
    {
        WireFrame[] once = [stray, TextBegin("fragment2"), Last("fragment3")];
        return Plain([.. once, .. once]);
    }

    private static ConformanceCase Paused(string id, Func<WireFrame[], CaseStep> manner) => new(id, Seconds(1))
    {
        Steps =
        [
            manner([TextBegin("fragment1"), More("fragment2"), Ping("pongme 1!")]),
            new Pause(Seconds(1), Behaviour.Failed),
            manner([More("fragment3"), More("fragment4"), Ping("pongme 2!"), Last("fragment5")]),
        ],
        Outcomes =
        [
            Outcome.Ok(PongOf("pongme 1!"), PongOf("pongme 2!"), TextOf("fragment1fragment2fragment3fragment4fragment5")),
        ],
    };
}
