using Broker.Tests.Conformance.Cases;
using Broker.Tests.Conformance.Wire;

namespace Broker.Tests.Conformance.Running;

/// <summary>Runs cases against one endpoint, a bounded number at a time.</summary>
/// <param name="connector">Opens the connection of each case.</param>
/// <param name="settings">Scale, patience and the bound.</param>
public sealed class ConformanceRunner(IConformanceConnector connector, ConformanceSettings settings)
{
    /// <summary>Starts all cases and returns at once.</summary>
    /// <returns>By case id, the result to wait for.</returns>
    public IReadOnlyDictionary<string, Task<CaseResult>> Start(IEnumerable<ConformanceCase> cases)
    {
        var places = new SemaphoreSlim(settings.CasesAtOnce);
        return cases.ToDictionary(c => c.Id, c => Task.Run(() => PlayInTurnAsync(c, places)), StringComparer.Ordinal);
    }

    /// <summary>Runs all cases.</summary>
    /// <returns>The results in the order of the cases.</returns>
    public async Task<IReadOnlyList<CaseResult>> RunAsync(IEnumerable<ConformanceCase> cases) =>
        await Task.WhenAll(Start(cases).Values);

    private async Task<CaseResult> PlayInTurnAsync(ConformanceCase next, SemaphoreSlim places)
    {
        await places.WaitAsync();
        try
        {
            return await new CasePlayer(next, connector, settings).PlayAsync();
        }
        finally
        {
            places.Release();
        }
    }
}
