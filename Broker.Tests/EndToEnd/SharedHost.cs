namespace Broker.Tests.EndToEnd;

/// <summary>One host for all tests of a class, or of a collection, that do not stop it.</summary>
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

/// <summary>
/// Tests from outside that load the machine, or measure what the host takes: alone, and one after the other. The others are in no
/// collection, and run beside each other.
/// </summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class EndToEndDefinition : ICollectionFixture<SharedHost>
{
    /// <summary>The name that its tests give.</summary>
    public const string Name = "EndToEnd";
}
