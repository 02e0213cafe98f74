using Broker.Core.Protocol.Transfers;

namespace Broker.Client;

/// <summary>A message too long for a frame: its first fields, and its data where the caller has it. Reports its progress.</summary>
internal sealed class UploadSource(byte[] head, ReadOnlyMemory<byte> data, IProgress<TransferProgress>? progress, Action<long> released)
    : IChunkSource
{
    private Action<long>? _released = released;

    public long Bytes => head.Length + (long)data.Length;

    public void CopyTo(long from, Span<byte> target)
    {
        long to = from + target.Length;
        int ofHead = (int)Math.Clamp(head.Length - from, 0, target.Length);
        if (ofHead > 0) head.AsSpan((int)from, ofHead).CopyTo(target);
        if (ofHead < target.Length) data.Span.Slice((int)(from + ofHead - head.Length), target.Length - ofHead).CopyTo(target[ofHead..]);
        progress.Notify(Math.Max(0, to - head.Length), data.Length);
    }

    public void Dispose()
    {
        _released?.Invoke(Bytes);
        _released = null;
    }
}
