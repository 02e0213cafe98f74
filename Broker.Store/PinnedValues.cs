using Broker.Core.Protocol.Messages;

namespace Broker.Store;

/// <summary>The values of one batch_read on their way out: short ones are copied together, long ones stay where they are.</summary>
internal sealed class PinnedValues(PinnedValue?[] values) : IDisposable
{
    /// <summary>Bytes of the whole result.</summary>
    public long Bytes { get; } = sizeof(uint) + values.Sum(static value => sizeof(uint) + (long)(value?.Length ?? 0));

    /// <summary>The result in pieces: one, unless values are held.</summary>
    /// <param name="heldBytesMin">A value of so many bytes is held.</param>
    public ReadOnlyMemory<byte>[] Encode(int heldBytesMin)
    {
        long copied = Bytes - values.Sum(value => value?.Length >= heldBytesMin ? (long)value.Length : 0);
        byte[] joined = GC.AllocateUninitializedArray<byte>(checked((int)copied));
        var body = new BodyWriter(joined);
        var segments = new List<ReadOnlyMemory<byte>>();
        int from = 0;
        body.PutWord((uint)values.Length);
        for (int i = 0; i < values.Length; i++)
        {
            PinnedValue? value = values[i];
            body.PutWord(value is null ? uint.MaxValue : (uint)value.Length);
            if (value is null) continue;
            if (value.Length < heldBytesMin)
            {
                body.PutBytes(value.GetSpan());
                value.Dispose();
                values[i] = null;
                continue;
            }

            segments.Add(joined.AsMemory(from, body.Position - from));
            segments.Add(value.Memory);
            from = body.Position;
        }

        if (from < joined.Length) segments.Add(joined.AsMemory(from));
        return [.. segments];
    }

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (PinnedValue? value in values) value?.Dispose();
    }
}
