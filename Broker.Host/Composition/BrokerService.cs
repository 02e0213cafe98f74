using Broker.Host.Hosting;
using Broker.Host.Http;
using ILogger = Serilog.ILogger;

namespace Broker.Host.Composition;

/// <summary>Starts the hub once Kestrel can answer what it hands over, and drains it before Kestrel stops.</summary>
/// <remarks>
/// The host calls <c>Started</c> after every service has started and <c>Stopping</c> before any is stopped. That is
/// what keeps <c>/ready</c> answering 503 while clients are disconnected.
/// </remarks>
public sealed class BrokerService(
    IHub hub, HandedOverInbox inbox, Func<IEnumerable<string>> kestrelAddresses, TimeSpan grace, TextWriter output, ILogger log)
    : IHostedLifecycleService
{
    private volatile bool _draining;

    /// <summary>The cluster that the hub is in; null for none.</summary>
    internal ClusterService? Cluster { get; init; }

    /// <summary>Whether the hub is on its way out; never becomes false again.</summary>
    public bool IsDraining => _draining;

    /// <inheritdoc/>
    public async Task StartedAsync(CancellationToken cancellationToken)
    {
        await hub.StartAsync(inbox.Give, cancellationToken).ConfigureAwait(false);
        if (Cluster is not null) await Cluster.StartAsync(hub).ConfigureAwait(false);
        string[] addresses = [.. hub.Endpoints.Select(each => $"http://{each}").Distinct(), .. kestrelAddresses()];
        await AnnounceAsync(addresses).ConfigureAwait(false);
        log.Information("Listening on {Addresses}", addresses);
    }

    // Who started the process need not read what it prints.
    private async Task AnnounceAsync(string[] addresses)
    {
        try
        {
            foreach (string address in addresses) await output.WriteLineAsync($"listening on {address}").ConfigureAwait(false);
            if (Cluster is not null) await output.WriteLineAsync($"cluster node at {Cluster.Address}").ConfigureAwait(false);
            await output.FlushAsync(CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception closed) when (closed is IOException or ObjectDisposedException or UnauthorizedAccessException)
        {
            log.Warning("Standard output cannot be written to: {Reason:l}", closed.Message);
        }
    }

    /// <inheritdoc/>
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        _draining = true;
        if (Cluster is not null) await Cluster.LeaveAsync(hub).WaitAsync(cancellationToken).ConfigureAwait(false);
        log.Information("Draining {Connections} connections, for at most {Grace}", hub.Connections, grace);
        await hub.StopAsync(grace).WaitAsync(cancellationToken).ConfigureAwait(false);
        log.Information("Drained; {Connections} connections were left", hub.Connections);
    }

    /// <inheritdoc/>
    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
