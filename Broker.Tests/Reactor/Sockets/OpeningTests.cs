using System.Net.Sockets;
using System.Text;
using Broker.Core.Framing;
using Broker.Reactor.Loops;
using Broker.Tests.Support;
using Xunit;

namespace Broker.Tests.Reactor.Sockets;

/// <summary>From the first byte of a connection to its handler, or to its refusal.</summary>
public abstract class OpeningTests(ReactorBackend backend) : BackendTest(backend)
{
    [Fact]
    public void A_request_cut_anywhere_opens_a_connection()
    {
        using var harness = NewHarness();
        foreach (byte[][] parts in Cuts.InTwo(LoopClient.Request()))
        {
            LoopClient client = harness.Connect();
            client.Write(parts[0]);
            harness.Loop.RunOnce(1);
            client.Write(parts[1]);

            Assert.StartsWith("HTTP/1.1 101 ", client.TakeHead(), StringComparison.Ordinal);
            harness.End(client);
        }

        Assert.Equal(LoopClient.Request().Length - 1, harness.Acceptor.Handlers.Count);
        harness.AssertNothingLeft();
    }

    [Fact]
    public void A_request_that_comes_byte_by_byte_opens_a_connection()
    {
        using var harness = NewHarness();
        LoopClient client = harness.Connect();
        foreach (byte one in LoopClient.Request())
        {
            client.Write(one);
            harness.Loop.RunOnce(1);
        }

        Assert.Contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", client.TakeHead(), StringComparison.Ordinal);
    }

    [Theory, InlineData(true), InlineData(false)]
    public void Frames_right_behind_a_request_reach_the_handler_whenever_it_is_attached(bool atOnce)
    {
        using var harness = NewHarness();
        harness.Acceptor.AttachesAtOnce = atOnce;
        byte[] wire = Wire.Join(LoopClient.Request(), LoopClient.Text("Hello"), LoopClient.Text("World"));
        foreach (byte[][] parts in Cuts.InTwo(wire).Append([wire]))
        {
            LoopClient client = harness.Connect();
            foreach (byte[] part in parts)
            {
                client.Write(part);
                harness.Loop.RunOnce(1);
            }

            client.TakeHead();
            RecordingHandler handler = harness.Acceptor.Handlers[^1];
            if (!atOnce)
            {
                Assert.Empty(handler.Messages);
                handler.Connection.Attach(handler);
            }

            harness.Until(
                () => handler.Messages.Count == 2, $"two messages of {string.Join('+', parts.Select(part => part.Length))} bytes");
            Assert.Equal(["Hello", "World"], handler.Messages);
            harness.End(client);
        }
    }

    [Fact]
    public void Nothing_is_read_before_there_is_a_handler_and_all_in_order_afterwards()
    {
        using var harness = NewHarness();
        harness.Acceptor.AttachesAtOnce = false;
        (LoopClient client, RecordingHandler handler) = harness.Open();
        client.Write(LoopClient.Text("one"));
        client.Write(LoopClient.Text("two"));
        harness.Settle();

        handler.Connection.Attach(handler);
        client.Write(LoopClient.Text("three"));

        harness.Until(() => handler.Messages.Count == 3);
        Assert.Equal(["one", "two", "three"], handler.Messages);
    }

    [Fact]
    public void Frames_behind_a_request_wait_while_the_handler_does_not_want_to_read()
    {
        using var harness = NewHarness();
        harness.Acceptor.Attached = handler => handler.Connection.PauseReading();
        LoopClient client = harness.Connect();
        client.Write(Wire.Join(LoopClient.Request(), LoopClient.Text("one")));
        client.TakeHead();
        client.Write(LoopClient.Text("two"));
        harness.Settle();
        RecordingHandler handler = harness.Acceptor.Handlers[0];
        Assert.Empty(handler.Messages);

        handler.Connection.ResumeReading();

        harness.Until(() => handler.Messages.Count == 2);
        Assert.Equal(["one", "two"], handler.Messages);
    }

    [Fact]
    public void A_handler_may_write_as_soon_as_it_is_attached()
    {
        using var harness = NewHarness();
        harness.Acceptor.Attached = handler => handler.Connection.Write(FrameWriter.Frame(Opcode.Text, "first"u8));
        (LoopClient client, _) = harness.Open();

        Assert.Equal(FrameWriter.Frame(Opcode.Text, "first"u8), client.Take(7));
    }

    [Fact]
    public void A_handler_can_only_be_attached_once()
    {
        using var harness = NewHarness();
        (_, RecordingHandler handler) = harness.Open();

        Assert.Throws<InvalidOperationException>(() => handler.Connection.Attach(handler));
    }

    [Theory, InlineData(""), InlineData("GET /ws HTTP/1.1\r\nHost: h")]
    public void A_request_that_is_late_is_answered_408(string begun)
    {
        using var harness = NewHarness();
        LoopClient client = harness.Connect();
        client.Write(Encoding.ASCII.GetBytes(begun));
        harness.Settle();

        harness.Time.Advance(harness.Settings.HandshakeLimit - TimeSpan.FromMilliseconds(1));
        harness.Loop.RunOnce(0);
        Assert.Empty(harness.Acceptor.Ends);
        harness.Pass(TimeSpan.FromMilliseconds(1));

        AssertRefused(harness, client, 408, ClosureCause.HandshakeTimeout);
    }

    [Fact]
    public void A_client_that_drips_its_request_is_late_all_the_same()
    {
        using var harness = NewHarness();
        LoopClient client = harness.Connect();
        for (int i = 0; i < 11; i++)
        {
            client.Write(LoopClient.Request()[i]);
            harness.Loop.RunOnce(1);
            harness.Pass(harness.Settings.HandshakeLimit / 11);
        }

        AssertRefused(harness, client, 408, ClosureCause.HandshakeTimeout);
    }

