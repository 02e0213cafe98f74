using Broker.Actors.Api;
using Broker.Actors.Calls.Inbound;
using Broker.Actors.Calls.Methods;
using Broker.Actors.Calls.Outbound;
using Broker.Actors.Channels.Delivery;
using Broker.Actors.Channels.Relay;
using Broker.Actors.Metrics;
using Broker.Dialects;
using System.Net;
using System.Net.Sockets;
using Akka.Actor;
using Akka.Event;
using Broker.Actors;
using Broker.Actors.Access;
using Broker.Actors.Channels;
using Broker.Actors.Channels.FanOut;
using Broker.Actors.Channels.Home;
using Broker.Actors.Channels.Namespaces;
using Broker.Actors.Dialects;
using Broker.Actors.Limits;
using Broker.Actors.Recent;
using Broker.Actors.Runtime;
using Broker.Actors.Sessions;
using Broker.Actors.Settings;
using Broker.Actors.Streams;
using Broker.Core.Protocol.Messages;
using Broker.Reactor;
using Broker.Reactor.Loops;
using Broker.Reactor.Sockets;
using Broker.Reactor.Pipes;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Broker.Tests.Support;

/// <summary>
/// A whole hub, wired as <see cref="Hub"/> wires it, whose loops the test's thread drives and whose clock the test moves.
/// Each loop listens on a port of its own, so that a client picks its loop.
/// </summary>
internal sealed class HubHarness : TurnedLoop
{
    private readonly FakeTimeProvider _time;
    private readonly SocketReactor[] _reactors;
    private readonly List<HubClient> _clients = [];
    private readonly StandardSettings _settings;
    private readonly DialectRegistry _dialects;
    private readonly LoopTurn[] _turns;
    private readonly IPEndPoint[] _ports;
    private readonly IActorRef[] _homes;
    private readonly IActorRef[] _sessions;
    private readonly HubApi _api = new();

    /// <summary>Starts a hub.</summary>
    /// <param name="settings">All that can be set; <c>Reactors</c> loops are made, one if it is 0.</param>
    public HubHarness(StandardSettings? settings = null)
        : this(settings ?? new StandardSettings(), new FakeTimeProvider(), new HubCounters())
    {
    }

    /// <summary>Starts a hub with dialects and access of the test's own.</summary>
    public HubHarness(StandardSettings settings, IEnumerable<IDialectFactory> dialects, IHubAccess? access = null)
        : this(settings, new FakeTimeProvider(), new HubCounters(), dialects, access)
    {
    }

    private HubHarness(
        StandardSettings settings, FakeTimeProvider time, HubCounters counters, IEnumerable<IDialectFactory>? dialects =
            null, IHubAccess? access = null)
        : this(settings, time, counters, new MethodRegistry(), dialects ?? StandardDialects.Of(settings), access)
    {
    }

    private HubHarness(
        StandardSettings settings, FakeTimeProvider time, HubCounters counters, MethodRegistry methods,
            IEnumerable<IDialectFactory> dialects, IHubAccess? access)
        : this(settings, time, counters, methods, Hub.RegistryOf(settings.Hub, dialects, methods, "1.2.3"), access)
    {
    }

    private HubHarness(
        StandardSettings settings, FakeTimeProvider time, HubCounters counters, MethodRegistry methods, DialectRegistry dialects,
            IHubAccess? access)
        : this(settings, time, counters, methods, dialects, access, new HubAcceptor(settings.Hub, counters, dialects))
    {
    }

