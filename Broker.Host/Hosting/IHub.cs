using System.Net;
using Broker.Reactor.Loops;

namespace Broker.Host.Hosting;

/// <summary>What the host needs of a hub: the one seam between this project and the actors.</summary>
public interface IHub : IAsyncDisposable
{
    /// <summary>Whether the hub opens the public port itself; if not, Kestrel does.</summary>
    bool OpensPort => true;

    /// <summary>Where the hub listens itself, with real ports; empty before it has started.</summary>
    IReadOnlyList<IPEndPoint> Endpoints { get; }

    /// <summary>Whether new clients are welcome: false before the start and while draining.</summary>
    bool IsReady { get; }

    /// <summary>Whether the disk of the channel histories refuses writes.</summary>
    bool IsHistoryFailing => false;

    /// <summary>
    /// Whether the channel histories hold more memory than <c>broker.history.bytes-max</c>, with everything shed that can be, or as much of
    /// the disk as <c>broker.history.disk-bytes-max</c> allows.
    /// </summary>
    bool IsHistoryFull => false;

    /// <summary>Connections that the hub holds now.</summary>
    int Connections { get; }

    /// <summary>What the hub's servers may ask of it; <c>null</c> if nothing.</summary>
    Actors.Api.IHubApi? Api => null;

    /// <summary>Makes the hub a node of a cluster. Before the start.</summary>
    /// <param name="nodes">Where the homes of channels are.</param>
    void JoinCluster(Actors.Channels.Home.INodeDirectory nodes) => throw new NotSupportedException("This hub is no node of a cluster.");

    /// <summary>Gives its loops, and the way to its homes, to what keeps the lanes to other nodes. After the start.</summary>
    /// <param name="connect">Takes the loops, the number of homes, and what sends a message to the home of a number.</param>
    void ConnectNodes(Action<IReadOnlyList<EventLoop>, int, Action<int, object>> connect) =>
        throw new NotSupportedException("This hub is no node of a cluster.");

    /// <summary>Starts to listen.</summary>
    /// <param name="plainHttp">Takes a connection that asks for no WebSocket; called on a reactor's thread, must not block.</param>
    /// <param name="cancellationToken">Gives up the start.</param>
    Task StartAsync(Action<HandedOver> plainHttp, CancellationToken cancellationToken);

    /// <summary>Completes once every event loop has taken a turn after now.</summary>
    Task TurnAsync() => Task.CompletedTask;

    /// <summary>Whether requests for this path, which came through Kestrel, are the hub's to answer.</summary>
    bool Serves(PathString path) => false;

    /// <summary>Whether what it answers at this path are requests of HTTP, and no WebSockets.</summary>
    bool ServesHttp(PathString path) => false;

    /// <summary>Answers such a request: opens a connection and returns when that has ended, takes a message, or says why not.</summary>
    Task AnswerAsync(HttpContext context) => throw new NotSupportedException("This hub serves no path.");

    /// <summary>Takes the origins and hosts of changed settings, and the level of its log.</summary>
    /// <param name="listen">What the settings say now about who may come in.</param>
    /// <param name="log">The level of the actor system's log.</param>
    void Apply(Actors.Settings.ListenSettings listen, Akka.Event.LogLevel log)
    {
    }

    /// <summary>Accepts no more, and ends the connections of clients at a rate; it stops afterwards.</summary>
    /// <param name="perSecond">Connections a second.</param>
    /// <param name="limit">Returns after this, with or without clients left.</param>
    Task EmptyAsync(int perSecond, TimeSpan limit) => Task.CompletedTask;

    /// <summary>Stops: accepts no more, tells the clients, flushes what they are owed, closes.</summary>
    /// <param name="grace">How long the clients have; what is left then is closed at once.</param>
    Task StopAsync(TimeSpan grace);
}

/// <summary>Makes the hub.</summary>
/// <param name="settings">The hub's own settings.</param>
/// <param name="akka">Settings for the actor system, which logs through Serilog by them.</param>
/// <param name="methods">What has methods for clients to call.</param>
/// <param name="access">Who may do what; <c>null</c> for the settings' own rules.</param>
public delegate IHub HubFactory(
    Dialects.StandardSettings settings, Akka.Configuration.Config akka, IReadOnlyList<Actors.Calls.Methods.IMethodSource> methods,
        Actors.Access.IHubAccess? access);
