using Broker.Tests.Conformance.Cases;
using Broker.Tests.Conformance.Wire;

namespace Broker.Tests.Conformance.Running;

/// <summary>Runs cases against one endpoint, a bounded number at a time.</summary>
/// <param name="connector">Opens the connection of each case.</param>
/// <param name="settings">Scale and patience.</param>
/// <param name="places">The bound, which other runners may share.</param>
public sealed class ConformanceRunner(IConformanceConnector connector, ConformanceSettings settings, SemaphoreSlim places)
{
    /// <summary>Starts all cases and returns at once.</summary>
    /// <returns>By case id, the result to wait for.</returns>
    public IReadOnlyDictionary<string, Task<CaseResult>> Start(IEnumerable<ConformanceCase> cases) =>
        cases.ToDictionary(c => c.Id, c => Task.Run(() => PlayInTurnAsync(c)), StringComparer.Ordinal);

    private async Task<CaseResult> PlayInTurnAsync(ConformanceCase next)
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
