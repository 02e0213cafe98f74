using System.Net;
using System.Net.Sockets;
using Akka.Actor;
using Akka.Event;
using Broker.Actors;
using Broker.Actors.Routing;
using Broker.Actors.Rpc;
using Broker.Actors.Sessions;
using Broker.Actors.Settings;
using Broker.Actors.Streams;
using Broker.Core.Protocol.Messages;
using Broker.Reactor;
using Broker.Reactor.Loops;
using Broker.Reactor.Sockets;
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
    private readonly HubSettings _settings;
    private readonly HubDialects _dialects;
    private readonly LoopReplies[] _replies;
    private readonly IPEndPoint[] _ports;
    private readonly IActorRef[] _shards;
    private readonly IActorRef[] _sessions;

    /// <summary>Starts a hub.</summary>
    /// <param name="settings">All that can be set; <c>Reactors</c> loops are made, one if it is 0.</param>
    public HubHarness(HubSettings? settings = null)
        : this(settings ?? new HubSettings(), new FakeTimeProvider(), new HubCounters())
    {
    }

    private HubHarness(HubSettings settings, FakeTimeProvider time, HubCounters counters)
        : this(settings, time, counters, new HubAcceptor(settings, counters))
    {
    }

    private HubHarness(HubSettings settings, FakeTimeProvider time, HubCounters counters, HubAcceptor acceptor)
        : base([.. Enumerable.Range(0, Math.Max(1, settings.Reactors)).Select(number => ReactorFactory.Create(number, settings.Reactor, acceptor, time))])
    {
        _time = time;
        _settings = settings;
        _dialects = new HubDialects(settings, Methods, "1.2.3");
        Counters = counters;
        _reactors = [.. Loops.Cast<SocketReactor>()];
        _replies = [.. _reactors.Select(reactor => new LoopReplies(reactor.Pool))];
        IActorRef[] fanOuts = Start("fan-out", loop => FanOutActor.PropsFor(_reactors[loop], _replies[loop], settings.Routing));
        var numbers = new ChannelNumbers();
        _shards = Start("router", loop => RouterShardActor.PropsFor(loop, fanOuts, numbers, settings.Routing, _reactors[loop].Counters));
        var around = new SessionEnvironment(settings.Centrifuge, new Permissions(settings.Centrifuge), new RoutingTable(_shards), new CallEnvironment(Methods, settings.Calls, time) { Clients = Clients = new ClientCalls(settings.Calls, time) }, NoLogger.Instance);
        acceptor.Sessions = _sessions = Start("sessions", loop => SessionsActor.PropsFor(around, connection => DialectOf(connection, _replies[loop])));

        var listeners = _reactors.Select(_ => ListeningSocket.OpenAll(new IPEndPoint(IPAddress.Loopback, 0), 1, 128)[0]).ToArray();
        _ports = [.. listeners.Select(listener => listener.EndPoint)];
        foreach (SocketReactor reactor in _reactors) reactor.Listen(listeners[reactor.Number]);

        IActorRef[] Start(string name, Func<int, Props> props) =>
            [.. _reactors.Select(reactor => this.Start(reactor.Number, props(reactor.Number), $"{name}-{reactor.Number}"))];
    }

    /// <summary>What clients may call; to be filled between two turns.</summary>
    public Methods Methods { get; } = new();

    /// <summary>Calls methods of clients.</summary>
    public ClientCalls Clients { get; }

    /// <summary>What the hub counted.</summary>
    public HubCounters Counters { get; }

    /// <summary>Puts another dialect above the next connections.</summary>
    public Func<Connection, IDialect, IDialect> Wrap { get; set; } = (_, dialect) => dialect;

    /// <summary>Exceptions that the test has caused itself; any other fails the test at its end.</summary>
    public int FailuresExpected { get; set; }

    private IDialect DialectOf(Connection connection, LoopReplies replies) => Wrap(connection, _dialects.Of(connection, replies));

    /// <summary>A client whose handshake is done.</summary>
    public HubClient Dial(int loop = 0, string? path = null, int? receiveBufferBytes = null, string? subprotocol = null)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        if (receiveBufferBytes is { } bytes) socket.ReceiveBufferSize = bytes;
        socket.Connect(_ports[loop]);
        socket.Blocking = false;
        var client = new HubClient(this, socket);
        _clients.Add(client);
        client.Upgrade(path ?? _settings.Centrifuge.Path, subprotocol);
        return client;
    }

    /// <summary>A client that has said connect.</summary>
    public HubClient Connect(int loop = 0, int? receiveBufferBytes = null)
    {
        HubClient client = Dial(loop, receiveBufferBytes: receiveBufferBytes);
        client.Say("""{"id":1,"connect":{}}""");
        Assert.StartsWith("""{"id":1,"connect":{"client":""", client.NextLine(), StringComparison.Ordinal);
        return client;
    }

    /// <summary>A native client that has its welcome.</summary>
    public NativeClient ConnectNative(bool batched = true, int loop = 0, byte[]? hello = null, int? receiveBufferBytes = null)
    {
        NativeClient client = DialNative(batched, loop, receiveBufferBytes);
        client.Say(hello ?? NativeClient.Hello());
        Assert.StartsWith("welcome ", client.Next(), StringComparison.Ordinal);
        return client;
    }

    /// <summary>A native client that has said nothing.</summary>
    public NativeClient DialNative(bool batched = true, int loop = 0, int? receiveBufferBytes = null) =>
        new(Dial(loop, _settings.Native.Path, receiveBufferBytes, subprotocol: batched ? NativeProtocol.Batched : NativeProtocol.Unbatched), batched);

    /// <summary>Moves the clock, and gives the loops turns to notice; a deadline may be one tick of 64 ms late.</summary>
    public void Advance(TimeSpan by)
    {
        Pass(by);
        Turn(4);
    }

    /// <summary>Moves the clock inside a turn: Akka's. That of the loops, in whose timer wheels the hub's deadlines are, follows it.</summary>
    public void Pass(TimeSpan time)
    {
        DateTimeOffset before = Scheduler.Now;
        Scheduler.Advance(time);
        _time.Advance(Scheduler.Now - before);
    }

    /// <summary>A message that no home of channels is ready for.</summary>
    public void FailRouter(int shard) =>
        _shards[shard].Tell(new RoutingProtocol.Publish(Channel: null!, default, default, ActorRefs.Nobody, 1, 1), ActorRefs.NoSender);

    /// <summary>A message that no session is ready for, to the session that was opened as the n-th of its loop.</summary>
    public void FailSession(int loop, int number) =>
        System.ActorSelection($"/user/sessions-{loop}/${(char)('a' + number)}").Tell(new SessionProtocol.Commands([null!]), ActorRefs.NoSender);

    /// <summary>Everything that lives under the parent of a loop's sessions: sessions, and the actors of their streams.</summary>
    public IReadOnlyList<string> ActorsOf(int loop) => Under((ActorRefWithCell)_sessions[loop]);

    private static List<string> Under(ActorRefWithCell actor) =>
        [.. actor.Children.Cast<ActorRefWithCell>().SelectMany(child => Under(child).Prepend(child.Path.Name))];

    /// <summary>Says goodbye to every client, as a hub that stops.</summary>
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
