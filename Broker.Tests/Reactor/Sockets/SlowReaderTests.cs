using Broker.Core.Buffers;
using Broker.Core.Counting;
using Broker.Core.Framing;
using Broker.Reactor.Loops;
using Broker.Tests.Support;
using Xunit;

namespace Broker.Tests.Reactor.Sockets;

public abstract class SlowReaderTests : BackendTest, IDisposable
{
    private const int QueueBytesMax = 200_000;

    private readonly LoopHarness _harness;

    protected SlowReaderTests(ReactorBackend backend)
        : base(backend) => _harness = NewHarness(
        new ReactorSettings { QueueBytesMax = QueueBytesMax },
        LoopHarness.Endpoint with { SlowCode = (CloseCode)3008, SlowReason = "slow" });

    public void Dispose()
    {
        _harness.Dispose();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public void A_queue_never_holds_more_than_its_bound_and_one_message()
    {
        (_, RecordingHandler handler) = _harness.OpenNarrow();
        byte[] frame = FrameWriter.Frame(Opcode.Binary, new byte[5000]);
        int most = 0;
        for (int i = 0; i < 500; i++)
        {
            if (i % 2 == 0) handler.Connection.Write(frame);
            else Share(handler.Connection, frame, start: 0);
            most = Math.Max(most, handler.Connection.QueuedBytes);
            if (i % 7 == 0) _harness.Loop.RunOnce(0);
        }

        Assert.InRange(most, QueueBytesMax, QueueBytesMax + frame.Length);
        Assert.Equal(ClosureCause.SlowReader, Assert.Single(handler.Ends).Cause);
    }

    [Fact]
    public void A_single_message_larger_than_the_bound_still_arrives()
    {
        (LoopClient client, RecordingHandler handler) = _harness.OpenNarrow();
        byte[] frame = FrameWriter.Frame(Opcode.Binary, Wire.Pattern(3 * QueueBytesMax));
        long before = _harness.Loop.Counters.Read(LoopCount.BytesSent);
        handler.Connection.Write(frame);

        Assert.Equal(frame, client.Take(frame.Length));
        Assert.Empty(handler.Ends);

        // However often the socket took a part and returned the rest.
        _harness.Settle();
        Assert.Equal(frame.Length, _harness.Loop.Counters.Read(LoopCount.BytesSent) - before);
    }

    [Fact]
    public void A_written_frame_that_has_begun_is_finished_before_the_Close()
    {
        (LoopClient client, RecordingHandler handler) = _harness.OpenNarrow();
        byte[] first = Wire.Pattern(QueueBytesMax / 2);
        handler.Connection.Write(FrameWriter.Frame(Opcode.Binary, first));
        _harness.Settle();
        Overflow(handler);

        AssertFinishedThenClosed(client, handler, first);
    }

    [Fact]
    public void A_sent_frame_that_has_begun_is_finished_before_the_Close()
    {
        (LoopClient client, RecordingHandler handler) = _harness.OpenNarrow();
        byte[] first = Wire.Pattern(QueueBytesMax / 2);
        _harness.Settle();
        Share(handler.Connection, FrameWriter.Frame(Opcode.Binary, first), start: 9, send: true);
        Overflow(handler);

        AssertFinishedThenClosed(client, handler, first);
    }

    [Fact]
    public void A_reply_that_has_begun_is_finished_before_the_Close()
    {
        (LoopClient client, RecordingHandler handler) = _harness.OpenNarrow();
        byte[] first = Wire.Pattern(QueueBytesMax / 2);
        handler.Received = RecordingHandler.Echo;
        client.Write(LoopClient.Binary(first));
        _harness.Until(() => handler.Connection.QueuedBytes > 0);
        Overflow(handler);

        AssertFinishedThenClosed(client, handler, first);
    }

    [Fact]
    public void The_answer_to_the_request_is_never_dropped()
    {
        _harness.Acceptor.Attached = Overflow;
        (LoopClient client, RecordingHandler handler) = _harness.Open();

        Assert.Equal((CloseCode)3008, client.TakeFramesToClose()[^1].Close.Code);
        Assert.Equal(ClosureCause.SlowReader, Assert.Single(handler.Ends).Cause);
    }

    [Fact]
    public void A_reader_that_becomes_too_slow_within_a_read_gets_nothing_behind_the_Close()
    {
        (LoopClient client, RecordingHandler handler) = _harness.OpenNarrow();
        byte[] first = Wire.Pattern(QueueBytesMax / 5);    // Little enough that the client is still read.
        handler.Connection.Write(FrameWriter.Frame(Opcode.Binary, first));
        handler.Received = turn =>
        {
            Assert.True(turn.TryRead(out _));
            turn.Reply(Opcode.Text, "before"u8);
            Overflow(handler);
            turn.Reply(Opcode.Text, "behind"u8);
        };
        client.Write(Wire.Join(LoopClient.Text("go"), LoopClient.Text("on")));
        _harness.Until(() => handler.Ends.Count > 0);

        IReadOnlyList<Frame> frames = client.TakeFramesToClose();
        Assert.Equal(1, frames.Count(frame => frame.Opcode == Opcode.Close));
        Assert.DoesNotContain("behind", frames.Select(frame => frame.Text));
        Assert.Equal(ClosureCause.SlowReader, Assert.Single(handler.Ends).Cause);
        Assert.Empty(handler.Messages);
        AnswerClose(client);
    }

    [Fact]
    public void A_reader_that_takes_a_little_now_and_then_is_not_late()
    {
        (LoopClient client, RecordingHandler handler) = _harness.OpenNarrow();
        byte[] frame = FrameWriter.Frame(Opcode.Binary, Wire.Pattern(2 * QueueBytesMax));
        handler.Connection.Write(frame);
        _harness.Settle();
        for (int i = 0; i < 4; i++)
        {
            int waiting = handler.Connection.QueuedBytes;
            _harness.Until(() => client.ReadSome() & false || handler.Connection.QueuedBytes < waiting, "some progress");
            _harness.Pass(_harness.Settings.BlockedLimit - TimeSpan.FromSeconds(1));
        }

        Assert.Empty(handler.Ends);
        Assert.Equal(frame, client.Take(frame.Length));
        _harness.Pass(2 * _harness.Settings.BlockedLimit);
        Assert.True(handler.Connection.IsOpen);
    }

    [Fact]
    public void Reading_pauses_during_a_backlog_and_resumes_after_it()
    {
        (LoopClient client, RecordingHandler handler) = _harness.OpenNarrow();
        handler.Received = RecordingHandler.Echo;
        byte[] frame = LoopClient.Binary(Wire.Pattern(10_000));
        byte[] wire = Wire.Join(Enumerable.Repeat(frame, 40));

        // It writes without reading, and at the mark the server stops reading too.
        const int Mark = QueueBytesMax / 4;
        int written = 0;
        _harness.Until(() =>
        {
            written += client.WriteSome(wire.AsSpan(written));
            return handler.Connection.QueuedBytes > Mark;
        });
        int waiting = handler.Connection.QueuedBytes;
        Assert.InRange(waiting, Mark, Mark + _harness.Settings.ScratchBytes + frame.Length);
        for (int turn = 0; turn < 50; turn++)
        {
            written += client.WriteSome(wire.AsSpan(written));
            _harness.Loop.RunOnce(1);
            Assert.InRange(handler.Connection.QueuedBytes, 0, waiting);
        }

        Assert.InRange(written, 1, wire.Length - 1);
        Assert.True(handler.Connection.IsOpen);

        byte[] echo = FrameWriter.Frame(Opcode.Binary, Wire.Pattern(10_000));
        byte[] expected = Wire.Join(Enumerable.Repeat(echo, 40));
        var received = new List<byte>();
        while (received.Count < expected.Length)
        {
            if (written < wire.Length) written += client.WriteSome(wire.AsSpan(written));
            received.AddRange(client.Take(Math.Min(5000, expected.Length - received.Count)));
        }

        Assert.Equal(expected, received);
        Assert.Empty(handler.Ends);
    }

    [Fact]
    public void Many_shared_and_private_pieces_arrive_as_they_were_written()
    {
        (LoopClient client, RecordingHandler handler) = _harness.OpenNarrow();
        var expected = new List<byte>();
        for (int i = 0; i < 300; i++)
        {
            byte[] frame = FrameWriter.Frame(Opcode.Binary, Wire.Pattern(i * 37 % 1300));
            expected.AddRange(frame);
            switch (i % 3)
            {
                case 0: handler.Connection.Write(frame); break;
                case 1: Share(handler.Connection, frame, start: i % 11); break;
                default: Share(handler.Connection, frame, start: i % 11, send: true); break;
            }

            if (i % 100 == 50) _harness.Loop.RunOnce(0);
        }

        Assert.Equal(expected, client.Take(expected.Count));
        Assert.Equal(0, handler.Connection.QueuedBytes);
        client.Dispose();
        _harness.AssertNothingLeft();
    }

    private static void Overflow(RecordingHandler handler)
    {
        byte[] frame = FrameWriter.Frame(Opcode.Binary, new byte[999]);
        for (int i = 0; i < 1000 && handler.Connection.IsOpen; i++) handler.Connection.Write(frame);
        Assert.False(handler.Connection.IsOpen);
    }

    private static void Share(Connection connection, byte[] frame, int start, bool send = false)
    {
        SharedBytes bytes = SharedBytes.Rent(connection.Loop.Pool, start + frame.Length);
        bytes.SetLength(start);
        bytes.Append(frame);
        if (send) connection.Send(bytes, start);
        else connection.Write(bytes, start);
        bytes.Release();
    }

    private void AssertFinishedThenClosed(LoopClient client, RecordingHandler handler, byte[] first)
    {
        Assert.Equal(ClosureCause.SlowReader, Assert.Single(handler.Ends).Cause);
        IReadOnlyList<Frame> frames = client.TakeFramesToClose();
        Assert.Equal(first, frames[0].Payload);
        Assert.Equal(new ClosePayload((CloseCode)3008, "slow"), frames[^1].Close);

        // Of the rest only what lay in the begun frame's own buffer.
        Assert.InRange(frames.Sum(frame => frame.WireBytes), first.Length, 1.5 * first.Length);
        AnswerClose(client);
    }

    private void AnswerClose(LoopClient client)
    {
        client.Write(LoopClient.Close());
        Assert.Empty(client.TakeRest());
        client.Dispose();
        _harness.AssertNothingLeft();
    }
}

public sealed class EpollSlowReaderTests() : SlowReaderTests(ReactorBackend.Epoll);

public sealed class RingSlowReaderTests() : SlowReaderTests(ReactorBackend.IoUring);