    [Fact]
    public void A_head_that_is_too_long_is_answered_431()
    {
        using var harness = NewHarness(new ReactorSettings { HeadBytesMax = 300 });
        LoopClient client = harness.Connect();
        client.Write(Encoding.ASCII.GetBytes("GET /ws HTTP/1.1\r\n"));
        harness.Loop.RunOnce(1);
        client.Write(Encoding.ASCII.GetBytes($"X: {new string('x', 400)}"));

        AssertRefused(harness, client, 431, ClosureCause.HandshakeRefused);
    }

    [Fact]
    public void A_path_without_an_endpoint_is_answered_404()
    {
        using var harness = NewHarness();
        LoopClient client = harness.Connect();
        client.Write(LoopClient.Request("/nowhere"));

        AssertRefused(harness, client, 404, ClosureCause.HandshakeRefused);
    }

    [Fact]
    public void Plain_HTTP_without_a_handler_is_404()
    {
        using var harness = NewHarness();
        LoopClient client = harness.Connect();
        client.Write("GET / HTTP/1.1\r\nHost: hub\r\n\r\n"u8);

        AssertRefused(harness, client, 404, ClosureCause.HandshakeRefused);
    }

    [Fact]
    public void A_full_server_answers_503_and_when_to_come_again()
    {
        using var harness = NewHarness();
        harness.Acceptor.RetryAfter = TimeSpan.FromSeconds(5);
        LoopClient client = harness.Connect();
        client.Write(LoopClient.Request());

        string response = AssertRefused(harness, client, 503, ClosureCause.HandshakeRefused);
        Assert.Contains("Retry-After: 5\r\n", response, StringComparison.Ordinal);
    }

    [Fact]
    public void A_refusal_is_readable_though_the_client_goes_on_sending()
    {
        using var harness = NewHarness();
        LoopClient client = harness.Connect();
        client.Write(LoopClient.Request("/nowhere"));
        client.Write(Wire.Pattern(400_000));

        AssertRefused(harness, client, 404, ClosureCause.HandshakeRefused);
    }

    [Theory, InlineData(1), InlineData(2)]
    public void Plain_HTTP_is_handed_over_with_exactly_what_was_read(int writes)
    {
        byte[] request = "POST /metrics HTTP/1.1\r\nHost: hub\r\nContent-Length: 4\r\n\r\nbody"u8.ToArray();
        var harness = NewHarness();
        harness.Acceptor.TakesPlainHttp = true;
        LoopClient client = harness.Connect();
        foreach (byte[] part in request.Chunk((request.Length + writes - 1) / writes))
        {
            client.Write(part);
            harness.Loop.RunOnce(1);
        }

        harness.Until(() => harness.Acceptor.Taken is not null);
        HandedOver taken = harness.Acceptor.Taken!;
        byte[] received = taken.Received.ToArray();
        using var socket = new Socket(new SafeSocketHandle(taken.Descriptor, ownsHandle: true));
        if (received.Length < request.Length) received = [.. received, .. Rest(socket, request.Length - received.Length)];
        Assert.Equal(request, received);
        Assert.Equal(harness.Listener.EndPoint, taken.Local);
        Assert.Equal(socket.RemoteEndPoint, taken.Remote);
        Assert.Equal(ClosureCause.HandedOver, Assert.Single(harness.Acceptor.Ends).Closure.Cause);
        harness.AssertNothingLeft();

        // The loop was released of it: what comes later is not the loop's, and neither is the end of the socket.
        client.Write("more"u8);
        harness.Settle();
        harness.Pass(TimeSpan.FromHours(1));
        Assert.Equal("more"u8.ToArray(), Rest(socket, 4));
        socket.Send("HTTP/1.1 200 OK\r\n\r\n"u8);
        Assert.Equal("HTTP/1.1 200 OK\r\n\r\n", client.TakeHead());
        harness.Loop.Dispose();
        Assert.Equal(1, socket.Send("x"u8));
        Assert.Single(harness.Acceptor.Ends);
        harness.Dispose();
    }

    [Fact]
    public void A_loop_that_is_disposed_twice_closes_nothing_twice()
    {
        using var harness = NewHarness();
        harness.Open();
        harness.Loop.Dispose();
        using var stranger = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        using var another = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

        harness.Loop.Dispose();

        Assert.True(stranger.Available + another.Available == 0, "Still sockets.");
    }

    private static byte[] Rest(Socket socket, int count)
    {
        socket.Blocking = true;
        socket.ReceiveTimeout = 5000;
        byte[] rest = new byte[count];
        for (int read = 0; read < count;)
        {
            int more = socket.Receive(rest.AsSpan(read));
            Assert.NotEqual(0, more);
            read += more;
        }

        return rest;
    }

    // The answer is whole, the server's side ends in order, and no time has to pass for either.
    private static string AssertRefused(LoopHarness harness, LoopClient client, int status, ClosureCause cause)
    {
        string response = Encoding.ASCII.GetString(client.TakeRest());
        Assert.StartsWith($"HTTP/1.1 {status} ", response, StringComparison.Ordinal);
        (Connection connection, Closure closure) = Assert.Single(harness.Acceptor.Ends);
        Assert.Equal((cause, CloseCode.Abnormal), (closure.Cause, closure.Code));
        Assert.Null(connection.Endpoint);
        Assert.Empty(harness.Acceptor.Handlers);
        client.Dispose();
        harness.AssertNothingLeft();
        Assert.Single(harness.Acceptor.Ends);
        return response;
    }
}

public sealed class EpollOpeningTests() : OpeningTests(ReactorBackend.Epoll);

public sealed class RingOpeningTests() : OpeningTests(ReactorBackend.IoUring);
