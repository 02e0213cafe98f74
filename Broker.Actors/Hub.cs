using Broker.Actors.Api;
using Broker.Actors.Calls.Inbound;
using Broker.Actors.Calls.Methods;
using Broker.Actors.Calls.Outbound;
using Broker.Actors.Channels.Relay;
using Broker.Actors.Metrics;
using System.Net;
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Configuration;
using Akka.Event;
using Broker.Actors.Access;
using Broker.Actors.Channels;
using Broker.Actors.Channels.FanOut;
using Broker.Actors.Channels.History;
using Broker.Actors.Channels.Home;
using Broker.Actors.Channels.Namespaces;
using Broker.Actors.Dialects;
using Broker.Actors.Limits;
using Broker.Actors.Recent;
using Broker.Actors.Runtime;
using Broker.Actors.Sessions;
using Broker.Actors.Settings;
using Broker.Actors.Streams;
using Broker.Core.Deflate;
using Broker.Core.Upgrade;
using Broker.Reactor;
using Broker.Reactor.Loops;
using Broker.Reactor.Sockets;
using Broker.Reactor.Pipes;

namespace Broker.Actors;

/// <summary>The hub: its loops and their threads, its actor system, and the public port.</summary>
/// <remarks>
/// For each loop one fan-out, one parent of sessions and one home of channels, all of them on the loop's own thread.
/// Start it once, stop it once.
/// </remarks>
public sealed class Hub : IAsyncDisposable
{
    private static readonly string s_version = typeof(Hub).Assembly.GetName().Version!.ToString(3);

    private readonly HubSettings _settings;
    private readonly TimeProvider _time;
    private readonly Config _akka;
    private readonly HubAcceptor _acceptor;
    private readonly IHubAccess _access;
    private readonly ChannelNamespaces _namespaces;
    private readonly HubApi _api = new();
    private readonly DialectRegistry _dialects;
    private readonly ClientLimits? _limits;
    private readonly EventLoop[] _loops;
    private readonly Thread[] _threads;
    private ActorSystem? _system;
    private ChannelContext? _channels;  // From the start on.
    private HubMeter? _meter;           // From the start on.
    private DescriptorLog? _descriptorLog;
    private IActorRef[] _homes = [];    // From the start on.
    private volatile bool _ready;
    private int _stopping;

    private EventLoop MakeLoop(int number, TimeProvider time) =>
        HasReactor ? ReactorFactory.Create(number, _settings.Reactor, _acceptor, time)
            : new PortableLoop(number, _settings.Reactor, _acceptor, time);

    /// <summary>Makes a hub; nothing runs yet.</summary>
    /// <param name="settings">All that can be set.</param>
    /// <param name="akka">Configuration of the actor system, beside that of the loops' dispatchers.</param>
    /// <param name="time">The clock of everything.</param>
    /// <param name="dialects">What clients may use.</param>
    /// <param name="access">Who may do what; without one, the settings say.</param>
    public Hub(HubSettings settings, Config akka, TimeProvider time, IEnumerable<IDialectFactory> dialects, IHubAccess? access = null)
    {
        ArgumentNullException.ThrowIfNull(settings);
        _settings = settings;
        _time = time;
        _akka = akka;
        Clients = new ClientCalls(settings.Calls, time);
        _namespaces = new ChannelNamespaces(settings.Channels, settings.Namespaces);
        _access = access ?? new SettingsAccess(settings.Access, _namespaces);
        _dialects = RegistryOf(settings, dialects, Methods);
        _limits = ClientLimits.Of(settings.Limits, settings.Clients.ResumeCommands, settings.Clients.ResumeBytes, time, Counters.Limited);
        _acceptor = new HubAcceptor(settings, Counters, _dialects) { Limits = _limits };
        int count = settings.Reactors > 0 ? settings.Reactors : Environment.ProcessorCount;
        HasReactor = settings.Transport == Transport.Reactor || (settings.Transport == Transport.Auto && SocketReactor.IsSupported);
        _loops = [.. Enumerable.Range(0, count).Select(number => MakeLoop(number, time))];
        _threads = [.. _loops.Select(loop => new Thread(loop.Run) { Name = $"loop-{loop.Number}", IsBackground = true })];
        Entrance = new HubEntrance(this, _acceptor, _loops);
    }

