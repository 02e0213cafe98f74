using System.Text;
using Broker.Reactor.Loops;
using Broker.Reactor.Sockets;
using Broker.Tests.Support;

namespace Broker.Tests.Reactor.Sockets;

/// <summary>At the limit of open files: the one that comes is answered, and no caller waits in the kernel.</summary>
public abstract class FullDescriptorsTests(ReactorBackend backend) : BackendTest(backend)
{
    private const int SparesMax = 16;

    private static readonly byte[] s_plain = Encoding.ASCII.GetBytes("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");

    // Every descriptor is of its reserve, so that each client finds the limit reached.
    private static DescriptorReserve Full(LoopHarness harness) => new(limit: 64, new HashSet<int>(), harness.Time);

    [Fact]
    public void A_WebSocket_is_answered_503_with_Retry_After()
    {
        using var harness = NewHarness();
        using DescriptorReserve full = harness.Loop.Reserve = Full(harness);
        LoopClient client = harness.Connect();
        client.Write(LoopClient.Request());

        string head = client.TakeHead();
        Assert.StartsWith("HTTP/1.1 503 ", head, StringComparison.Ordinal);
        Assert.Contains("Retry-After: ", head, StringComparison.Ordinal);
        harness.Pass(TimeSpan.FromSeconds(1));
        harness.AssertNothingLeft();
        Assert.True(full.IsShort);
    }

    [Fact]
    public void Plain_HTTP_is_handed_over_as_a_spare()
    {
        using var harness = NewHarness();
        harness.Acceptor.TakesPlainHttp = true;
        using DescriptorReserve full = harness.Loop.Reserve = Full(harness);
        for (int i = 0; i <= SparesMax; i++)
        {
            LoopClient client = harness.Connect();
            client.Write(s_plain);
            harness.Until(() => harness.Loop.Connections == 0, "the hand-over");
            Assert.True(harness.Acceptor.Taken!.IsSpare);
            _ = Broker.Reactor.Sockets.Interop.Libc.Close(harness.Acceptor.Taken.Descriptor);
        }
    }

    [Fact]
    public void The_oldest_silent_connection_gives_way()
    {
        using var harness = NewHarness();
        using DescriptorReserve full = harness.Loop.Reserve = Full(harness);
        for (int i = 0; i < SparesMax; i++) harness.Connect();

        var late = new LoopClient(harness, 0);
        harness.Until(() => harness.Acceptor.Ends.Count == 1, "the end of the oldest");
        late.Write(LoopClient.Request());
        Assert.StartsWith("HTTP/1.1 503 ", late.TakeHead(), StringComparison.Ordinal);

        Assert.Equal(ClosureCause.HandshakeRefused, harness.Acceptor.Ends[0].Closure.Cause);
        harness.Pass(TimeSpan.FromSeconds(1));
        harness.Until(() => harness.Acceptor.Ends.Count == SparesMax + 1, "their second is over");
        late.Dispose();
    }

    [Fact]
    public void A_connection_without_a_request_gives_way_after_a_second()
    {
        using var harness = NewHarness();
        LoopClient idle = harness.Connect();
        (LoopClient open, _) = harness.Open();
        using DescriptorReserve full = harness.Loop.Reserve = Full(harness);

        // A request may be on its way.
        LoopClient first = harness.Connect();
        Assert.Empty(harness.Acceptor.Ends);
        first.Dispose();
        harness.Until(() => harness.Acceptor.Ends.Count == 1, "the end of the first");

        harness.Time.Advance(TimeSpan.FromSeconds(1));
        using var second = new LoopClient(harness, 0);
        harness.Until(() => harness.Acceptor.Ends.Count == 2, "the end of the idle one");
        Assert.Contains("it had sent no request", harness.Acceptor.Ends[1].Closure.Reason, StringComparison.Ordinal);
        Assert.Contains(harness.Acceptor.Handlers, static handler => handler.Connection.Closure is null);
        idle.Dispose();
        open.Dispose();
    }
}

public sealed class FullDescriptorsOverEpoll() : FullDescriptorsTests(ReactorBackend.Epoll);

public sealed class FullDescriptorsOverRing() : FullDescriptorsTests(ReactorBackend.IoUring);
