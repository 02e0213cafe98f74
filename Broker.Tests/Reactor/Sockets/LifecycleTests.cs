using Broker.Core.Framing;
using Broker.Reactor.Loops;
using Broker.Tests.Support;
using Xunit;

namespace Broker.Tests.Reactor.Sockets;

/// <summary>Each way a connection can end: told once, with its one cause, and nothing after it.</summary>
public abstract class LifecycleTests : BackendTest, IDisposable
{
    private readonly LoopHarness _harness;

    protected LifecycleTests(ReactorBackend backend)
        : base(backend) => _harness = NewHarness();

    public void Dispose()
    {
        _harness.Dispose();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public void A_clients_Close_ends_it()
    {
        (LoopClient client, RecordingHandler handler) = _harness.Open();
        client.Write(LoopClient.Close((CloseCode)4001, "bye"));

        AssertEnded(client, handler, ClosureCause.ClosedByClient, (CloseCode)4001, "bye");
    }

    [Fact]
    public void A_client_that_ends_its_side_without_a_Close_ends_it()
    {
        (LoopClient client, RecordingHandler handler) = _harness.Open();
        client.EndWriting();

        AssertEnded(client, handler, ClosureCause.EndOfStream, CloseCode.Abnormal);
    }

    [Fact]
    public void A_reset_ends_it()
    {
        (LoopClient client, RecordingHandler handler) = _harness.Open();
        client.Reset();

        AssertEnded(client, handler, ClosureCause.SocketError, CloseCode.Abnormal);
    }

    [Fact]
    public void A_reset_ends_it_while_nothing_is_read()
    {
        (LoopClient client, RecordingHandler handler) = _harness.Open();
        handler.Connection.PauseReading();
        client.Write(LoopClient.Text("unread"));
        _harness.Settle();
        client.Reset();

        AssertEnded(client, handler, ClosureCause.SocketError, CloseCode.Abnormal);
        Assert.Empty(handler.Messages);
    }

    [Fact]
    public void A_reset_before_the_handler_is_reported_to_it()
    {
        _harness.Acceptor.AttachesAtOnce = false;
        (LoopClient client, RecordingHandler handler) = _harness.Open();
        client.Reset();
        _harness.Until(() => _harness.Loop.Connections == 0);
        Assert.Empty(handler.Ends);

        handler.Connection.Attach(handler);

        AssertEnded(client, handler, ClosureCause.SocketError, CloseCode.Abnormal);
    }

    [Fact]
    public void A_violation_ends_it()
    {
        (LoopClient client, RecordingHandler handler) = _harness.Open();
        client.Write(Wire.Join(LoopClient.Text("good"), FrameWriter.Frame(Opcode.Text, "not masked"u8), LoopClient.Text("late")));

        AssertEnded(client, handler, ClosureCause.Violation, CloseCode.ProtocolError);
        Assert.Equal(["good"], handler.Messages);
    }

    [Fact]
    public void The_servers_Close_ends_it()
    {
        (LoopClient client, RecordingHandler handler) = _harness.Open();
        handler.Connection.Close((CloseCode)3500, "invalid token");
        handler.Connection.Close(CloseCode.Normal, "said too late");
        client.Write(LoopClient.Text("late"));

        AssertEnded(client, handler, ClosureCause.ClosedByServer, (CloseCode)3500, "invalid token");
        Assert.Empty(handler.Messages);
    }

    [Fact]
    public void A_reader_with_too_many_bytes_waiting_is_ended()
    {
        (LoopClient client, RecordingHandler handler) = _harness.OpenNarrow();
        for (int i = 0; i < 2000 && handler.Connection.IsOpen; i++)
            handler.Connection.Write(FrameWriter.Frame(Opcode.Binary, new byte[1000]));

        AssertEnded(client, handler, ClosureCause.SlowReader, CloseCode.PolicyViolation);
    }

    [Fact]
    public void A_reader_that_takes_nothing_for_too_long_is_ended()
    {
        (LoopClient client, RecordingHandler handler) = _harness.OpenNarrow();
        handler.Connection.Write(FrameWriter.Frame(Opcode.Binary, new byte[400_000]));
        _harness.Settle();
        _harness.Time.Advance(_harness.Settings.BlockedLimit - TimeSpan.FromMilliseconds(1));
        _harness.Loop.RunOnce(0);
        Assert.Empty(handler.Ends);
        _harness.Pass(TimeSpan.FromMilliseconds(1));

        AssertEnded(client, handler, ClosureCause.SlowReader, CloseCode.PolicyViolation);
    }

    [Fact]
    public void A_handler_that_fails_on_a_message_ends_its_connection_and_no_other()
    {
        (_, RecordingHandler other) = _harness.Open();
        (LoopClient client, RecordingHandler handler) = _harness.Open();
        handler.Received = _ => throw new InvalidOperationException("mine");
        client.Write(Wire.Join(LoopClient.Text("one"), LoopClient.Text("two")));
        _harness.Until(() => handler.Ends.Count > 0);
        Assert.True(other.Connection.IsOpen);

        AssertEnded(client, handler, ClosureCause.SessionFailed, CloseCode.InternalError, failures: ["mine"]);
        Assert.Empty(handler.Messages);
    }

    [Fact]
    public void A_handler_that_fails_at_its_deadline_ends_its_connection()
    {
        (LoopClient client, RecordingHandler handler) = _harness.Open();
        handler.Due = () => throw new InvalidOperationException("mine");
        handler.Connection.SetDeadline(TimeSpan.FromSeconds(1));
        _harness.Pass(TimeSpan.FromSeconds(1));

        AssertEnded(client, handler, ClosureCause.SessionFailed, CloseCode.InternalError, failures: ["mine"]);
    }

    [Fact]
    public void A_handler_that_throws_at_the_end_changes_nothing()
    {
        (LoopClient client, RecordingHandler handler) = _harness.Open();
        handler.Ended = () => throw new InvalidOperationException("mine");
        client.Write(LoopClient.Close());

        AssertEnded(client, handler, ClosureCause.ClosedByClient, CloseCode.Normal, failures: ["mine"]);
    }

    [Fact]
    public void A_drain_ends_it()
    {
        (LoopClient client, RecordingHandler handler) = _harness.Open();
        _ = _harness.Loop.DrainAsync();

        AssertEnded(client, handler, ClosureCause.Shutdown, CloseCode.GoingAway);
    }

    [Fact]
    public void An_abandoned_loop_ends_it()
    {
        (LoopClient client, RecordingHandler handler) = _harness.Open();
        _harness.Loop.Abandon();

        AssertEnded(client, handler, ClosureCause.Shutdown, CloseCode.Abnormal);
    }

    [Fact]
    public void An_abort_ends_it_in_the_middle_of_a_read()
    {
        (LoopClient client, RecordingHandler handler) = _harness.Open();
        handler.Received = turn =>
        {
            Assert.True(turn.TryRead(out Message message));
            turn.Echo(message);
            handler.Connection.Abort(ClosureCause.SessionFailed, "enough");
        };
        client.Write(Wire.Join(LoopClient.Text("one"), LoopClient.Text("two")));

        AssertEnded(client, handler, ClosureCause.SessionFailed, CloseCode.Abnormal, "enough");
        Assert.Empty(handler.Messages);
    }

    [Fact]
    public void A_Close_in_the_middle_of_a_read_ends_the_reading_behind_the_replies_so_far()
    {
        (LoopClient client, RecordingHandler handler) = _harness.Open();
        handler.Received = turn =>
        {
            Assert.True(turn.TryRead(out Message message));
            turn.Echo(message);
            handler.Connection.Close((CloseCode)4002, "enough");
            turn.Reply(Opcode.Text, "too late"u8);
        };
        client.Write(Wire.Join(LoopClient.Text("one"), LoopClient.Text("two")));

        IReadOnlyList<Frame> frames = client.TakeFramesToClose();
        Assert.Equal(["one"], frames.SkipLast(1).Select(frame => frame.Text));
        Assert.Equal(new ClosePayload((CloseCode)4002, "enough"), frames[^1].Close);
        AssertEnded(client, handler, ClosureCause.ClosedByServer, (CloseCode)4002, "enough");
        Assert.Empty(handler.Messages);
    }

    [Fact]
    public void The_Close_that_came_first_is_the_cause_though_the_handler_closes_too()
    {
        (LoopClient client, RecordingHandler handler) = _harness.Open();
        handler.Received = turn =>
        {
            while (turn.TryRead(out _))
            {
            }

            handler.Connection.Close((CloseCode)4002, "mine");
        };
        client.Write(LoopClient.Close((CloseCode)4001, "theirs"));

        Assert.Equal((CloseCode)4001, client.TakeFramesToEnd()[^1].Close.Code);
        AssertEnded(client, handler, ClosureCause.ClosedByClient, (CloseCode)4001, "theirs");
    }

    [Fact]
    public void Only_the_last_deadline_set_fires_and_only_once()
    {
        (_, RecordingHandler handler) = _harness.Open();
        handler.Connection.SetDeadline(TimeSpan.FromSeconds(1));
        handler.Connection.SetDeadline(TimeSpan.FromSeconds(5));
        _harness.Pass(TimeSpan.FromSeconds(4));
        Assert.Equal(0, handler.Deadlines);
        _harness.Pass(TimeSpan.FromSeconds(1));
        Assert.Equal(1, handler.Deadlines);
        _harness.Pass(TimeSpan.FromMinutes(10));
        Assert.Equal(1, handler.Deadlines);
    }

    [Fact]
    public void No_deadline_fires_after_the_end()
    {
        (LoopClient client, RecordingHandler handler) = _harness.Open();
        handler.Connection.SetDeadline(TimeSpan.FromSeconds(1));
        handler.Connection.Close(CloseCode.Normal, "");
        handler.Connection.SetDeadline(TimeSpan.FromSeconds(2));
        _harness.Pass(TimeSpan.FromSeconds(3));

        AssertEnded(client, handler, ClosureCause.ClosedByServer, CloseCode.Normal);
        Assert.Equal(0, handler.Deadlines);
    }

    [Theory]
    [InlineData("end", ClosureCause.EndOfStream)]
    [InlineData("reset", ClosureCause.SocketError)]
    [InlineData("drain", ClosureCause.HandshakeRefused)]
    [InlineData("abandon", ClosureCause.Shutdown)]
    public void The_acceptor_learns_once_of_a_connection_that_never_opened(string how, ClosureCause cause)
    {
        LoopClient client = _harness.Connect();
        client.Write(LoopClient.Request().AsSpan(0, 40));
        _harness.Settle();
        switch (how)
        {
            case "end": client.EndWriting(); break;
            case "reset": client.Reset(); break;
            case "drain": _ = _harness.Loop.DrainAsync(); break;
            default: _harness.Loop.Abandon(); break;
        }

        _harness.Until(() => _harness.Acceptor.Ends.Count > 0);
        client.Dispose();
        _harness.AssertNothingLeft();
        Assert.Equal(
            (cause, CloseCode.Abnormal), (_harness.Acceptor.Ends.Single().Closure.Cause, _harness.Acceptor.Ends.Single().Closure.Code));
    }

    [Fact]
    public void The_address_is_available_when_the_end_is_reported()
    {
        (LoopClient client, RecordingHandler handler) = _harness.Open();
        System.Net.IPEndPoint? seen = null;
        handler.Ended = () => seen = handler.Connection.Remote;
        client.EndWriting();

        _harness.Until(() => seen is not null);
        Assert.Equal(System.Net.IPAddress.Loopback, seen!.Address);
        Assert.NotEqual(0, seen.Port);
    }

    [Fact]
    public void The_address_of_a_connection_that_is_gone_is_never_a_strangers()
    {
        (LoopClient client, RecordingHandler handler) = _harness.Open();
        client.EndWriting();
        _harness.Until(() => _harness.Loop.Connections == 0);
        (LoopClient _, RecordingHandler stranger) = _harness.Open();

        Assert.NotEqual(stranger.Connection.Remote, handler.Connection.Remote);
    }

    private void AssertEnded(
        LoopClient client, RecordingHandler handler, ClosureCause cause, CloseCode code, string? reason = null, string[]? failures = null)
    {
        _harness.Until(() => handler.Ends.Count > 0, "the end");
        _harness.Settle();
        client.Dispose();
        _harness.Until(() => _harness.Loop.Find(handler.Connection.Id) is null, "the end of the socket");
        _harness.Pass(TimeSpan.FromMinutes(1));
        _harness.Settle();

        Closure end = Assert.Single(handler.Ends);
        Assert.Equal((cause, code), (end.Cause, end.Code));
        if (reason is not null) Assert.Equal(reason, end.Reason);
        Assert.Same(end, Assert.Single(_harness.Acceptor.Ends, reported => reported.Connection == handler.Connection).Closure);
        Assert.Same(end, handler.Connection.Closure);
        Assert.Equal(0, handler.CallsAfterEnd);
        Assert.Equal(failures ?? [], _harness.TakeFailures().Select(failure => failure.Message));

        // Whatever is still asked of it does nothing.
        handler.Connection.Write("late"u8);
        handler.Connection.Close(CloseCode.Normal, "late");
        handler.Connection.Abort(ClosureCause.SessionFailed, "late");
        handler.Connection.ResumeReading();
        handler.Connection.SetDeadline(TimeSpan.Zero);
        Assert.Equal(0, handler.Connection.QueuedBytes);
        Assert.Single(handler.Ends);
        _harness.Dispose();
        Assert.Equal(0, _harness.Loop.Pool.Outstanding);
    }
}

public sealed class EpollLifecycleTests() : LifecycleTests(ReactorBackend.Epoll);

public sealed class RingLifecycleTests() : LifecycleTests(ReactorBackend.IoUring);
