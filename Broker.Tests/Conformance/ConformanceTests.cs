using Broker.Tests.Conformance.Cases;
using Broker.Tests.Conformance.Running;
using Xunit;

namespace Broker.Tests.Conformance;

/// <summary>One test a case, against the server of <see cref="ConformanceTarget"/>.</summary>
[Collection(ConformanceDefinition.Name)]
public sealed class ConformanceTests(ConformanceRun run)
{
    public static TheoryData<string, Expectation> Ids
    {
        get
        {
            var data = new TheoryData<string, Expectation>();
            foreach (ConformanceCase each in CaseCatalog.Select(ConformanceSettings.FromEnvironment().Selection))
                data.Add(each.Id, ConformanceTarget.ExpectationOf(each));
            return data;
        }
    }

    [Theory, MemberData(nameof(Ids))]
    public async Task The_server_conforms_in_case(string id, Expectation expected)
    {
        CaseResult result = await run.ResultOf(id);

        bool met = expected switch
        {
            Expectation.Strict => result.IsStrict && result.Closing == Closing.Ok,
            Expectation.Unimplemented => result.Behaviour == Behaviour.Unimplemented && result.Closing == Closing.Ok,
            _ => result.Conforms,
        };
        Assert.True(met, $"{id}: behaviour {result.Behaviour}, closing {result.Closing}; expected {expected}.\nWanted: {result.Wanted}\nGot: {result.Got}");
    }
}
