using System.Buffers.Binary;
using Broker.Core.Protocol.Messages;

namespace Broker.Client;

/// <summary>Messages with data of any length: in a frame where they fit, and as streams where they do not.</summary>
internal sealed class Uploads(ConnectionState state, FrameSender sender)
{
    private readonly Dictionary<uint, Action<Exception>> _failed = [];     // Who waits for what each stream is part of.
    private long _bytes;

    /// <summary>Sends a message whose last field is data, which is not in it yet.</summary>
    /// <param name="message">The message, without its data.</param>
    /// <param name="data">Must not change until it is sent.</param>
    /// <param name="progress">Gets how many bytes have been sent.</param>
    /// <param name="failed">
    /// Called, under the lock, when the hub rejects the stream; kept until <see cref="Cancel"/> or <see cref="Evict"/>.
    /// </param>
    /// <returns>The stream that it is sent as, if it is too long for a frame.</returns>
    /// <exception cref="BrokerException">Nothing is sent: it is too long for the hub, or too much waits.</exception>
    public uint? Post<T>(scoped in T message, ReadOnlyMemory<byte> data, IProgress<TransferProgress>? progress, Action<Exception> failed)
        where T : INativeMessage<T>, allows ref struct
    {
        int head = NativeWriter.SizeOf(message);
        long size = head + (long)data.Length;
        if (size > sender.Limits.ThresholdBytes) return Begin(Encode(message, head, data.Length), data, progress, failed);

        byte[] whole = Encode(message, (int)size, data.Length);
        data.Span.CopyTo(whole.AsSpan(head));
        sender.Post(whole);
        progress.Notify(data.Length, data.Length);
        return null;
    }

    /// <summary>The request has its answer, or was given up: sends no more of the stream.</summary>
    /// <returns>Whether there was something left to send.</returns>
    public bool Cancel(uint? stream)
    {
        if (stream is not { } number) return false;
        _failed.Remove(number);
        if (!sender.Chunks.Cancel(number)) return false;
        sender.Signal();
        return true;
    }

    /// <summary>No caller waits to learn how a stream ends, which goes on.</summary>
    public void Evict(uint stream) => _failed.Remove(stream);

    /// <summary>The hub takes more.</summary>
    public void OnCredit(Credit credit)
    {
        sender.Chunks.Grant(credit.Id, credit.Count);
        sender.Signal();
    }

    /// <summary>The hub rejects a stream: its request fails with the reason.</summary>
    public void OnRefused(uint stream, ChunkError error)
    {
        if (sender.Chunks.OnCancelled(stream)) sender.Signal();        // The next one may have its place.
        if (_failed.Remove(stream, out Action<Exception>? failed))
            failed(new RequestRejectedException((int)error, $"The hub stopped the upload: {error}."));
    }

    private uint Begin(byte[] head, ReadOnlyMemory<byte> data, IProgress<TransferProgress>? progress, Action<Exception> failed)
    {
        long size = head.Length + (long)data.Length;
        if (!sender.Limits.Allows(size))
            throw new PayloadTooLargeException($"{size} bytes are more than the hub takes: {sender.Limits.StreamBytesMax}.");
        if (_bytes > 0 && size > state.Options.UploadBytesMax - _bytes)
            throw new QueueFullException($"Large messages of {_bytes} bytes wait already.");
        sender.Chunks.TrySend(new UploadSource(head, data, progress, bytes => _bytes -= bytes), out uint stream);
        _bytes += size;
        _failed[stream] = failed;
        sender.Signal();
        return stream;
    }

    private static byte[] Encode<T>(scoped in T message, int room, int dataBytes)
        where T : INativeMessage<T>, allows ref struct
    {
        byte[] bytes = GC.AllocateUninitializedArray<byte>(room);
        new NativeWriter(bytes).TryWrite(message);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(1), (uint)(message.BodyBytes + dataBytes));
        return bytes;
    }
}
