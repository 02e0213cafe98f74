using Broker.Tests.Conformance.Wire;
using static Broker.Tests.Conformance.Cases.Expect;

namespace Broker.Tests.Conformance.Cases;

/// <summary>10.x: a client that cuts every message into frames of 1300 octets.</summary>
public static class Group10AutoFragmentation
{
    /// <summary>The one case.</summary>
    public static IEnumerable<ConformanceCase> All =>
    [
        new ConformanceCase("10.1.1", Seconds(10))
        {
            Steps = [new CaseStep.Exchange(ReceivedKind.Text, 1, _ => Octets.Repeat("*"u8, 65536), FragmentSize: 1300)],
        },
    ];
}