    /// <summary>Makes the dialects of a hub.</summary>
    internal static DialectRegistry RegistryOf(
        HubSettings settings, IEnumerable<IDialectFactory> dialects, MethodRegistry methods, string? version = null)
    {
        var context = new DialectContext
        {
            Version = version ?? s_version,
            Clients = settings.Clients,
            Calls = settings.Calls,
            Channels = settings.Routing,
            Methods = methods,
            Addresses = new ClientAddresses(settings.Listen.Proxies.ToTrust()),
            Origins = new OriginRule(settings.Listen.Origins),
            Deflate = !settings.Compression.Enabled ? null : new DeflatePolicy(new DeflateBudget(settings.Compression.MemoryMax))
            {
                ServerWindowBitsMax = settings.Compression.WindowBits,
                MessageBytesMin = settings.Compression.MessageBytesMin,
            },
        };
        return new DialectRegistry(dialects.Select(dialect => dialect.Create(context)).OfType<Dialect>());
    }

    /// <summary>
    /// Whether it opens the public port itself, on loops of its own. If not, everyone comes through <see cref="Entrance"/>.
    /// </summary>
    public bool HasReactor { get; }

    /// <summary>The way in for connections that another server has accepted.</summary>
    public HubEntrance Entrance { get; }

    /// <summary>Where it listens itself, with the real port; empty before the start, and without a reactor.</summary>
    public IReadOnlyList<IPEndPoint> Endpoints { get; private set; } = [];

    /// <summary>Whether clients may come: not before the start, not while it stops.</summary>
    public bool IsReady => _ready;

    /// <summary>What clients may call; to be filled before the start.</summary>
    public MethodRegistry Methods { get; } = new();

    /// <summary>Whether channel histories hold more memory than they may: whatever could be shed has been.</summary>
    public bool IsHistoryFull => _channels is { IsHistoryFull: true };

    /// <summary>What an application may ask of the hub, from its start on.</summary>
    public IHubApi Api => _api;

    /// <summary>What channels keep, allow and bound.</summary>
    public ChannelNamespaces Namespaces => _namespaces;

    /// <summary>Where the homes of channels are, in a cluster; to be set before the start. Null for a hub of one node.</summary>
    public INodeDirectory? Nodes { get; set; }

    /// <summary>Gives the loops, and the way to the homes, to what keeps the lanes to other nodes. After the start.</summary>
    /// <param name="connect">Takes the loops, the number of homes, and what sends a message to the home of a number.</param>
    public void ConnectNodes(Action<IReadOnlyList<EventLoop>, int, Action<int, object>> connect)
    {
        ArgumentNullException.ThrowIfNull(connect);
        if (!HasReactor) throw new InvalidOperationException("A node of a cluster needs the hub's own reactor (broker.transport).");
        connect(_loops, _homes.Length, (home, message) => _homes[home].Tell(message, ActorRefs.NoSender));
    }

    /// <summary>Completes once every event loop has taken a turn after now: whether they all still work.</summary>
    public Task TurnAsync() => Task.WhenAll(_loops.Select(static loop =>
    {
        var turned = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        loop.Post(static turned => ((TaskCompletionSource)turned).SetResult(), turned);
        return turned.Task;
    }));

    /// <summary>Makes the stores of histories; to be set before the start. Null keeps them in memory.</summary>
    public IHistoryStoreFactory? Histories { get; set; }

    /// <summary>Calls methods of clients.</summary>
    public ClientCalls Clients { get; }

    /// <summary>What it counts.</summary>
    public HubCounters Counters { get; } = new();

    /// <summary>Takes the origins and hosts of changed settings, from the next request on.</summary>
    /// <param name="listen">What the settings say now. What else they say has no effect.</param>
    public void Apply(ListenSettings listen) => _acceptor.Apply(listen);

