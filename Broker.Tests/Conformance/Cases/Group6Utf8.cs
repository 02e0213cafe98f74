using Broker.Tests.Conformance.Wire;
using static Broker.Tests.Conformance.Cases.CaseStep;
using static Broker.Tests.Conformance.Cases.Expect;
using static Broker.Tests.Conformance.Wire.WireFrame;

namespace Broker.Tests.Conformance.Cases;

/// <summary>6.x: text is UTF-8, whole, in fragments, and while it is still arriving.</summary>
public static class Group6Utf8
{
    private static readonly Octets Sample = Octets.OfText("Hello-µ@ßöäüàá-UTF-8!!");
    private static readonly Octets Greek = Octets.OfHex("ce ba e1 bd b9 cf 83 ce bc ce b5");
    private static readonly Octets Surrogate = Octets.OfHex("ce ba e1 bd b9 cf 83 ce bc ce b5 ed a0 80 65 64 69 74 65 64");
    private static readonly Octets TooLarge = Octets.OfHex("ce ba e1 bd b9 cf 83 ce bc ce b5 f4 90 80 80 65 64 69 74 65 64");

    /// <summary>All 145 cases.</summary>
    public static IEnumerable<ConformanceCase> All =>
    [
        Valid("6.1.1", Text(""), Octets.Empty),
        Valid("6.1.2", [TextBegin(""), More(""), Last("")], Octets.Empty),
        Valid("6.1.3", [TextBegin(""), More("middle frame payload"), Last("")], Octets.OfText("middle frame payload")),
        Valid("6.2.1", Text(Sample), Sample),
        Valid("6.2.2", [TextBegin(Sample.Slice(0, 15)), Last(Sample.Slice(15, 14))], Sample),
        Valid("6.2.3", OctetByOctet(Sample), Sample),
        Valid("6.2.4", OctetByOctet(Greek), Greek),
        Invalid("6.3.1", Text(Surrogate)),
        Invalid("6.3.2", OctetByOctet(Surrogate)),
        InThreeFrames("6.4.1", 11, 15),
        InThreeFrames("6.4.2", 12, 13),
        InThreePieces("6.4.3", 11, 15),
        InThreePieces("6.4.4", 12, 13),
        .. Utf8Sequences.All.Select(OneFrame),
    ];

    private static WireFrame[] OctetByOctet(Octets payload) => [.. Fragments(1, payload, fragmentSize: 1)];

    private static ConformanceCase OneFrame(Utf8Sequence sequence)
    {
        Octets payload = Octets.OfHex(sequence.Hex);
        ConformanceCase judged = sequence.Valid ? Valid(sequence.Id, Text(payload), payload) : Invalid(sequence.Id, Text(payload));
        return judged with { Limit = Seconds(0.5) };
    }

    private static ConformanceCase Valid(string id, WireFrame frame, Octets echo) => Valid(id, [frame], echo);

    private static ConformanceCase Valid(string id, WireFrame[] frames, Octets echo) =>
        new(id, Seconds(1)) { Steps = [Plain(frames)], Outcomes = [Outcome.Ok(TextOf(echo))] };

    private static ConformanceCase Invalid(string id, params WireFrame[] frames) =>
        new(id, Seconds(1)) { Steps = [Plain(frames)], Closing = ClosingRule.ByServer(1007) };

    /// <summary>The text that becomes invalid in its second fragment, cut at two places.</summary>
    private static ConformanceCase InThreeFrames(string id, int firstCut, int secondCut) => InThree(
        id,
        Plain(TextBegin(TooLarge.Slice(0, firstCut))),
        Plain(More(TooLarge.Slice(firstCut, secondCut - firstCut))),
        Plain(Last(TooLarge.Slice(secondCut, TooLarge.Length - secondCut))));

    /// <summary>The same text in one frame that stays unfinished, so that only its arriving octets can show the error.</summary>
    private static ConformanceCase InThreePieces(string id, int firstCut, int secondCut)
    {
        byte[] wire = TextBegin(TooLarge).Encode();
        int header = wire.Length - TooLarge.Length;
        return InThree(
            id,
            new SendOctets(wire.AsMemory(..(header + firstCut))),
            new SendOctets(wire.AsMemory((header + firstCut)..(header + secondCut))),
            new SendOctets(wire.AsMemory((header + secondCut)..)),
            Plain(Last("")));
    }

    private static ConformanceCase InThree(string id, CaseStep first, CaseStep second, params CaseStep[] third) =>
        new(id, Seconds(1))
        {
            Steps = [first, new Pause(Seconds(1), Behaviour.Failed), second, new Pause(Seconds(1), Behaviour.Ok), .. third],
            Outcomes = [Outcome.NonStrict()],
            Closing = ClosingRule.ByServer(1007),
            JudgedByPause = true,
        };
}
