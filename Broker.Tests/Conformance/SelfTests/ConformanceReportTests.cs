using Broker.Tests.Conformance.Cases;
using Broker.Tests.Conformance.Running;
using Xunit;

namespace Broker.Tests.Conformance.SelfTests;

public sealed class ConformanceReportTests
{
    [Fact]
    public void Each_group_has_a_row_and_each_case_that_is_not_ok_a_line()
    {
        string report = ConformanceReport.Write("ws://host/echo", [
            Result("2.1", Behaviour.Ok, Closing.Ok),
            Result("2.2", Behaviour.Failed, Closing.Unclean),
            Result("12.1.1", Behaviour.Unimplemented, Closing.Ok),
        ]);

        Assert.Contains("3 cases, 2 conform, 1 of them strictly.", report, StringComparison.Ordinal);
        Assert.Contains("| 2.x | 2 | 1 | 0 | 0 | 0 | 1 | 1 | 1 | 0 | 0 | 0 | 2.0 |", report, StringComparison.Ordinal);
        Assert.Contains(
            "| 2.2 | Failed | Unclean | pong (13 octets: 48656c6c6f2c20776f726c64..); closed by the client, 1000, clean | nothing |",
                report, StringComparison.Ordinal);
        Assert.DoesNotContain("| 2.1 |", report, StringComparison.Ordinal);
        Assert.Contains("Unimplemented, 1 cases of: 12.1.", report, StringComparison.Ordinal);
    }

    [Fact]
    public void Several_runs_begin_with_a_row_for_each_way_in()
    {
        string report = ConformanceReport.Write([
            ("Tls", "wss://host/echo", [Result("2.1", Behaviour.Ok, Closing.Ok)]),
            ("Unix", "ws://host/echo", [Result("2.1", Behaviour.NonStrict, Closing.Ok), Result("2.2", Behaviour.Ok, Closing.Ok)]),
        ]);

        Assert.StartsWith("| way in | cases | OK |", report, StringComparison.Ordinal);
        Assert.Contains("| Tls | 1 | 1 | 0 | 0 | 0 | 0 | 1 | 0 | 0 | 0 | 0 | 1.0 |", report, StringComparison.Ordinal);
        Assert.Contains("| Unix | 2 | 1 | 1 | 0 | 0 | 0 | 2 | 0 | 0 | 0 | 0 | 2.0 |", report, StringComparison.Ordinal);
        Assert.Contains("# Conformance of Unix, ws://host/echo\n", report, StringComparison.Ordinal);
    }

    private static CaseResult Result(string id, Behaviour behaviour, Closing closing) =>
        new(CaseCatalog.All.Single(c => c.Id == id), behaviour, closing, "nothing", TimeSpan.FromSeconds(1));
}
