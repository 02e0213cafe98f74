using System.Net;
using Broker.Actors;
using Broker.Core.Reactor;

namespace Broker.Host;

/// <summary>The real hub behind the host's seam.</summary>
public sealed class ActorHub(Hub hub) : IHub
{
    /// <inheritdoc />
    public IReadOnlyList<IPEndPoint> Endpoints => hub.Endpoints;

    /// <inheritdoc />
    public bool IsReady => hub.IsReady;

    /// <inheritdoc />
    public int Connections => hub.Counters.Open;

    /// <inheritdoc />
    public Task StartAsync(Action<HandedOver> plainHttp, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        hub.Start(plainHttp);
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public Task StopAsync(TimeSpan grace) => hub.StopAsync(grace);

    /// <inheritdoc />
    public ValueTask DisposeAsync() => hub.DisposeAsync();
}
