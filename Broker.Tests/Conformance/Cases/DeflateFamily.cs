using Broker.Tests.Conformance.Wire;
using static Broker.Tests.Conformance.Cases.Expect;

namespace Broker.Tests.Conformance.Cases;

/// <summary>The 18 cases that every family of groups 12 and 13 has: sizes of messages and of their fragments.</summary>
public static class DeflateFamily
{
    private const int Messages = 1000;

    private static readonly (int MessageSize, int FragmentSize, int LimitSeconds)[] Members =
    [
        (16, 0, 60),
        (64, 0, 60),
        (256, 0, 120),
        (1024, 0, 240),
        (4096, 0, 480),
        (8192, 0, 480),
        (16384, 0, 480),
        (32768, 0, 480),
        (65536, 0, 480),
        (131_072, 0, 480),
        (8192, 256, 480),
        (16384, 256, 480),
        (32768, 256, 480),
        (65536, 256, 480),
        (131_072, 256, 480),
        (131_072, 1024, 480),
        (131_072, 4096, 480),
        (131_072, 32768, 480),
    ];

    /// <summary>The cases of one family.</summary>
    /// <param name="family">The start of their ids, as in `12.1`.</param>
    /// <param name="offer">The value of Sec-WebSocket-Extensions.</param>
    /// <param name="kind">Text or binary.</param>
    /// <param name="data">What the messages are cut from; asked for when a case is played.</param>
    public static IEnumerable<ConformanceCase> Of(string family, string offer, ReceivedKind kind, Func<SampleData> data) =>
        Members.Select((member, index) => new ConformanceCase($"{family}.{index + 1}", Seconds(member.LimitSeconds))
        {
            ExtensionOffer = offer,
            Steps =
            [
                new CaseStep.Exchange(kind, Messages, i => data().SliceAt(i, member.MessageSize), member.FragmentSize),
            ],
        });
}
