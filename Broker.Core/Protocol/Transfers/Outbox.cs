using System.Buffers;
using Broker.Core.Protocol.Messages;

namespace Broker.Core.Protocol.Transfers;

/// <summary>What became of a message for an <see cref="Outbox"/>.</summary>
public enum Posted
{
    /// <summary>It waits for the next frame.</summary>
    Queued,

    /// <summary>It is too long for a frame and goes as a stream.</summary>
    Streamed,

    /// <summary>It is longer than the receiver takes any stream. Nothing of it is sent.</summary>
    TooLarge,

    /// <summary>The queue has as much as it may. Nothing of it is sent; the caller's policy decides what now.</summary>
    Full,
}

/// <summary>What waits to be sent on one connection: small messages in their order, and between them the chunks of large ones.</summary>
/// <remarks>
/// One frame a turn and never more, so reading and pings have their turn however much waits. Small messages come first; but
/// a frame that they have filled is followed by one with a chunk, so neither can hold up the other. For one thread.
/// </remarks>
/// <param name="batched">Whether <c>v3.broker</c> was agreed on.</param>
/// <param name="capBytes">Bytes of messages in one frame, if it has several.</param>
/// <param name="limits">What the receiver takes.</param>
/// <param name="queueBytesMax">Bytes of small messages that may wait.</param>
/// <param name="queueMessagesMax">Small messages that may wait.</param>
/// <param name="streamBytesMax">Bytes of large messages that may wait; one that is alone may be longer.</param>
public sealed class Outbox(
    bool batched,
    int capBytes,
    ChunkLimits limits,
    long queueBytesMax,
    int queueMessagesMax,
    long streamBytesMax = 128L * 1024 * 1024)
{
    private const int ControlBytesMax = 1024 * 1024, ControlMessagesMax = 16_384;

    private readonly Queue<ReadOnlyMemory<byte>> _small = new();
    private readonly int _messagesMax = batched ? NativeProtocol.MessagesPerFrameMax : 1;
    private bool _chunkIsOwed;      // The last frame had no room left for a chunk that was ready.

    /// <summary>The large ones; also takes streams that are no messages, and learns of credit and cancellation.</summary>
    public ChunkSender Chunks { get; } = new(limits);

    /// <summary>Bytes of small messages that wait.</summary>
    public long QueuedBytes { get; private set; }

    /// <summary>Whether <see cref="TryFillFrame"/> has something to write.</summary>
    public bool HasFrame => _small.Count > 0 || Chunks.NextBytes > 0;

    /// <summary>Takes a message.</summary>
    /// <param name="message">The encoded message; owned, or shared for reading.</param>
    public Posted Post(ReadOnlyMemory<byte> message)
    {
        if (message.Length > limits.ThresholdBytes)
        {
            if (!limits.Allows(message.Length)) return Posted.TooLarge;
            if (Chunks.UnsentBytes > 0 && message.Length > streamBytesMax - Chunks.UnsentBytes) return Posted.Full;
            return Chunks.TrySend(new MemoryChunkSource(message), out _) ? Posted.Streamed : Posted.TooLarge;
        }

        if (message.Length > queueBytesMax - QueuedBytes || _small.Count >= queueMessagesMax) return Posted.Full;
        Add(message);
        return Posted.Queued;
    }

    /// <summary>
    /// Takes a small message that the other side waits for, such as a credit or the fault of a call. It may pass the bounds of the
    /// queue, as far as a mebibyte or 16,384 messages: to lose it would be worse.
    /// </summary>
    /// <returns>False when even that is full: the receiver has long taken nothing, and its connection is of no use.</returns>
    public bool TryPostControl(ReadOnlyMemory<byte> message)
    {
        if (message.Length > queueBytesMax + ControlBytesMax - QueuedBytes || _small.Count >= queueMessagesMax + ControlMessagesMax)
            return false;
        Add(message);
        return true;
    }

    /// <summary>Writes the messages of one frame: all that wait, up to the cap.</summary>
    /// <param name="target">The payload; a server has written its compression byte before, or compresses it afterwards.</param>
    /// <returns>False when nothing can be sent now; then nothing is written.</returns>
    public bool TryFillFrame(IBufferWriter<byte> target)
    {
        var batcher = new OutboundBatcher(capBytes, _messagesMax);
        if (_chunkIsOwed) FillWithChunk(target, ref batcher);
        FillWithSmall(target, ref batcher);
        bool chunkFitted = _chunkIsOwed || FillWithChunk(target, ref batcher);
        _chunkIsOwed = !chunkFitted && Chunks.NextBytes > 0;
        return batcher.Messages > 0;
    }

    /// <summary>The connection is gone.</summary>
    public void Clear()
    {
        _small.Clear();
        QueuedBytes = 0;
        Chunks.Clear();
    }

    private void Add(ReadOnlyMemory<byte> message)
    {
        _small.Enqueue(message);
        QueuedBytes += message.Length;
    }

    private void FillWithSmall(IBufferWriter<byte> target, ref OutboundBatcher batcher)
    {
        while (_small.TryPeek(out ReadOnlyMemory<byte> message) && batcher.TryAdd(message.Length))
        {
            _small.Dequeue();
            QueuedBytes -= message.Length;
            target.Write(message.Span);
        }
    }

    // A header, if the stream is new, and the chunk behind it; one chunk a frame.
    private bool FillWithChunk(IBufferWriter<byte> target, ref OutboundBatcher batcher)
    {
        int bytes;
        while ((bytes = Chunks.NextBytes) > 0 && batcher.TryAdd(bytes))
        {
            bool isChunk = Chunks.NextIsChunk;
            Chunks.TryWriteNext(target);
            if (isChunk) return true;
        }

        return false;
    }
}
