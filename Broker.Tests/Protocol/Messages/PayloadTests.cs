using System.Buffers;
using Broker.Core.Protocol.Messages;
using Broker.Tests.Support;
using CsCheck;

namespace Broker.Tests.Protocol.Messages;

public sealed class PayloadTests
{
    private readonly CountingPool _pool = new();

    [Theory]
    [InlineData(0, PayloadTag.Brotli, PayloadTag.None)]
    [InlineData(1024, PayloadTag.Brotli, PayloadTag.None)]
    [InlineData(1025, PayloadTag.Brotli, PayloadTag.Brotli)]
    [InlineData(1024, PayloadTag.Gzip, PayloadTag.None)]
    [InlineData(1025, PayloadTag.Gzip, PayloadTag.Gzip)]
    [InlineData(1025, PayloadTag.None, PayloadTag.None)]
    [InlineData(500_000, PayloadTag.Brotli, PayloadTag.Brotli)]
    [InlineData(500_000, PayloadTag.Gzip, PayloadTag.Gzip)]
    public void Only_what_is_over_the_threshold_is_compressed(int bytes, PayloadTag wanted, PayloadTag used)
    {
        byte[] messages = Wire.Pattern(bytes);
        var payload = new ArrayBufferWriter<byte>();

        Assert.Equal(used, PayloadCompressor.Write(messages, wanted, payload));

        Assert.Equal((byte)used, payload.WrittenSpan[0]);
        Assert.Equal(used == PayloadTag.None, payload.WrittenCount == bytes + 1);
        Assert.Equal(NativeFault.None, OpenedPayload.Open(payload.WrittenSpan, Compressions.All, bytes, _pool, out OpenedPayload opened));
        Assert.Equal(messages, opened.Messages.ToArray());
        opened.Dispose();
        Assert.Equal(0, _pool.Outstanding);
    }

    [Theory]
    [InlineData(PayloadTag.Brotli)]
    [InlineData(PayloadTag.Gzip)]
    public void What_would_not_become_shorter_goes_as_it_is(PayloadTag wanted)
    {
        byte[] noise = new byte[5000];
        new Random(1).NextBytes(noise);
        var payload = new ArrayBufferWriter<byte>();

        Assert.Equal(PayloadTag.None, PayloadCompressor.Write(noise, wanted, payload));
        Assert.Equal([0, .. noise], payload.WrittenSpan.ToArray());
    }

    [Theory]
    [InlineData(PayloadTag.Brotli)]
    [InlineData(PayloadTag.Gzip)]
    public void A_payload_expands_to_the_limit_and_not_past_it(PayloadTag wanted)
    {
        var payload = new ArrayBufferWriter<byte>();
        PayloadCompressor.Write(new byte[10 << 20], wanted, payload);
        int memoryMax = 3 << 20;

        Assert.Equal(NativeFault.ExpandsTooFar, Open(payload.WrittenSpan, Compressions.All, 1 << 20));
        Assert.Equal(NativeFault.ExpandsTooFar, Open(payload.WrittenSpan, Compressions.All, (10 << 20) - 1));
        Assert.Equal(NativeFault.None, Open(payload.WrittenSpan, Compressions.All, 10 << 20));
        Assert.True(payload.WrittenCount < memoryMax);
        Assert.Equal(0, _pool.Outstanding);
    }

    [Fact]
    public void An_unknown_tag_is_an_error_and_so_is_one_that_was_not_agreed_on()
    {
        Assert.Equal(NativeFault.EmptyPayload, Open([], Compressions.All));
        Assert.Equal(NativeFault.UnknownCompression, Open([3, 1, 2], Compressions.All));
        Assert.Equal(NativeFault.UnknownCompression, Open([1, 1, 2], Compressions.Gzip));
        Assert.Equal(NativeFault.UnknownCompression, Open([2, 1, 2], Compressions.Brotli));
        Assert.Equal(NativeFault.BadCompression, Open([1], Compressions.All));
        Assert.Equal(NativeFault.BadCompression, Open([2], Compressions.All));
        Assert.Equal(NativeFault.PayloadTooBig, Open(new byte[102], Compressions.All, bytesMax: 100));
        Assert.Equal(NativeFault.None, Open(new byte[101], Compressions.All, bytesMax: 100));
    }

    [Fact]
    public void Compressed_bytes_that_are_cut_or_followed_by_others_are_refused()
    {
        var payload = new ArrayBufferWriter<byte>();
        PayloadCompressor.Write(Wire.Pattern(3000), PayloadTag.Brotli, payload);
        byte[] whole = payload.WrittenSpan.ToArray();

        for (int cut = 1; cut < whole.Length; cut++) Assert.Equal(NativeFault.BadCompression, Open(whole.AsSpan(0, cut), Compressions.All));
        Assert.Equal(NativeFault.BadCompression, Open([.. whole, 0], Compressions.All));
    }

    [Fact]
    public void Random_bytes_never_throw_nor_keep_a_buffer()
    {
        Gen.Select(Gen.Byte[0, 3], Gen.Byte.Array[0, 200]).Sample(
            (tag, bytes) => { Open([tag, .. bytes], Compressions.All, 100_000); },
            iter: 5000,
            threads: 1);
        Assert.Equal(0, _pool.Outstanding);
    }

    [Theory]
    [InlineData(Compressions.All, PayloadTag.Brotli)]
    [InlineData(Compressions.Brotli, PayloadTag.Brotli)]
    [InlineData(Compressions.Gzip, PayloadTag.Gzip)]
    [InlineData(Compressions.None, PayloadTag.None)]
    public void Brotli_is_preferred(Compressions agreed, PayloadTag chosen) =>
        Assert.Equal(chosen, PayloadCompressor.Choose(agreed));

    private NativeFault Open(ReadOnlySpan<byte> payload, Compressions agreed, int bytesMax = 1 << 20)
    {
        NativeFault fault = OpenedPayload.Open(payload, agreed, bytesMax, _pool, out OpenedPayload opened);
        opened.Dispose();
        return fault;
    }
}
