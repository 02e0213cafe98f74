using Broker.Tests.Conformance.Cases;
using Broker.Tests.Conformance.Running;
using Broker.Tests.Conformance.Wire;
using Broker.Tests.Support;
using Xunit;

namespace Broker.Tests.Conformance;

/// <summary>One run of the selected cases by every way in: started with the first test that asks, reported after the last.</summary>
public sealed class ConformanceRun : IAsyncLifetime
{
    private readonly Dictionary<string, IReadOnlyDictionary<string, Task<CaseResult>>> _results = [];
    private IConformanceTarget? _target;

    /// <summary>The result of a case by one way in, once it is there.</summary>
    public Task<CaseResult> ResultOf(string way, string id) => _results[way][id];

    /// <inheritdoc/>
    public async Task InitializeAsync()
    {
        _target = await ConformanceTarget.StartAsync();
        ConformanceSettings settings = ConformanceSettings.FromEnvironment();
        var places = new SemaphoreSlim(settings.CasesAtOnce);
        foreach ((string way, IConformanceConnector connector) in _target.Ways)
            _results[way] = new ConformanceRunner(connector, settings, places).Start(CaseCatalog.Select(settings.Selection));
    }

    /// <inheritdoc/>
    public async Task DisposeAsync()
    {
        if (_target is null) return;
        var runs = new List<(string Way, string Endpoint, IReadOnlyList<CaseResult> Results)>();
        foreach ((string way, IConformanceConnector connector) in _target.Ways)
            runs.Add((way, connector.Name, await Task.WhenAll(_results[way].Values)));

        string folder = Path.Combine(ProjectFolder.Path, "TestResults");
        Directory.CreateDirectory(folder);
        await File.WriteAllTextAsync(Path.Combine(folder, "conformance.md"), ConformanceReport.Write(runs));
        await _target.DisposeAsync();
    }
}

/// <summary>The tests that share one run.</summary>
[CollectionDefinition(Name)]
public sealed class ConformanceDefinition : ICollectionFixture<ConformanceRun>
{
    /// <summary>The name that its tests give.</summary>
    public const string Name = "Conformance";
}
