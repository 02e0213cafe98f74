using Broker.Core.Framing;
using Broker.Tests.Support;
using CsCheck;
using Xunit;
using static Broker.Tests.Support.Wire;

namespace Broker.Tests.Framing;

public sealed class FrameWriterTests
{
    private static readonly int[] s_edges = [0, 1, 124, 125, 126, 127, 65534, 65535, 65536, 70000];

    [Fact]
    public void Frames_are_written_as_the_rfc_prints_them()
    {
        Assert.Equal(Bytes("81 05 48656c6c6f"), FrameWriter.Frame(Opcode.Text, "Hello"u8));
        Assert.Equal(Bytes("81 85 37fa213d 7f9f4d5158"), FrameWriter.Frame(Opcode.Text, "Hello"u8, 0x37fa213d));
        Assert.Equal(Bytes("01 03 48656c"), FrameWriter.Frame(Opcode.Text, "Hel"u8, final: false));
        Assert.Equal(Bytes("80 02 6c6f"), FrameWriter.Frame(Opcode.Continuation, "lo"u8));
        Assert.Equal(Bytes("89 05 48656c6c6f"), FrameWriter.Ping("Hello"u8));
        Assert.Equal(Bytes("8a 85 37fa213d 7f9f4d5158"), FrameWriter.Pong("Hello"u8, 0x37fa213d));
        Assert.Equal(Bytes("82 7e 0100"), FrameWriter.Frame(Opcode.Binary, new byte[256])[..4]);
        Assert.Equal(Bytes("82 7f 0000000000010000"), FrameWriter.Frame(Opcode.Binary, new byte[65536])[..10]);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(0u)]
    [InlineData(0x37fa213du)]
    [InlineData(0xfffffff0u)]
    public void The_three_ways_to_write_give_the_same_bytes_and_the_size_foretold(uint? key)
    {
        foreach (int length in s_edges)
        {
            foreach (var (opcode, final) in ((Opcode, bool)[])[
                (Opcode.Text, true), (Opcode.Binary, false), (Opcode.Continuation, false), (Opcode.Continuation, true)])
            {
                byte[] payload = Pattern(length);
                byte[] allocated = FrameWriter.Frame(opcode, payload, key, final);

                byte[] prefixed = [.. new byte[20], .. payload];
                int start = FrameWriter.Prefix(prefixed, reserved: 20, opcode, key, final);

                byte[] bulk = new byte[2 * allocated.Length + 1];
                var writer = new FrameWriter(bulk);
                Assert.True(writer.TryWrite(opcode, payload, key, final));
                Assert.True(writer.TryWrite(opcode, payload, key, final));
                Assert.False(writer.TryWrite(opcode, payload, key, final));

                Assert.Equal(FrameWriter.SizeOf(length, key.HasValue), allocated.Length);
                Assert.Equal(allocated, prefixed[start..]);
                Assert.Equal(Join(allocated, allocated), bulk[..writer.Position]);
                Assert.Equal(Pattern(length), payload);
            }
        }
    }

    [Fact]
    public void What_is_written_reads_back() =>
        Gen.Select(Gen.Byte.Array[0, 70_000], Gen.UInt.Nullable(), Gen.Bool, Gen.OneOf(Opcode.Continuation, Opcode.Text, Opcode.Binary))
            .Sample((payload, key, final, opcode) =>
            {
                byte[] frame = FrameWriter.Frame(opcode, payload, key, final);
                var reader = new FrameReader(frame);
                reader.ReadHeader(out FrameHeader header);
                byte[] read = reader.TakePayload((int)header.PayloadLength).ToArray();
                if (key is { } mask) Masking.Apply(read, mask);
                return header == new FrameHeader(final, 0, opcode, payload.Length, key)
                    && reader.Position == frame.Length && read.AsSpan().SequenceEqual(payload);
            }, iter: 500);

    [Fact]
    public void A_header_of_63_bits_is_written()
    {
        byte[] target = new byte[FrameHeader.SizeMax];

        int size = FrameWriter.WriteHeader(target, new(Final: true, Reserved: 4, Opcode.Binary, long.MaxValue, 0x01020304));

        Assert.Equal(Bytes("c2 ff 7fffffffffffffff 01020304"), target[..size]);
    }

    [Fact]
    public void A_frame_that_does_not_fit_as_a_whole_leaves_the_buffer_alone()
    {
        byte[] buffer = new byte[9];
        var writer = new FrameWriter(buffer);
        Assert.True(writer.TryWrite(Opcode.Binary, Pattern(2)));

        Assert.False(writer.TryWrite(Opcode.Binary, Pattern(4)));
        Assert.Equal(4, writer.Position);
        Assert.Equal(new byte[5], buffer[4..]);
        Assert.True(writer.TryWrite(Opcode.Binary, Pattern(3)));
        Assert.Equal(9, writer.Position);
    }

    [Fact]
    public void A_control_frame_that_is_long_or_a_fragment_is_refused()
    {
        Assert.Equal(127, FrameWriter.Ping(new byte[125]).Length);
        Assert.Throws<ArgumentException>(() => FrameWriter.Ping(new byte[126]));
        Assert.Throws<ArgumentException>(() => FrameWriter.Frame(Opcode.Close, [], final: false));
        Assert.Throws<ArgumentException>(() => FrameWriter.Prefix(new byte[5], reserved: 1, Opcode.Text));
    }

    [Fact]
    public void Writing_many_frames_into_one_buffer_allocates_nothing()
    {
        byte[] buffer = new byte[4096];
        byte[] payload = Pattern(100);

        Assert.Equal(0, Allocations.Least(() =>
        {
            for (int i = 0; i < 1000; i++)
            {
                var writer = new FrameWriter(buffer);
                while (writer.TryWrite(Opcode.Binary, payload, 0x01020304)) { }
            }
        }));
    }
}
