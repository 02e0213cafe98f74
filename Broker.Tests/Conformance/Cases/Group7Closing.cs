using Broker.Tests.Conformance.Wire;
using static Broker.Tests.Conformance.Cases.CaseStep;
using static Broker.Tests.Conformance.Cases.Expect;
using static Broker.Tests.Conformance.Wire.WireFrame;

namespace Broker.Tests.Conformance.Cases;

/// <summary>7.x: the closing handshake, started by the client with every kind of close frame.</summary>
public static class Group7Closing
{
    private static readonly int[] Allowed = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999];
    private static readonly int[] Forbidden = [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999];
    private static readonly Octets BrokenReason = Octets.OfHex("ce ba e1 bd b9 cf 83 ce bc ce b5 ed a0 80 65 64 69 74 65 64");

    /// <summary>All 37 cases.</summary>
    public static IEnumerable<ConformanceCase> All =>
    [
        Clean("7.1.1", Text("Hello World!")) with { Outcomes = [Outcome.Ok(TextOf("Hello World!"))] },
        Clean("7.1.2", Close(1000), CloseOf(Octets.Empty)),
        Clean("7.1.3", Close(1000), Ping("")),
        Clean("7.1.4", Close(1000), Text("Hello World!")),
        Clean("7.1.5", TextBegin("fragment1"), Close(1000), Last("fragment2")),
        Informational(
            "7.1.6", Text(Octets.Repeat("BAsd7&jh23"u8, 262_144)), Text("Hello World!"), Close(1000), Ping("")),
        Clean("7.3.1", CloseOf(Octets.Empty)),
        Refused("7.3.2", [1002], CloseOf(Octets.OfText("a"))),
        Clean("7.3.3", Close(1000)),
        Clean("7.3.4", Close(1000, "Hello World!")),
        Clean("7.3.5", Close(1000, Octets.Repeat("*"u8, 123))),
        Refused("7.3.6", [1002], Close(1000, Octets.Repeat("*"u8, 124))),
        Refused("7.5.1", [1002, 1007], Close(1000, BrokenReason)),
        .. Allowed.Select((code, index) => Answered($"7.7.{index + 1}", [1000, code], Close(code))),
        .. Forbidden.Select((code, index) => Refused($"7.9.{index + 1}", [1002], Close(code))),
        Informational("7.13.1", Close(5000)),
        Informational("7.13.2", Close(65535)),
    ];

    private static ConformanceCase Clean(string id, params WireFrame[] frames) => Answered(id, [1000], frames);

    private static ConformanceCase Answered(string id, int[] codes, params WireFrame[] frames) =>
        Case(id, new ClosingRule(Side.Client, MustBeClean: true, codes), frames);

    private static ConformanceCase Refused(string id, int[] codes, params WireFrame[] frames) =>
        Case(id, new ClosingRule(Side.Client, MustBeClean: false, codes), frames);

    private static ConformanceCase Informational(string id, params WireFrame[] frames) =>
        Case(id, new ClosingRule(Side.Client, MustBeClean: false, Codes: null), frames) with
        {
            Outcomes = [new Outcome(Behaviour.Informational, Events: null)],
        };

    private static ConformanceCase Case(string id, ClosingRule closing, WireFrame[] frames) =>
        new(id, Seconds(1)) { Steps = [Plain(frames)], Closing = closing };
}
