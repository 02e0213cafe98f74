using Broker.Tests.Conformance.Cases;
using Broker.Tests.Conformance.Running;
using Xunit;

namespace Broker.Tests.Conformance;

/// <summary>One test a case and way in, against the server of <see cref="ConformanceTarget"/>.</summary>
[Collection(ConformanceDefinition.Name)]
public sealed class ConformanceTests(ConformanceRun run)
{
    public static TheoryData<string, string> Played
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (string way in ConformanceTarget.Ways)
            {
                foreach (ConformanceCase each in CaseCatalog.Select(ConformanceSettings.FromEnvironment().Selection))
                    data.Add(way, each.Id);
            }

            return data;
        }
    }

    [Theory, MemberData(nameof(Played))]
    public async Task The_server_conforms_in_case(string way, string id)
    {
        CaseResult result = await run.ResultOf(way, id);

        bool met = ConformanceTarget.Expectation == Expectation.Strict ? result.IsStrict && result.Closing == Closing.Ok : result.Conforms;
        Assert.True(met,
            $"{way} {id}: behaviour {result.Behaviour}, closing {result.Closing}; expected {ConformanceTarget.Expectation}.\nWanted: "
                + $"{result.Wanted}\nGot: {result.Got}");
    }
}
