using Broker.Tests.Conformance.Wire;
using static Broker.Tests.Conformance.Cases.Expect;

namespace Broker.Tests.Conformance.Cases;

/// <summary>1.x: one message at every edge of the three length encodings.</summary>
public static class Group1Framing
{
    private static readonly int[] Lengths = [0, 125, 126, 127, 128, 65535, 65536, 65536];

    /// <summary>All 16 cases.</summary>
    public static IEnumerable<ConformanceCase> All => Lengths.SelectMany((length, index) => new[]
    {
        Echo($"1.1.{index + 1}", WireFrame.Text(Octets.Repeat("*"u8, length))),
        Echo($"1.2.{index + 1}", WireFrame.Binary(Octets.Repeat([0xfe], length))),
    });

    private static ConformanceCase Echo(string id, WireFrame frame)
    {
        int number = id[^1] - '0';
        return new ConformanceCase(id, Seconds(number < 6 ? 1 : 10))
        {
            Steps = [number == 8 ? CaseStep.Chop(997, frame) : CaseStep.Plain(frame)],
            Outcomes = [Outcome.Ok(new Expected((ReceivedKind)frame.Opcode, frame.Payload))],
        };
    }
}
