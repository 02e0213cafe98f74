using Broker.Actors;
using Microsoft.Extensions.Hosting;

namespace Broker.AspNetCore;

/// <summary>Starts the hub with the application, and lets it send bye before the server stops.</summary>
internal sealed class HubLifetime(Hub hub, TimeSpan grace) : IHostedLifecycleService
{
    public Task StartingAsync(CancellationToken cancellationToken)
    {
        hub.Start(plainHttp: null);
        return Task.CompletedTask;
    }

    public Task StoppingAsync(CancellationToken cancellationToken) => hub.StopAsync(grace).WaitAsync(cancellationToken);

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
