using Broker.Core.Framing;

namespace Broker.Reactor.Loops;

/// <summary>Messages of one client that do not come in its connection's bytes, on their way to its loop.</summary>
/// <remarks>
/// They leave as a socket would bring them, as frames: so the engine holds them to the limits of every other client's, and reading
/// pauses for them as for every other client. Posted to from any thread; read by one connection.
/// </remarks>
/// <param name="bytesMax">Bytes that may wait; one message alone may be longer.</param>
public sealed class MessageInbox(int bytesMax)
{
    private readonly Lock _gate = new();
    private readonly Queue<byte[]> _frames = new();
    private int _bytes;                     // Of the frames, but for what has been read of the first.
    private int _start;                     // Where in the first frame the next read begins.
    private bool _hasEnded;
    private TaskCompletionSource? _waiting; // A read that found nothing.

    /// <summary>The id by which the client posts its messages; empty while it has none. For the loop's thread.</summary>
    public string SessionId { get; set; } = "";

    /// <summary>Takes a message, behind those before it.</summary>
    /// <param name="message">Copied. A text has to be UTF-8, or the connection is closed with 1007.</param>
    /// <param name="isBinary">Whether it is data or a text.</param>
    public InboxAnswer Post(ReadOnlySpan<byte> message, bool isBinary)
    {
        byte[] frame = FrameOf(message, isBinary ? Opcode.Binary : Opcode.Text);
        TaskCompletionSource? waiting;
        lock (_gate)
        {
            if (_hasEnded) return InboxAnswer.Ended;
            if (_bytes > 0 && _bytes + frame.Length > bytesMax) return InboxAnswer.Full;
            _frames.Enqueue(frame);
            _bytes += frame.Length;
            (waiting, _waiting) = (_waiting, null);
        }

        waiting?.TrySetResult();
        return InboxAnswer.Taken;
    }

    /// <summary>The client is gone, or its connection is: what waits is still read, and then the end.</summary>
    public void End()
    {
        TaskCompletionSource? waiting;
        lock (_gate)
        {
            _hasEnded = true;
            (waiting, _waiting) = (_waiting, null);
        }

        waiting?.TrySetResult();
    }

    /// <summary>Reads frames; one read at a time.</summary>
    /// <param name="target">Gets as many bytes as fit; if it is empty, the read waits until there are some.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>How many; with a target that is not empty, 0 at the end only.</returns>
    public async ValueTask<int> ReadAsync(Memory<byte> target, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task more;
            lock (_gate)
            {
                if (_bytes > 0 || _hasEnded) return Take(target.Span);
                _waiting ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                more = _waiting.Task;
            }

            await more.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private int Take(Span<byte> target)
    {
        int taken = 0;
        while (taken < target.Length && _frames.TryPeek(out byte[]? frame))
        {
            int part = Math.Min(frame.Length - _start, target.Length - taken);
            frame.AsSpan(_start, part).CopyTo(target[taken..]);
            taken += part;
            _start += part;
            if (_start < frame.Length) break;
            _frames.Dequeue();
            _start = 0;
        }

        _bytes -= taken;
        return taken;
    }

    // A key of zeros changes no byte, and a server takes masked frames alone.
    private static byte[] FrameOf(ReadOnlySpan<byte> message, Opcode opcode)
    {
        var header = new FrameHeader(Final: true, Reserved: 0, opcode, message.Length, MaskingKey: 0);
        byte[] frame = GC.AllocateUninitializedArray<byte>(header.Size + message.Length);
        FrameWriter.WriteHeader(frame, header);
        message.CopyTo(frame.AsSpan(header.Size));
        return frame;
    }
}

/// <summary>What became of a message that was posted.</summary>
public enum InboxAnswer
{
    /// <summary>It is on its way.</summary>
    Taken,

    /// <summary>Too much waits before it; the client may send it again.</summary>
    Full,

    /// <summary>Nothing reads any more.</summary>
    Ended,
}
