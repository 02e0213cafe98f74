using Broker.Reactor.Loops;
using Broker.Reactor.Sockets;
using Broker.Reactor.Sockets.Interop;
using Broker.Tests.Support;
using Xunit;

namespace Broker.Tests.Reactor.Sockets;

/// <summary>Who is ready when a turn begins is served in it: what a turn causes leaves together, so turns must not be cut short.</summary>
public abstract class FullTurnTests : BackendTest, IDisposable
{
    private const int Clients = 70;
    private const int Turns = 12;               // Some with a poll for each read, the others with standing receives.
    private const int Peek = 2;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    private readonly LoopHarness _harness;

    protected FullTurnTests(ReactorBackend backend)
        : base(backend) => _harness = NewHarness();

    public void Dispose()
    {
        _harness.Dispose();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public void A_turn_serves_every_ready_connection()
    {
        (LoopClient Client, RecordingHandler Handler)[] all = [.. Enumerable.Range(0, Clients).Select(_ => _harness.Open())];
        for (int turn = 1; turn <= Turns; turn++)
        {
            _harness.Settle();
            foreach ((LoopClient client, RecordingHandler handler) in all)
            {
                client.WriteSome(LoopClient.Text("hello"));
                Assert.True(SpinWait.SpinUntil(() => HasArrived(handler), s_limit), "What a client wrote did not arrive.");
            }

            _harness.Loop.RunOnce(0);

            Assert.All(all, one => Assert.Equal(turn, one.Handler.Messages.Count));
        }
    }

    private static unsafe bool HasArrived(RecordingHandler handler)
    {
        byte first;
        return Libc.Receive(((SocketConnection)handler.Connection).Descriptor, &first, 1, Peek | Libc.DontWait) == 1;
    }
}

public sealed class EpollFullTurnTests() : FullTurnTests(ReactorBackend.Epoll);

public sealed class RingFullTurnTests() : FullTurnTests(ReactorBackend.IoUring);
