using Broker.Tests.Conformance.Cases;
using Broker.Tests.Conformance.Running;
using Broker.Tests.Support;
using Xunit;

namespace Broker.Tests.Conformance;

/// <summary>One run of the selected cases: started with the first test that asks, reported after the last.</summary>
public sealed class ConformanceRun : IAsyncLifetime
{
    private IConformanceTarget? _target;
    private IReadOnlyDictionary<string, Task<CaseResult>> _results = new Dictionary<string, Task<CaseResult>>();

    /// <summary>The result of a case, once it is there.</summary>
    public Task<CaseResult> ResultOf(string id) => _results[id];

    /// <inheritdoc/>
    public async Task InitializeAsync()
    {
        _target = await ConformanceTarget.StartAsync();
        ConformanceSettings settings = ConformanceSettings.FromEnvironment();
        _results = new ConformanceRunner(_target.Connector, settings).Start(CaseCatalog.Select(settings.Selection));
    }

    /// <inheritdoc/>
    public async Task DisposeAsync()
    {
        if (_target is null) return;
        string report = ConformanceReport.Write(_target.Connector.Name, await Task.WhenAll(_results.Values));
        string folder = Path.Combine(ProjectFolder.Path, "TestResults");
        Directory.CreateDirectory(folder);
        await File.WriteAllTextAsync(Path.Combine(folder, "conformance.md"), report);
        await _target.DisposeAsync();
    }
}

/// <summary>Runs by itself, because its cases have limits of half a second.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class ConformanceDefinition : ICollectionFixture<ConformanceRun>
{
    /// <summary>The name that its tests give.</summary>
    public const string Name = "Conformance";
}
