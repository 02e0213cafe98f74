using Broker.Reactor.Loops;
using Broker.Tests.Support;
using Xunit;

namespace Broker.Tests.Reactor.Sockets;

/// <summary>What a client sent is read whole and in its turn, however little the system says about it.</summary>
public abstract class ReadingTests : BackendTest, IDisposable
{
    private const int ScratchBytes = 16 * 1024;    // More than the ring takes for little.
    private const int TextBytes = 1000;
    private const int FrameBytes = TextBytes + 8;
    private const int Many = 200;    // Twelve scratches.

    private readonly LoopHarness _harness;

    protected ReadingTests(ReactorBackend backend)
        : base(backend) => _harness = NewHarness(new ReactorSettings { ScratchBytes = ScratchBytes });

    public void Dispose()
    {
        _harness.Dispose();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public void All_that_came_is_read_and_then_the_end_that_came_with_it()
    {
        (LoopClient client, RecordingHandler handler) = _harness.Open();
        WriteAll(client, Many);
        client.EndWriting();

        _harness.Until(() => handler.Ends.Count == 1, "the end");

        Assert.Equal(ClosureCause.EndOfStream, handler.Ends[0].Cause);
        AssertTexts(handler, Many);
    }

    [Fact]
    public void What_came_while_nothing_was_read_is_read_afterwards()
    {
        (LoopClient client, RecordingHandler handler) = _harness.Open();
        handler.Connection.PauseReading();
        WriteAll(client, 1);
        _harness.Settle();
        WriteAll(client, Many, from: 1);
        _harness.Settle();
        Assert.Empty(handler.Messages);

        handler.Connection.ResumeReading();

        _harness.Until(() => handler.Messages.Count == Many, "the last message");
        AssertTexts(handler, Many);
    }

    [Fact]
    public void An_end_during_a_pause_is_reported_behind_earlier_bytes()
    {
        (LoopClient client, RecordingHandler handler) = _harness.Open();
        handler.Connection.PauseReading();
        WriteAll(client, 2);
        client.EndWriting();
        _harness.Settle();
        Assert.Empty(handler.Ends);

        handler.Connection.ResumeReading();

        _harness.Until(() => handler.Ends.Count == 1, "the end");
        AssertTexts(handler, 2);
    }

    [Fact]
    public void A_client_with_much_to_read_is_read_one_scratch_a_turn_and_another_in_between()
    {
        (LoopClient flood, RecordingHandler flooded) = _harness.Open();
        (LoopClient other, RecordingHandler received) = _harness.Open();
        WriteAll(flood, Many);
        for (int turns = 0; turns < 4; turns++)
        {
            WriteAll(other, turns + 1, from: turns);
            _harness.Until(() => received.Messages.Count == turns + 1, "the other's message");
        }

        while (flooded.Messages.Count < Many)
        {
            int before = flooded.Messages.Count;
            _harness.Loop.RunOnce(0);
            Assert.InRange(flooded.Messages.Count - before, 0, (ScratchBytes / FrameBytes) + 1);
        }

        AssertTexts(flooded, Many);
    }

    private static void WriteAll(LoopClient client, int to, int from = 0)
    {
        for (int i = from; i < to; i++) Assert.Equal(FrameBytes, client.WriteSome(LoopClient.Text(Text(i))));
    }

    private static void AssertTexts(RecordingHandler handler, int count) =>
        Assert.Equal(Enumerable.Range(0, count).Select(Text), handler.Messages);

    private static string Text(int number) => $"{number}".PadRight(TextBytes, '.');
}

public sealed class EpollReadingTests() : ReadingTests(ReactorBackend.Epoll);

public sealed class RingReadingTests() : ReadingTests(ReactorBackend.IoUring);
