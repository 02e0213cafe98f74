using Broker.Tests.Conformance.Cases;
using Broker.Tests.Conformance.Running;
using Xunit;

namespace Broker.Tests.Conformance;

/// <summary>One test a case, against the server of <see cref="ConformanceTarget"/>.</summary>
[Collection(ConformanceDefinition.Name)]
public sealed class ConformanceTests(ConformanceRun run)
{
    public static TheoryData<string> Ids => [.. CaseCatalog.Select(ConformanceSettings.FromEnvironment().Selection).Select(c => c.Id)];

    [Theory, MemberData(nameof(Ids))]
    public async Task The_server_conforms_in_case(string id)
    {
        CaseResult result = await run.ResultOf(id);

        bool good = run.MustBeStrict ? result.IsStrict : result.Conforms;
        Assert.True(good, $"{id}: behaviour {result.Behaviour}, closing {result.Closing}.\nWanted: {result.Wanted}\nGot: {result.Got}");
    }
}