    /// <summary>Sets which events of its actor system reach the log; has no effect before the start.</summary>
    public void SetLogLevel(LogLevel level)
    {
        if (_system is null || _system.EventStream.LogLevel == level) return;
        _system.EventStream.SetLogLevel(level);
    }

    /// <summary>Starts everything and listens.</summary>
    /// <param name="plainHttp">Takes connections whose first request is plain HTTP, on a loop's thread; must not block.</param>
    /// <exception cref="System.Net.Sockets.SocketException">The address is taken, or is not ours.</exception>
    /// <exception cref="InvalidOperationException">A history is to be kept on the disk, and <see cref="Histories"/> is not set.</exception>
    public void Start(Action<HandedOver>? plainHttp)
    {
        if (Histories is null && _namespaces.Named.Prepend(_namespaces.WithoutNamespace).Any(static each => each.History.IsOnDisk))
            throw new InvalidOperationException("A namespace wants a history that outlives the process, and Histories is not set.");
        Methods.Close();
        IReadOnlyList<ListeningSocket> listeners = HasReactor
            ? ListeningSocket.OpenAll(
            new IPEndPoint(_settings.Listen.Address, _settings.Listen.Port), _loops.Length, _settings.Reactor.Backlog)
            : [];
        Endpoints = [.. listeners.Take(1).Select(listener => listener.EndPoint)];

        var loops = new LoopSetup(_loops);
        Config config = ConfigurationFactory.ParseString(loops.ToHocon()).WithFallback(_akka);
        _system = ActorSystem.Create("broker", BootstrapSetup.Create().WithConfig(config).And(loops));
        ILoggingAdapter log = LiveLog.Of(_system, typeof(Hub));
        foreach (EventLoop loop in _loops) loop.WorkFailed += failure => log.Error(failure, "Work on loop {0} failed.", loop.Number);
        foreach (Thread thread in _threads) thread.Start();

        DescriptorReserve.OfProcess.RequireRoom();
        _descriptorLog = new DescriptorLog(log, DescriptorReserve.OfProcess);
        _acceptor.PlainHttp = plainHttp;
        _acceptor.Log = log;
        _acceptor.Sessions = StartActors(_system, log);
        LogBackends(log);
        foreach (SocketReactor reactor in _loops.OfType<SocketReactor>())
            reactor.Post(static state => ((Action)state)(), () => reactor.Listen(listeners[reactor.Number]));
        _meter = new HubMeter(s_version, Counters, [.. _loops.Select(loop => loop.Counters)], _channels!);
        _ready = true;
    }

    private void LogBackends(ILoggingAdapter log)
    {
        if (!HasReactor && _settings.Transport == Transport.Auto)
            log.Info("The reactor needs Linux on x86-64; connections come through Kestrel.");
        if (HasReactor && _settings.Reactor.Backend == ReactorBackend.Auto && !ReactorFactory.CanUse(ReactorBackend.IoUring))
            log.Info("io_uring needs Linux 6.12 and the right to use it; the reactor runs over epoll.");
    }

