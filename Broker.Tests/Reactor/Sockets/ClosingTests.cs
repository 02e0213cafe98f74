using Broker.Core.Framing;
using Broker.Reactor.Loops;
using Broker.Tests.Support;
using Xunit;

namespace Broker.Tests.Reactor.Sockets;

/// <summary>The closing handshake of RFC 6455 section 7 and the end of the TCP connection under it.</summary>
public abstract class ClosingTests : BackendTest, IDisposable
{
    private readonly LoopHarness _harness;

    protected ClosingTests(ReactorBackend backend)
        : base(backend) => _harness = NewHarness();

    public void Dispose()
    {
        _harness.Dispose();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public void The_servers_Close_goes_behind_what_is_queued_and_the_clients_answer_ends_it()
    {
        (LoopClient client, RecordingHandler handler) = _harness.Open();
        handler.Connection.Write(FrameWriter.Frame(Opcode.Text, "one"u8));
        handler.Connection.Write(FrameWriter.Frame(Opcode.Text, "two"u8));
        handler.Connection.Close((CloseCode)3001, "shutdown");
        handler.Connection.Write(FrameWriter.Frame(Opcode.Text, "three"u8));

        IReadOnlyList<Frame> frames = client.TakeFramesToClose();
        Assert.Equal(["one", "two"], frames.SkipLast(1).Select(frame => frame.Text));
        Assert.Equal(new ClosePayload((CloseCode)3001, "shutdown"), frames[^1].Close);

        client.Write(LoopClient.Text("ignored"));
        _harness.Settle();
        Assert.False(client.SawEnd);
        client.Write(LoopClient.Close((CloseCode)3001));
        Assert.Empty(client.TakeFramesToEnd());
        Assert.Empty(handler.Messages);
        client.Dispose();
        _harness.AssertNothingLeft();
    }

    [Fact]
    public void A_client_that_never_answers_the_Close_is_ended_at_the_limit()
    {
        (LoopClient client, RecordingHandler handler) = _harness.Open();
        handler.Connection.Close(CloseCode.Normal, "");
        client.TakeFramesToClose();
        _harness.Time.Advance(_harness.Settings.CloseLimit - TimeSpan.FromMilliseconds(1));
        _harness.Settle();
        Assert.Equal(1, _harness.Loop.Connections);

        _harness.Pass(TimeSpan.FromMilliseconds(1));

        Assert.Empty(client.TakeRest());
        _harness.AssertNothingLeft();
    }

    [Fact]
    public void A_client_that_talks_on_behind_the_Close_is_ended_at_the_limit_too()
    {
        (LoopClient client, RecordingHandler handler) = _harness.Open();
        handler.Connection.Close(CloseCode.Normal, "");
        for (int i = 0; i < 6; i++)
        {
            if (_harness.Loop.Connections > 0) client.Write(LoopClient.Text("talk"));
            _harness.Settle();
            _harness.Pass(TimeSpan.FromSeconds(1));
        }

        _harness.AssertNothingLeft();
        Assert.Empty(handler.Messages);
    }

    [Fact]
    public void The_clients_Close_is_answered_once_and_nothing_follows()
    {
        (LoopClient client, RecordingHandler handler) = _harness.Open();
        handler.Received = RecordingHandler.Echo;
        client.Write(
            Wire.Join(LoopClient.Text("one"), LoopClient.Close((CloseCode)4000, "why"), LoopClient.Text("two"), LoopClient.Close()));

        IReadOnlyList<Frame> frames = client.TakeFramesToEnd();
        Assert.Equal("one", frames[0].Text);
        Assert.Equal(new ClosePayload((CloseCode)4000, ""), frames[1].Close);
        Assert.Equal(2, frames.Count);
        handler.Connection.Write(FrameWriter.Frame(Opcode.Text, "late"u8));
        client.Dispose();
        _harness.AssertNothingLeft();
    }

    [Fact]
    public void A_client_that_does_not_end_its_side_after_the_Close_is_ended_at_the_limit()
    {
        (LoopClient client, _) = _harness.Open();
        client.Write(LoopClient.Close());
        client.TakeFramesToEnd();
        Assert.Equal(1, _harness.Loop.Connections);

        _harness.Pass(_harness.Settings.CloseLimit);

        _harness.AssertNothingLeft();
    }

    [Fact]
    public void A_violations_Close_is_readable_though_the_client_had_sent_more()
    {
        (LoopClient client, RecordingHandler handler) = _harness.Open();
        handler.Received = RecordingHandler.Echo;
        client.Write(Wire.Join(LoopClient.Text("good"), FrameWriter.Frame(Opcode.Text, "not masked"u8), Wire.Pattern(60_000)));
        client.Write(Wire.Pattern(400_000));

        IReadOnlyList<Frame> frames = client.TakeFramesToEnd();
        Assert.Equal("good", frames[0].Text);
        Assert.Equal(CloseCode.ProtocolError, frames[1].Close.Code);
        Assert.Equal(2, frames.Count);
        client.Dispose();
        _harness.AssertNothingLeft();
    }

    [Fact]
    public void A_violation_behind_the_servers_Close_ends_it_without_a_second_one()
    {
        (LoopClient client, RecordingHandler handler) = _harness.Open();
        handler.Connection.Close((CloseCode)3001, "first");
        client.Write(FrameWriter.Frame(Opcode.Text, "not masked"u8));

        Assert.Equal(new ClosePayload((CloseCode)3001, "first"), Assert.Single(client.TakeFramesToEnd()).Close);
        Assert.Equal(ClosureCause.ClosedByServer, Assert.Single(handler.Ends).Cause);
        client.Dispose();
        _harness.AssertNothingLeft();
    }

    [Fact]
    public void A_failing_handler_still_closes_behind_its_replies()
    {
        (LoopClient client, RecordingHandler handler) = _harness.Open();
        handler.Received = turn =>
        {
            Assert.True(turn.TryRead(out Message message));
            turn.Echo(message);
            throw new InvalidOperationException("mine");
        };
        client.Write(Wire.Join(LoopClient.Text("one"), LoopClient.Text("two")));

        IReadOnlyList<Frame> frames = client.TakeFramesToClose();
        Assert.Equal(["one"], frames.SkipLast(1).Select(frame => frame.Text));
        Assert.Equal(CloseCode.InternalError, frames[^1].Close.Code);
        client.Write(LoopClient.Close());
        Assert.Empty(client.TakeRest());
        Assert.Single(_harness.TakeFailures());
        client.Dispose();
        _harness.AssertNothingLeft();
    }

    [Fact]
    public void A_client_whose_messages_were_not_read_can_still_answer_the_Close()
    {
        (LoopClient client, RecordingHandler handler) = _harness.Open();
        handler.Connection.PauseReading();
        client.Write(LoopClient.Text("unread"));
        _harness.Settle();
        handler.Connection.Close(CloseCode.Normal, "");
        client.TakeFramesToClose();
        client.Write(LoopClient.Close());

        Assert.Empty(client.TakeRest());
        Assert.Empty(handler.Messages);
        client.Dispose();
        _harness.AssertNothingLeft();
    }

    [Fact]
    public void A_client_with_frames_behind_its_request_can_answer_a_Close_that_came_before_its_handler()
    {
        _harness.Acceptor.AttachesAtOnce = false;
        LoopClient client = _harness.Connect();
        client.Write(Wire.Join(LoopClient.Request(), LoopClient.Text("early").AsSpan(0, 7).ToArray()));
        client.TakeHead();
        RecordingHandler handler = _harness.Acceptor.Handlers[0];
        handler.Connection.Close(CloseCode.TryAgainLater, "");
        client.TakeFramesToClose();
        client.Write(Wire.Join(LoopClient.Text("early").AsSpan(7).ToArray(), LoopClient.Close()));

        Assert.Empty(client.TakeRest());
        handler.Connection.Attach(handler);
        Assert.Equal(ClosureCause.ClosedByServer, Assert.Single(handler.Ends).Cause);
        Assert.Empty(handler.Messages);
        client.Dispose();
        _harness.AssertNothingLeft();
    }

    [Theory, InlineData(0), InlineData(50)]
    public void A_connection_closed_the_moment_it_opens_still_reads_what_came_behind_the_request(int cut)
    {
        _harness.Acceptor.Attached = handler => handler.Connection.Close(CloseCode.TryAgainLater, "");
        byte[] wire = Wire.Join(LoopClient.Request(), LoopClient.Text("ignored"), LoopClient.Close());
        LoopClient client = _harness.Connect();
        client.Write(wire.AsSpan(0, cut));
        _harness.Settle();
        client.Write(wire.AsSpan(cut));

        client.TakeHead();
        Assert.Equal(CloseCode.TryAgainLater, Assert.Single(client.TakeFramesToEnd()).Close.Code);
        Assert.Empty(_harness.Acceptor.Handlers[0].Messages);
        client.Dispose();
        _harness.AssertNothingLeft();
    }

    [Fact]
    public void A_Close_answered_while_much_was_queued_ends_it_as_soon_as_all_has_left()
    {
        (LoopClient client, RecordingHandler handler) = _harness.OpenNarrow();
        byte[] payload = Wire.Pattern(500_000);
        handler.Connection.Write(FrameWriter.Frame(Opcode.Binary, payload));
        _harness.Settle();
        client.Write(LoopClient.Text("not read now"));
        _harness.Settle();
        handler.Connection.Close(CloseCode.Normal, "");
        client.Write(LoopClient.Close());
        _harness.Settle();

        IReadOnlyList<Frame> frames = client.TakeFramesToEnd();
        Assert.Equal([Opcode.Binary, Opcode.Close], frames.Select(frame => frame.Opcode));
        Assert.Equal(payload, frames[0].Payload);
        client.Dispose();
        _harness.AssertNothingLeft();
    }

    [Fact]
    public void A_code_that_may_not_travel_is_refused_and_leaves_the_connection_open()
    {
        (LoopClient client, RecordingHandler handler) = _harness.Open();

        Assert.Throws<ArgumentOutOfRangeException>(() => handler.Connection.Close(CloseCode.Abnormal, ""));
        Assert.True(handler.Connection.IsOpen);
        client.Write(LoopClient.Text("still here"));
        _harness.Until(() => handler.Messages.Count == 1);
    }

    [Fact]
    public void An_endpoint_cannot_be_given_codes_that_may_not_travel()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => LoopHarness.Endpoint with { SlowCode = CloseCode.Abnormal });
        Assert.Throws<ArgumentOutOfRangeException>(() => LoopHarness.Endpoint with { ShutdownCode = CloseCode.NoStatus });
    }
}

public sealed class EpollClosingTests() : ClosingTests(ReactorBackend.Epoll);

public sealed class RingClosingTests() : ClosingTests(ReactorBackend.IoUring);
