using System.Net;
using Broker.Core.Framing;
using Broker.Core.Upgrade;
using Broker.Reactor;
using Broker.Reactor.Loops;
using Broker.Reactor.Sockets;
using Broker.Reactor.Sockets.Interop;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Broker.Tests.Support;

/// <summary>One loop, turned by the test's own thread, with a clock that the test moves and clients over loopback.</summary>
/// <remarks>Nothing sleeps: a test waits for a condition, and turns the loop meanwhile.</remarks>
internal sealed class LoopHarness : IDisposable
{
    // Both: a loop that is never idle takes its turns in no time, and the kernel may have delivered nothing by then.
    private const int TurnsMax = 8000;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private const int SendBufferOption = 7, ReceiveBufferOption = 8;

    private readonly List<LoopClient> _clients = [];
    private readonly List<Exception> _failures = [];

    public LoopHarness(ReactorSettings? settings = null, WebSocketEndpoint? endpoint = null)
    {
        Settings = settings ?? new ReactorSettings();
        Acceptor = new RecordingAcceptor(endpoint ?? Endpoint);
        Loop = ReactorFactory.Create(number: 3, Settings, Acceptor, Time);
        Loop.WorkFailed += _failures.Add;
        Listener = ListeningSocket.OpenAll(new IPEndPoint(IPAddress.Loopback, 0), count: 1, backlog: 128)[0];
        Loop.Listen(Listener);
    }

    public static WebSocketEndpoint Endpoint { get; } = new()
    {
        Path = "/ws",
        Subprotocols = new SubprotocolChoice([], fallback: null, refusesUnmatched: false),
        Origins = new OriginRule([]),
        Engine = new FrameEngineSettings(MessageBytesMax: 1 << 20, FragmentsMax: 100),
    };

    /// <summary>What the clients read with, one at a time.</summary>
    public byte[] ClientChunk { get; } = new byte[64 * 1024];

    public FakeTimeProvider Time { get; } = new();

    public ReactorSettings Settings { get; }

    public SocketReactor Loop { get; }

    public ListeningSocket Listener { get; }

    public RecordingAcceptor Acceptor { get; }

    /// <summary>What reached <see cref="EventLoop.WorkFailed"/>; a test that expects any takes them out.</summary>
    public IReadOnlyList<Exception> TakeFailures()
    {
        Exception[] taken = [.. _failures];
        _failures.Clear();
        return taken;
    }

    /// <summary>Turns the loop until something holds.</summary>
    public void Until(Func<bool> condition, string what = "the condition")
    {
        long start = Environment.TickCount64;
        for (int turns = 0; !condition(); turns++)
        {
            if (turns >= TurnsMax && Environment.TickCount64 - start > s_patience.TotalMilliseconds)
                Assert.Fail($"After {turns} turns {what} did not hold.");
            Loop.RunOnce(1);
        }
    }

    /// <summary>Turns the loop so often that whatever can happen without time has happened.</summary>
    public void Settle()
    {
        for (int turn = 0; turn < 12; turn++) Loop.RunOnce(turn < 10 ? 0 : 1);
    }

    /// <summary>Moves the clock past a limit, by one tick of the wheel more, and turns the loop once.</summary>
    public void Pass(TimeSpan limit)
    {
        Time.Advance(limit + TimeSpan.FromMilliseconds(64));
        Loop.RunOnce(0);
    }

    public LoopClient Connect(int bufferBytes = 0)
    {
        int before = Loop.Connections;
        var client = new LoopClient(this, bufferBytes);
        _clients.Add(client);
        Until(() => Loop.Connections == before + 1, "the accept");
        return client;
    }

    /// <summary>A client whose handshake is done, and the handler above it.</summary>
    public (LoopClient Client, RecordingHandler Handler) Open(int bufferBytes = 0)
    {
        LoopClient client = Connect(bufferBytes);
        client.Write(LoopClient.Request());
        Assert.StartsWith("HTTP/1.1 101 ", client.TakeHead(), StringComparison.Ordinal);
        return (client, Acceptor.Handlers[^1]);
    }

    /// <summary>Ends the only client, and waits until the loop has noticed.</summary>
    public void End(LoopClient client)
    {
        client.Dispose();
        Until(() => Loop.Connections == 0, "the end of the connection");
    }

    /// <summary>An open client whose kernel buffers hold little, on both sides, so that a few kilobytes block it.</summary>
    public unsafe (LoopClient Client, RecordingHandler Handler) OpenNarrow()
    {
        (LoopClient client, RecordingHandler handler) = Open(bufferBytes: 8 * 1024);
        int bytes = 8 * 1024;
        int descriptor = ((SocketConnection)handler.Connection).Descriptor;
        _ = Libc.SetSocketOption(descriptor, Libc.LevelSocket, SendBufferOption, &bytes, sizeof(int));
        _ = Libc.SetSocketOption(descriptor, Libc.LevelSocket, ReceiveBufferOption, &bytes, sizeof(int));
        return (client, handler);
    }

    /// <summary>Everything is gone: no connection, no rented buffer, and no failure that no one expected.</summary>
    public void AssertNothingLeft()
    {
        Until(() => Loop.Connections == 0, "the end of the last connection");
        Loop.RunOnce(0);
        Assert.Equal(0, Loop.Pool.Outstanding);
        Assert.Equal(0, Loop.Timers.Count);
        Assert.Empty(_failures);
    }

    public void Dispose()
    {
        foreach (LoopClient client in _clients) client.Dispose();
        Loop.Dispose();
    }
}