    private IActorRef[] StartActors(ActorSystem system, ILoggingAdapter log)
    {
        LoopTurn[] turns =
            [.. _loops.Select(loop => new LoopTurn(loop) { Ends = new RecentEnds(_settings.Explain.BytesMax / _loops.Length, _time) })];
        IActorRef[] fanOuts =
            [.. _loops.Select(
                loop => Start(LoopFanOutActor.PropsFor(turns[loop.Number], _dialects.Formats, _settings.Routing), loop, "fan-out"))];
        _channels = new ChannelContext(fanOuts, _dialects.Formats, _settings.Routing)
        {
            // A recovery that does not fit the queue would end its client as too slow.
            Homes = new ChannelHomeContext(
                _namespaces,
                    _settings.History with { RecoveryBytesMax =
                        Math.Min(_settings.History.RecoveryBytesMax, _settings.Reactor.QueueBytesMax) }, _time),
            Stores = Histories,
            Nodes = Nodes,
        };
        IActorRef[] homes = _homes =
            [.. _loops.Select(loop => Start(ChannelHomeActor.PropsFor(loop.Number, _channels, loop.Counters, loop), loop, "router"))];

        var calls = new CallContext(Methods, _settings.Calls, _time) { Clients = Clients };
        calls = calls with { ItemBytesMax = Math.Min(calls.ItemBytesMax, _settings.Reactor.QueueBytesMax / 2) };
        var routes = new ChannelRoutes(homes, Nodes);
        IActorRef[] sessions = [.. _loops.Select(StartSessions)];
        _api.Start(new HubApiContext(_settings.Clients, _namespaces, routes, homes, sessions, s_version, _time));
        return sessions;

        IActorRef StartSessions(EventLoop loop)
        {
            var context =
                new SessionContext(_settings.Clients, _access, routes, calls, log)
                    { Namespaces = _namespaces, History = _settings.History, Limits = _limits, Connected = new LoopSessions(),
                        FanOut = fanOuts[loop.Number], Ends = turns[loop.Number].Ends };
            return Start(
                SessionsActor.PropsFor(context, connection => _dialects.CreateSession(connection, turns[loop.Number])), loop, "sessions");
        }

        IActorRef Start(Props props, EventLoop loop, string name) =>
            system.ActorOf(props.WithDispatcher(LoopSetup.DispatcherOf(loop.Number)), $"{name}-{loop.Number}");
    }

    /// <summary>
    /// Accepts no more, and ends the connections of clients at a rate, so that they come back elsewhere at that rate. Each ends once what
    /// its client has asked is answered.
    /// </summary>
    /// <param name="perSecond">Connections a second.</param>
    /// <param name="limit">Returns after this, with or without clients left.</param>
    public async Task EmptyAsync(int perSecond, TimeSpan limit)
    {
        if (_system is null) return;
        _ready = false;
        TimeSpan pause = TimeSpan.FromMilliseconds(100);
        double due = 0;
        long start = _time.GetTimestamp(), last = start;
        for (int left = Counters.Open; left > 0 && _time.GetElapsedTime(start) < limit; left = Counters.Open)
        {
            await Task.Delay(pause, _time).ConfigureAwait(false);
            long now = _time.GetTimestamp();

            // A process that was held up does not make up for it.
            due = Math.Min(due + (perSecond * _time.GetElapsedTime(last, now).TotalSeconds), Math.Max(1, perSecond / 4.0));
            last = now;
            int count = (int)due;
            due -= count;
            int open = Math.Max(1, _loops.Sum(static loop => loop.Connections));
            for (int i = 0, passed = 0, sent = 0; i < _loops.Length; i++)
            {
                passed += _loops[i].Connections;
                int share = (int)((long)count * passed / open) - sent;
                sent += share;
                if (share > 0 || count == 0) _loops[i].EndSome(share, EventLoop.SettleLimit);
            }
        }
    }

    /// <summary>Accepts no more, tells the clients, lets what is queued leave, and ends; after the grace, at once.</summary>
    public async Task StopAsync(TimeSpan grace)
    {
        if (Interlocked.Exchange(ref _stopping, 1) == 1 || _system is null) return;
        _ready = false;
        try
        {
            await Task.WhenAll(
                _loops.Select(loop => loop.DrainAsync(grace / 2 < EventLoop.SettleLimit ? grace / 2 : EventLoop.SettleLimit)))
                    .WaitAsync(grace).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            foreach (EventLoop loop in _loops) loop.Abandon();
        }

        // The actors end on their loops, so the loops end last.
        await _system.Terminate().ConfigureAwait(false);
        foreach (EventLoop loop in _loops) loop.Stop();
        foreach (Thread thread in _threads) thread.Join();
        foreach (EventLoop loop in _loops) loop.Dispose();
        _channels?.Dispose();
        _meter?.Dispose();
        _descriptorLog?.Dispose();
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync() => await StopAsync(TimeSpan.Zero).ConfigureAwait(false);
}
