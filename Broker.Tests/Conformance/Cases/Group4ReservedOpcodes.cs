using Broker.Tests.Conformance.Wire;
using static Broker.Tests.Conformance.Cases.CaseStep;
using static Broker.Tests.Conformance.Cases.Group3ReservedBits;
using static Broker.Tests.Conformance.Wire.WireFrame;

namespace Broker.Tests.Conformance.Cases;

/// <summary>4.x: a reserved opcode fails the connection, among data frames (4.1) and control frames (4.2).</summary>
public static class Group4ReservedOpcodes
{
    private static readonly WireFrame Hello = Text("Hello, world!");

    /// <summary>All 10 cases.</summary>
    public static IEnumerable<ConformanceCase> All => [.. From("4.1", 3), .. From("4.2", 11)];

    private static IEnumerable<ConformanceCase> From(string family, int firstOpcode) =>
    [
        Alone($"{family}.1", new WireFrame(firstOpcode, Octets.Empty)),
        Alone($"{family}.2", new WireFrame(firstOpcode + 1, Octets.OfText("reserved opcode payload"))),
        AfterMessage($"{family}.3", Plain(Hello, new WireFrame(firstOpcode + 2, Octets.Empty), Ping(""))),
        AfterMessage($"{family}.4", Plain(Hello, new WireFrame(firstOpcode + 3, Hello.Payload), Ping(""))),
        AfterMessage($"{family}.5", Chop(1, Hello, new WireFrame(firstOpcode + 4, Hello.Payload), Ping(""))),
    ];
}
