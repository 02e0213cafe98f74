namespace Broker.Tests.EndToEnd.CommandLine;

/// <summary>One host with the echo endpoint for the tests of a class.</summary>
public sealed class EchoHost : IAsyncLifetime
{
    private HostProcess? _process;

    /// <summary>The running host.</summary>
    internal HostProcess Process => _process!;

    /// <inheritdoc/>
    public async Task InitializeAsync() => _process = await HostProcess.StartAsync(environment: null, "--echo");

    /// <summary>Whatever the tests did to it, it still ends gracefully.</summary>
    public async Task DisposeAsync()
    {
        if (_process is null) return;
        await using (_process) await _process.StopAsync();
    }
}