    private HubHarness(
        StandardSettings settings, FakeTimeProvider time, HubCounters counters, MethodRegistry methods, DialectRegistry dialects,
            IHubAccess? access, HubAcceptor acceptor)
        : base([.. Enumerable.Range(0, Math.Max(1, settings.Reactors))
        .Select(number => ReactorFactory.Create(number, settings.Reactor, acceptor, time))])
    {
        _time = time;
        _settings = settings;
        Methods = methods;
        _dialects = dialects;
        Counters = counters;
        _reactors = [.. Loops.Cast<SocketReactor>()];
        _turns = [.. _reactors.Select(
            reactor => new LoopTurn(reactor) { Ends = new RecentEnds(settings.Explain.BytesMax / _reactors.Length, time) })];
        IActorRef[] fanOuts = Start("fan-out", loop => LoopFanOutActor.PropsFor(_turns[loop], dialects.Formats, settings.Routing));
        var namespaces = new ChannelNamespaces(settings.Channels, settings.Namespaces);
        var channels = Channels =
            new ChannelContext(fanOuts, dialects.Formats, settings.Routing)
                { Homes = new ChannelHomeContext(namespaces, settings.History, time) };
        _homes = Start("router", loop => ChannelHomeActor.PropsFor(loop, channels, _reactors[loop].Counters, _reactors[loop]));
        var connected = _reactors.Select(static _ => new LoopSessions()).ToArray();
        var context =
            new SessionContext(
                settings.Clients, access ?? new SettingsAccess(settings.Access, namespaces), new ChannelRoutes(_homes),
                    new CallContext(Methods, settings.Calls, time)
                        { Clients = Clients = new ClientCalls(settings.Calls, time) }, NoLogger.Instance)
                            { Namespaces = namespaces, History = settings.History };
        Limits = acceptor.Limits =
            ClientLimits.Of(settings.Limits, settings.Clients.ResumeCommands, settings.Clients.ResumeBytes, time, counters.Limited);
        context = context with { Limits = Limits };
        acceptor.Sessions = _sessions =
            Start("sessions",
                loop => SessionsActor.PropsFor(
                    context with { Connected = connected[loop], FanOut = fanOuts[loop], Ends = _turns[loop].Ends }, connection =>
                        DialectOf(connection, _turns[loop])));
        _api.Start(new HubApiContext(settings.Clients, namespaces, context.Routes, _homes, _sessions, "1.2.3", time));

        var listeners = _reactors.Select(_ => ListeningSocket.OpenAll(new IPEndPoint(IPAddress.Loopback, 0), 1, 128)[0]).ToArray();
        _ports = [.. listeners.Select(listener => listener.EndPoint)];
        foreach (SocketReactor reactor in _reactors) reactor.Listen(listeners[reactor.Number]);

        IActorRef[] Start(string name, Func<int, Props> props) =>
            [.. _reactors.Select(reactor => this.Start(reactor.Number, props(reactor.Number), $"{name}-{reactor.Number}"))];
    }

    /// <summary>What the homes of channels share.</summary>
    public ChannelContext Channels { get; }

    /// <summary>The rates of clients; null where nothing is limited.</summary>
    public ClientLimits? Limits { get; }

    /// <summary>What clients may call; to be filled between two turns.</summary>
    public MethodRegistry Methods { get; }

    /// <summary>Calls methods of clients.</summary>
    public ClientCalls Clients { get; }

    /// <summary>What a server asks of the hub.</summary>
    public IHubApi Api => _api;

    /// <summary>What comes of a server's question, the loops being driven until it has come.</summary>
    public T Answer<T>(Task<T> task)
    {
        RunUntil(() => task.IsCompleted, "the hub answers its server");
        return task.GetAwaiter().GetResult();
    }

    /// <summary>Drives the loops until a server's call has been done.</summary>
    public void Await(Task task)
    {
        RunUntil(() => task.IsCompleted, "the hub does what its server asks");
        task.GetAwaiter().GetResult();
    }

    /// <summary>What the hub counted.</summary>
    public HubCounters Counters { get; }

    /// <summary>Puts another dialect above the next connections.</summary>
    public Func<Connection, IDialectSession, IDialectSession> Wrap { get; set; } = (_, dialect) => dialect;

    /// <summary>Exceptions that the test has caused itself; any other fails the test at its end.</summary>
    public int FailuresExpected { get; set; }

    private IDialectSession DialectOf(Connection connection, LoopTurn turn) => Wrap(connection, _dialects.CreateSession(connection, turn));

    /// <summary>Whether clients of the Centrifuge dialect use its Protobuf form.</summary>
    public bool IsProtobuf { get; init; }

    /// <summary>A client whose handshake is done.</summary>
    public HubClient Dial(int loop = 0, string? path = null, int? receiveBufferBytes = null, string? subprotocol = null)
    {
        bool isProtobuf = IsProtobuf && path is null && subprotocol is null;
        HubClient client = Open(loop, receiveBufferBytes, isProtobuf);
        client.Upgrade(
            path ?? _settings.Centrifuge.Path, isProtobuf ? global::Broker.Dialects.Centrifuge.Wire.CentrifugeProtocol.ProtobufSubprotocol
                : subprotocol);
        return client;
    }

