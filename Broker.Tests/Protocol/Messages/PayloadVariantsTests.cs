using System.Buffers;
using Broker.Core.Buffers;
using Broker.Core.Framing;
using Broker.Core.Protocol.Messages;
using Broker.Tests.Support;
using Xunit;

namespace Broker.Tests.Protocol.Messages;

/// <summary>Frames that are compressed once for all who want them so.</summary>
public sealed class PayloadVariantsTests
{
    private readonly CountingPool _pool = new();

    [Theory, InlineData(true), InlineData(false)]
    public void Each_way_is_made_once_and_reads_as_what_it_was(bool batched)
    {
        byte[] large = NativeWriter.Message(new Delivery { Channel = 1, Offset = 1, Data = new byte[5000] }), small =
            NativeWriter.Message(new Ping { Mark = 7 });
        var batch = new MessageBatch(batched);
        batch.Append(small, _pool);
        batch.Append(large, _pool);
        batch.Append(small, _pool);
        var variants = new PayloadVariants(batch.Seal(out int start), start, _pool);

        string plain = Receive(variants.For(PayloadTag.None, out int at), at, batched);
        foreach (PayloadTag tag in (PayloadTag[])[PayloadTag.Brotli, PayloadTag.Gzip])
        {
            SharedBytes packed = variants.For(tag, out at);
            Assert.Same(packed, variants.For(tag, out _));
            Assert.True(packed.Length - at < 1000);
            Assert.Equal(plain, Receive(packed, at, batched));
        }

        variants.Release();
        Assert.Equal(0, _pool.Outstanding);
    }

    [Theory, InlineData(500), InlineData(5000)]
    public void What_is_short_or_does_not_become_shorter_goes_as_it_is(int bytes)
    {
        byte[] noise = new byte[bytes];
        new Random(7).NextBytes(noise);
        var batch = new MessageBatch(batched: true);
        batch.Append(NativeWriter.Message(new Delivery { Data = noise }), _pool);
        var variants = new PayloadVariants(batch.Seal(out int start), start, _pool);

        SharedBytes plain = variants.For(PayloadTag.None, out int plainAt);
        Assert.Same(plain, variants.For(PayloadTag.Brotli, out int at));
        Assert.Equal(plainAt, at);
        Assert.Same(plain, variants.For(PayloadTag.Gzip, out _));

        variants.Release();
        Assert.Equal(0, _pool.Outstanding);
    }

    private static string Receive(SharedBytes frames, int at, bool batched)
    {
        var lines = new List<string>();
        var reader = new FrameReader(frames.Array.AsSpan(at, frames.Length - at));
        while (reader.ReadHeader(out FrameHeader header) == OperationStatus.Done)
            lines.AddRange(NativeClient.Describe(reader.TakePayload((int)header.PayloadLength).ToArray(), batched));
        return string.Join('\n', lines);
    }
}
