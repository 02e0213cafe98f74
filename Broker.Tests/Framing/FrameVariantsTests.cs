using System.Security.Cryptography;
using Broker.Core.Buffers;
using Broker.Core.Deflate;
using Broker.Core.Framing;
using Broker.Tests.Conformance.Wire;
using Broker.Tests.Deflate;
using Broker.Tests.Support;
using Xunit;

namespace Broker.Tests.Framing;

[Collection(NativeStates.Name)]
public sealed class FrameVariantsTests : IDisposable
{
    private readonly CountingPool _pool = new();
    private readonly LoopDeflate _loop;

    public FrameVariantsTests() => _loop = new LoopDeflate(_pool);

    public void Dispose()
    {
        _loop.Dispose();
        Assert.Equal(0, _pool.Outstanding);
    }

    [Fact]
    public void Each_window_gets_one_shared_compressed_frame()
    {
        byte[] line = Wire.Join(Enumerable.Repeat("{\"push\":{\"channel\":\"news\"}}\n"u8.ToArray(), 150));
        FrameVariants frames = Seal(line, out SharedBytes plain);
        MessageDeflate wide = Wanting(15), alsoWide = Wanting(15), narrow = Wanting(9);

        Assert.Same(plain, frames.For(null, out _));
        SharedBytes first = frames.For(wide, out int at);
        Assert.Same(first, frames.For(alsoWide, out int again));
        Assert.Equal(at, again);
        SharedBytes other = frames.For(narrow, out int otherAt);
        Assert.NotSame(first, other);
        Assert.Equal(line, Read(first, at, windowBits: 15));
        Assert.Equal(line, Read(other, otherAt, windowBits: 9));
        frames.Release();
    }

    [Fact]
    public void Too_short_or_incompressible_or_in_need_of_a_context_it_goes_as_it_is()
    {
        FrameVariants brief = Seal(new byte[999], out SharedBytes plain);
        Assert.Same(plain, brief.For(Wanting(15), out _));
        brief.Release();

        FrameVariants enough = Seal(new byte[1000], out plain);
        Assert.NotSame(plain, enough.For(Wanting(15), out _));
        Assert.Same(plain, enough.For(Wanting(15, context: true), out int at));
        Assert.Equal(1000 + 4, plain.Length - at);
        enough.Release();

        FrameVariants noise = Seal(RandomNumberGenerator.GetBytes(4000), out plain);
        Assert.Same(plain, noise.For(Wanting(15), out at));
        Assert.Same(plain, noise.For(Wanting(15), out int again));
        Assert.Equal((at, 4000 + 4), (again, plain.Length - at));
        noise.Release();
    }

    [Fact]
    public void A_queue_may_hold_a_variant_after_the_batch_is_done()
    {
        FrameVariants frames = Seal(new byte[70_000], out _);
        SharedBytes held = frames.For(Wanting(15), out int at).AddRef();
        frames.Release();

        Assert.Equal(new byte[70_000], Read(held, at, windowBits: 15));
        held.Release();
    }

    private FrameVariants Seal(byte[] line, out SharedBytes plain)
    {
        var batch = new FrameBatch();
        batch.Append(line, _pool);
        plain = batch.Seal(out int start);
        return new FrameVariants(plain, start, _loop);
    }

    private MessageDeflate Wanting(int windowBits, bool context = false) =>
        new(new DeflateTerms(windowBits, 15, context, false), new DeflatePolicy(new DeflateBudget(long.MaxValue))
            { MessageBytesMin = 1000 }, _loop);

    private static byte[] Read(SharedBytes frame, int at, int windowBits)
    {
        using var inflater = new MessageInflater(windowBits, keepContext: false);
        var reader = new FrameReader(frame.Array.AsSpan(at, frame.Length - at));
        reader.ReadHeader(out FrameHeader header);
        Assert.Equal((true, (byte)4, Opcode.Text), (header.Final, header.Reserved, header.Opcode));
        Assert.Equal(frame.Length - at, header.Size + header.PayloadLength);
        return inflater.Decompress(reader.TakePayload((int)header.PayloadLength));
    }
}
