using System.Text;
using Broker.Core.Buffers;
using Broker.Core.Framing;
using Broker.Reactor.Loops;

namespace Broker.Tests.Reactor.Loops;

public sealed class MessageInboxTests
{
    [Theory, InlineData(1), InlineData(3), InlineData(1000)]
    public async Task Messages_are_read_as_frames_in_their_order(int step)
    {
        var inbox = new MessageInbox(1000);
        Assert.Equal(InboxAnswer.Taken, inbox.Post("one"u8, isBinary: false));
        Assert.Equal(InboxAnswer.Taken, inbox.Post("two"u8, isBinary: true));
        inbox.End();
        List<byte> bytes = [];
        byte[] target = new byte[step];
        for (int read; (read = await inbox.ReadAsync(target, CancellationToken.None)) > 0;) bytes.AddRange(target.AsSpan(0, read));

        Assert.Equal(["Text one", "Binary two"], Messages([.. bytes]));
    }

    [Fact]
    public async Task An_empty_read_waits_until_there_is_something()
    {
        var inbox = new MessageInbox(1000);
        Task<int> waiting = inbox.ReadAsync(Memory<byte>.Empty, CancellationToken.None).AsTask();
        Assert.False(waiting.IsCompleted);

        inbox.Post("{}"u8, isBinary: false);

        Assert.Equal(0, await waiting);
        Assert.Equal(8, await inbox.ReadAsync(new byte[100], CancellationToken.None));
    }

    [Fact]
    public async Task What_waits_is_bounded_but_one_message_always_fits()
    {
        var inbox = new MessageInbox(100);
        Assert.Equal(InboxAnswer.Taken, inbox.Post(new byte[500], isBinary: true));
        Assert.Equal(InboxAnswer.Full, inbox.Post("{}"u8, isBinary: false));
        await inbox.ReadAsync(new byte[1000], CancellationToken.None);

        Assert.Equal(InboxAnswer.Taken, inbox.Post("{}"u8, isBinary: false));
        inbox.End();
        Assert.Equal(InboxAnswer.Ended, inbox.Post("{}"u8, isBinary: false));
    }

    [Fact]
    public async Task A_read_that_waits_ends_with_the_inbox_or_its_token()
    {
        var inbox = new MessageInbox(100);
        using var cancel = new CancellationTokenSource();
        Task<int> cancelled = inbox.ReadAsync(new byte[10], cancel.Token).AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);

        Task<int> waiting = inbox.ReadAsync(new byte[10], CancellationToken.None).AsTask();
        inbox.End();
        Assert.Equal(0, await waiting);
    }

    private static List<string> Messages(byte[] bytes)
    {
        var pool = new BufferPool();
        var turn = new Turn(pool);
        turn.Begin(new FrameEngine(new FrameEngineSettings(1000, 1), pool), bytes, 0, bytes.Length);
        List<string> messages = [];
        while (turn.TryRead(out Message message)) messages.Add($"{message.Opcode} {Encoding.UTF8.GetString(message.Payload)}");
        turn.End();
        return messages;
    }
}
