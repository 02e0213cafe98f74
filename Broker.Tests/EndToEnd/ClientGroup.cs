using System.Collections.Concurrent;

namespace Broker.Tests.EndToEnd;

/// <summary>Many light clients, connected a bounded number at a time and closed together.</summary>
internal sealed class ClientGroup : IDisposable
{
    private const int ConnectsAtOnce = 64;

    private readonly ConcurrentBag<LightClient> _clients = [];
    private readonly ConcurrentBag<Task> _lives = [];

    /// <summary>All that are connected.</summary>
    public IReadOnlyCollection<LightClient> Clients => _clients;

    /// <summary>Connects so many more, subscribes them, and lets each live at once: a client that does not read misses its pings.</summary>
    /// <param name="count">How many.</param>
    /// <param name="port">Of the host.</param>
    /// <param name="channel">What they subscribe to, if anything.</param>
    /// <param name="live">What each does from then on.</param>
    /// <param name="stop">Ends the wait.</param>
    public Task ConnectAsync(int count, int port, string? channel, Func<LightClient, Task> live, CancellationToken stop)
    {
        var options = new ParallelOptions { MaxDegreeOfParallelism = ConnectsAtOnce, CancellationToken = stop };
        return Parallel.ForAsync(0, count, options, async (_, cancellationToken) =>
        {
            LightClient client = await LightClient.ConnectAsync(port, cancellationToken);
            _clients.Add(client);
            if (channel is not null) await client.SubscribeAsync(channel, cancellationToken);
            _lives.Add(live(client));
        });
    }

    /// <summary>Done when the lives of all are over; fails if one of them failed.</summary>
    public Task WhenAllHaveLived() => Task.WhenAll(_lives);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (LightClient client in _clients) client.Dispose();
    }
}
