namespace Broker.Tests.EndToEnd.Native;

/// <summary>One host with a keyed store for the tests of a class that neither stop it nor ask for all that it keeps.</summary>
public sealed class SharedStoreHost : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("broker-store-").FullName;
    private HostProcess? _process;

    /// <summary>The running host.</summary>
    internal HostProcess Process => _process!;

    /// <inheritdoc/>
    public async Task InitializeAsync() => _process = await HostProcess.StartAsync(environment: null, "--store", _folder);

    /// <summary>Whatever the tests did to it, it still ends gracefully.</summary>
    public async Task DisposeAsync()
    {
        if (_process is not null)
        {
            await using (_process) await _process.StopAsync();
        }

        Directory.Delete(_folder, recursive: true);
    }
}