    /// <summary>What a client is answered whose handshake is refused.</summary>
    public string DialRefused() => Open(loop: 0, receiveBufferBytes: null, isProtobuf: false).UpgradeRefused(_settings.Centrifuge.Path);

    private HubClient Open(int loop, int? receiveBufferBytes, bool isProtobuf)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        if (receiveBufferBytes is { } bytes) socket.ReceiveBufferSize = bytes;
        socket.Connect(_ports[loop]);
        socket.Blocking = false;
        var client = new HubClient(this, socket) { IsProtobuf = isProtobuf };
        _clients.Add(client);
        return client;
    }

    /// <summary>A client that has said connect.</summary>
    public HubClient Connect(int loop = 0, int? receiveBufferBytes = null)
    {
        HubClient client = Dial(loop, receiveBufferBytes: receiveBufferBytes);
        client.Send("""{"id":1,"connect":{}}""");
        Assert.StartsWith("""{"id":1,"connect":{"client":""", client.NextLine(), StringComparison.Ordinal);
        return client;
    }

    /// <summary>A native client that has its welcome.</summary>
    public NativeClient ConnectNative(bool batched = true, int loop = 0, byte[]? hello = null, int? receiveBufferBytes = null)
    {
        NativeClient client = DialNative(batched, loop, receiveBufferBytes);
        client.Send(hello ?? NativeClient.Hello());
        Assert.StartsWith("welcome ", client.Next(), StringComparison.Ordinal);
        return client;
    }

    /// <summary>A native client that has said nothing.</summary>
    public NativeClient DialNative(bool batched = true, int loop = 0, int? receiveBufferBytes = null) =>
        new(Dial(loop, _settings.Native.Path, receiveBufferBytes, subprotocol: batched ? NativeProtocol.Batched
            : NativeProtocol.Unbatched), batched);

    /// <summary>Moves the clock, and gives the loops turns to notice; a deadline may be one tick of 64 ms late.</summary>
    public void Advance(TimeSpan by)
    {
        Pass(by);
        Turn(4);
    }

    /// <summary>
    /// Moves the clock inside a turn: Akka's. That of the loops, in whose timer wheels the hub's deadlines are, follows it.
    /// </summary>
    public void Pass(TimeSpan time)
    {
        DateTimeOffset before = Scheduler.Now;
        Scheduler.Advance(time);
        _time.Advance(Scheduler.Now - before);
    }

    /// <summary>A message that no home of channels is ready for.</summary>
    public void FailRouter(int shard) =>
        _homes[shard].Tell(new ChannelProtocol.Publish(Channel: null!, default, ActorRefs.Nobody, 1, 1), ActorRefs.NoSender);

    /// <summary>A message that no session is ready for, to the session that was opened as the n-th of its loop.</summary>
    public void FailSession(int loop, int number) =>
        System.ActorSelection($"/user/sessions-{loop}/${(char)('a' + number)}")
            .Tell(new SessionProtocol.Commands([null!]), ActorRefs.NoSender);

    /// <summary>Everything that lives under the parent of a loop's sessions: sessions, and the actors of their streams.</summary>
    public IReadOnlyList<string> ActorsOf(int loop) => Under((ActorRefWithCell)_sessions[loop]);

    private static List<string> Under(ActorRefWithCell actor) =>
        [.. actor.Children.Cast<ActorRefWithCell>().SelectMany(child => Under(child).Prepend(child.Path.Name))];

    /// <summary>Sends bye to every client, as a hub that stops.</summary>
    public Task Drain() => Task.WhenAll(_reactors.Select(reactor => reactor.DrainAsync()));

    public override void Dispose()
    {
        foreach (HubClient client in _clients) client.Dispose();
        foreach (SocketReactor reactor in _reactors) reactor.Abandon();
        RunUntil(() => _reactors.All(reactor => reactor.Connections == 0), "the last connection ends");
        base.Dispose();
        Assert.True(Failures.Count == FailuresExpected, $"Work on a loop failed: {string.Join('\n', Failures)}");
        Assert.All(_reactors, reactor => Assert.Equal(0, reactor.Pool.Outstanding));
    }
}
