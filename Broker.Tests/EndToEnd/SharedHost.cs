namespace Broker.Tests.EndToEnd;

/// <summary>One host for all tests that do not stop it.</summary>
public sealed class SharedHost : IAsyncLifetime
{
    private HostProcess? _process;

    /// <summary>The running host.</summary>
    internal HostProcess Process => _process!;

    /// <inheritdoc/>
    public async Task InitializeAsync() => _process = await HostProcess.StartAsync();

    /// <summary>Whatever the tests did to it, it still ends gracefully.</summary>
    public async Task DisposeAsync()
    {
        if (_process is null) return;
        await using (_process) await _process.StopAsync();
    }
}

/// <summary>Tests from outside. One after the other, because they load the machine and some of them measure it.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class EndToEndDefinition : ICollectionFixture<SharedHost>
{
    /// <summary>The name that its tests give.</summary>
    public const string Name = "EndToEnd";
}
