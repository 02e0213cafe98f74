using System.Net;
using Broker.Actors;
using Broker.Actors.Settings;
using Broker.AspNetCore;
using Broker.Host.Store;
using Broker.Reactor.Loops;
using Broker.Store.History;

namespace Broker.Host.Hosting;

/// <summary>The real hub behind the host's seam.</summary>
public sealed class ActorHub(Hub hub, DurableHistories? histories = null) : IHub
{
    private readonly HistoryMeter? _historyMeter = histories is null ? null : new HistoryMeter(histories);
    private readonly HubEntranceHandler _entrance = new(hub.Entrance, TimeProvider.System);

    /// <inheritdoc />
    public bool OpensPort => hub.HasReactor;

    /// <inheritdoc />
    public bool Serves(PathString path) => _entrance.Serves(path);

    /// <inheritdoc />
    public bool ServesHttp(PathString path) => _entrance.ServesHttp(path);

    /// <inheritdoc />
    public Task AnswerAsync(HttpContext context) => _entrance.AnswerAsync(context);

    /// <inheritdoc />
    public IReadOnlyList<IPEndPoint> Endpoints => hub.Endpoints;

    /// <inheritdoc />
    public bool IsReady => hub.IsReady;

    /// <inheritdoc />
    public bool IsHistoryFailing => histories is { IsFailing: true };

    /// <inheritdoc />
    public bool IsHistoryFull => hub.IsHistoryFull || histories is { IsFull: true };

    /// <inheritdoc />
    public int Connections => hub.Counters.Open;

    /// <inheritdoc />
    public Actors.Api.IHubApi? Api => hub.Api;

    /// <inheritdoc />
    public void JoinCluster(Actors.Channels.Home.INodeDirectory nodes) => hub.Nodes = nodes;

    /// <inheritdoc />
    public void ConnectNodes(Action<IReadOnlyList<EventLoop>, int, Action<int, object>> connect) => hub.ConnectNodes(connect);

    /// <inheritdoc />
    public Task StartAsync(Action<HandedOver> plainHttp, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        hub.Start(plainHttp);
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public Task TurnAsync() => hub.TurnAsync();

    /// <inheritdoc />
    public void Apply(ListenSettings listen, Akka.Event.LogLevel log)
    {
        hub.Apply(listen);
        hub.SetLogLevel(log);
    }

    /// <inheritdoc />
    public Task EmptyAsync(int perSecond, TimeSpan limit) => hub.EmptyAsync(perSecond, limit);

    /// <inheritdoc />
    public Task StopAsync(TimeSpan grace) => hub.StopAsync(grace);

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await hub.DisposeAsync().ConfigureAwait(false);
        _historyMeter?.Dispose();
        histories?.Dispose();
    }
}
