using System.Text;
using Broker.Core.Buffers;
using Broker.Core.Framing;
using Broker.Tests.Support;
using CsCheck;
using Xunit;

namespace Broker.Tests.Framing;

public sealed class FrameBatchTests
{
    private readonly CountingPool _pool = new();
    private FrameBatch _batch;

    [Fact]
    public void One_line_is_one_frame()
    {
        _batch.Append("{}"u8, _pool);

        Assert.Equal(Wire.Bytes("81 02 7b7d"), Sealed());
    }

    [Fact]
    public void Lines_stand_in_order_with_a_line_feed_between_two()
    {
        _batch.Append("one"u8, _pool);
        _batch.Append("two\nthree"u8, _pool);
        _batch.Append(""u8, _pool);
        Assert.Equal(14, _batch.Length);

        Assert.Equal(FrameWriter.Frame(Opcode.Text, "one\ntwo\nthree\n"u8), Sealed());
    }

    [Theory, InlineData(0), InlineData(125), InlineData(126), InlineData(65535), InlineData(65536), InlineData(2_000_000)]
    public void The_header_fits_whatever_the_length(int length)
    {
        byte[] line = Encoding.ASCII.GetBytes(new string('x', length));
        _batch.Append(line, _pool);

        Assert.Equal(FrameWriter.Frame(Opcode.Text, line), Sealed());
    }

    [Fact]
    public void Binary_parts_follow_each_other_with_nothing_between()
    {
        _batch = new FrameBatch(binary: true);
        _batch.Append([1, 2], _pool);
        _batch.Append([3], _pool);

        Assert.Equal(Wire.Bytes("82 03 010203"), Sealed());
        _batch.Append([4], _pool);
        Assert.Equal(Wire.Bytes("82 01 04"), Sealed());
    }

    [Fact]
    public void A_sealed_batch_starts_anew()
    {
        Assert.True(_batch.IsEmpty);
        _batch.Append("one"u8, _pool);
        Assert.False(_batch.IsEmpty);
        Sealed();

        Assert.True(_batch.IsEmpty);
        Assert.Equal(0, _batch.Length);
        Assert.Throws<InvalidOperationException>(() => _batch.Seal(out _));
        _batch.Append("two"u8, _pool);
        Assert.Equal(FrameWriter.Frame(Opcode.Text, "two"u8), Sealed());
    }

    [Fact]
    public void A_cleared_batch_gives_its_bytes_back()
    {
        _batch.Append("one"u8, _pool);
        _batch.Clear();
        _batch.Clear();

        Assert.True(_batch.IsEmpty);
        Assert.Equal(0, _pool.Outstanding);
    }

    [Fact]
    public void Any_lines_make_the_frame_that_joining_them_makes() =>
        Gen.String[Gen.Char.AlphaNumeric, 0, 2000].Array[1, 60].Sample(lines =>
        {
            var pool = new CountingPool();
            FrameBatch batch = default;
            foreach (string line in lines) batch.Append(Encoding.ASCII.GetBytes(line), pool);
            SharedBytes bytes = batch.Seal(out int start);

            Assert.Equal(
                FrameWriter.Frame(Opcode.Text, Encoding.ASCII.GetBytes(string.Join('\n', lines))), bytes.Array[start..bytes.Length]);
            bytes.Release();
            Assert.Equal(0, pool.Outstanding);
        }, iter: 300);

    private byte[] Sealed()
    {
        SharedBytes bytes = _batch.Seal(out int start);
        byte[] frame = bytes.Array[start..bytes.Length];
        bytes.Release();
        Assert.Equal(0, _pool.Outstanding);
        return frame;
    }
}
