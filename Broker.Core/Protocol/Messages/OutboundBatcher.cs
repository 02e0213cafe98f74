namespace Broker.Core.Protocol.Messages;

/// <summary>The arithmetic of one frame: which message is the first that has to wait for the next.</summary>
/// <remarks>
/// A sum that equals the cap fits, and one byte more does not. The first message always fits, so a message over the cap
/// goes, and goes alone. Asked in the order of the queue, so nothing is reordered; and asked only about what is queued
/// already, so nothing waits.
/// </remarks>
/// <param name="capBytes">Bytes of messages in one frame, if it has several.</param>
/// <param name="messagesMax">Messages of one frame; 1 in <c>v2.broker</c>.</param>
public struct OutboundBatcher(int capBytes, int messagesMax = NativeProtocol.MessagesPerFrameMax)
{
    /// <summary>The cap of a client: 256 KiB.</summary>
    public const int ClientCapBytes = 256 * 1024;

    /// <summary>The target of a server: 512 KiB, before compression and without its tag.</summary>
    public const int ServerCapBytes = 512 * 1024;

    /// <summary>Messages of the frame so far.</summary>
    public int Messages { get; private set; }

    /// <summary>Their bytes.</summary>
    public long Bytes { get; private set; }

    /// <summary>Counts a message into the frame, or says that the frame has to leave before it.</summary>
    public bool TryAdd(int bytes)
    {
        if (Messages > 0 && (Bytes + bytes > capBytes || Messages >= messagesMax)) return false;
        Messages++;
        Bytes += bytes;
        return true;
    }

    /// <summary>The frame has left; the next one begins.</summary>
    public void Clear()
    {
        Messages = 0;
        Bytes = 0;
    }

    /// <summary>How many of the messages at the front of a queue leave in the next frame.</summary>
    /// <param name="sizes">Bytes of each message in the queue.</param>
    /// <param name="capBytes">As of the batcher.</param>
    /// <param name="messagesMax">As of the batcher.</param>
    public static int CountFitting(ReadOnlySpan<int> sizes, int capBytes, int messagesMax = NativeProtocol.MessagesPerFrameMax)
    {
        var batcher = new OutboundBatcher(capBytes, messagesMax);
        int count = 0;
        while (count < sizes.Length && batcher.TryAdd(sizes[count])) count++;
        return count;
    }
}
