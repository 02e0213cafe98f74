using System.Buffers;
using Broker.Core.Framing;
using Xunit;
using static Broker.Tests.Support.Wire;

namespace Broker.Tests.Framing;

public sealed class FrameReaderTests
{
    public static TheoryData<string, FrameHeader> Printed => new()
    {
        // RFC 6455 section 5.7, in its order.
        { "81 05", new(Final: true, Reserved: 0, Opcode.Text, PayloadLength: 5, null) },
        { "81 85 37fa213d", new(Final: true, Reserved: 0, Opcode.Text, PayloadLength: 5, 0x37fa213d) },
        { "01 03", new(Final: false, Reserved: 0, Opcode.Text, PayloadLength: 3, null) },
        { "80 02", new(Final: true, Reserved: 0, Opcode.Continuation, PayloadLength: 2, null) },
        { "89 05", new(Final: true, Reserved: 0, Opcode.Ping, PayloadLength: 5, null) },
        { "8a 85 37fa213d", new(Final: true, Reserved: 0, Opcode.Pong, PayloadLength: 5, 0x37fa213d) },
        { "82 7e 0100", new(Final: true, Reserved: 0, Opcode.Binary, PayloadLength: 256, null) },
        { "82 7f 0000000000010000", new(Final: true, Reserved: 0, Opcode.Binary, PayloadLength: 65536, null) },

        // The lengths' edges.
        { "82 00", new(Final: true, Reserved: 0, Opcode.Binary, PayloadLength: 0, null) },
        { "82 7d", new(Final: true, Reserved: 0, Opcode.Binary, PayloadLength: 125, null) },
        { "82 7e 007e", new(Final: true, Reserved: 0, Opcode.Binary, PayloadLength: 126, null) },
        { "82 fe ffff ffffffff", new(Final: true, Reserved: 0, Opcode.Binary, PayloadLength: 65535, 0xffffffff) },
        { "82 ff 0000000000010000 80000001", new(Final: true, Reserved: 0, Opcode.Binary, PayloadLength: 65536, 0x80000001) },
        { "82 ff 7fffffffffffffff 00000000", new(Final: true, Reserved: 0, Opcode.Binary, PayloadLength: long.MaxValue, 0) },

        // Bits that the reader reports and does not judge.
        { "f8 80 01020304", new(Final: true, Reserved: 7, Opcode.Close, PayloadLength: 0, 0x01020304) },
        { "4f 00", new(Final: false, Reserved: 4, (Opcode)15, PayloadLength: 0, null) },
    };

    [Theory, MemberData(nameof(Printed))]
    public void A_whole_header_reads_as_it_is_printed(string hex, FrameHeader expected)
    {
        var reader = new FrameReader(Bytes(hex));

        Assert.Equal(OperationStatus.Done, reader.ReadHeader(out FrameHeader header));
        Assert.Equal(expected, header);
        Assert.Equal(expected.Size, reader.Position);
    }

    [Theory, MemberData(nameof(Printed))]
    public void A_header_cut_anywhere_waits_for_the_rest(string hex, FrameHeader expected)
    {
        for (int cut = 0; cut < expected.Size; cut++)
        {
            var reader = new FrameReader(Bytes(hex).AsSpan(0, cut));

            Assert.Equal(OperationStatus.NeedMoreData, reader.ReadHeader(out _));
            Assert.Equal(0, reader.Position);
            Assert.Equal(cut < 2 ? 2 : expected.Size, reader.Needed);
        }
    }

    [Theory, MemberData(nameof(Printed))]
    public void A_header_that_is_written_is_the_one_that_was_read(string hex, FrameHeader header)
    {
        byte[] target = new byte[FrameHeader.SizeMax];
        if (header.Opcode.IsControl && !header.Final) return;

        int size = FrameWriter.WriteHeader(target, header);

        Assert.Equal(Bytes(hex), target[..size]);
    }

    [Theory]
    [InlineData("82 7e 0000")]
    [InlineData("82 7e 007d")]
    [InlineData("82 fe 007d 00000000")]
    [InlineData("82 7f 000000000000007d")]
    [InlineData("82 7f 000000000000ffff")]
    [InlineData("82 ff 000000000000ffff 00000000")]
    [InlineData("82 7f 8000000000000000")]
    [InlineData("82 ff ffffffffffffffff 00000000")]
    public void A_length_past_63_bits_or_not_in_its_shortest_form_is_invalid(string hex)
    {
        var reader = new FrameReader(Bytes(hex));

        Assert.Equal(OperationStatus.InvalidData, reader.ReadHeader(out FrameHeader header));
        Assert.Equal(default, header);
        Assert.Equal(0, reader.Position);
    }

    [Fact]
    public void Frames_behind_each_other_are_read_in_turn()
    {
        var reader = new FrameReader(Bytes("01 03 48656c 80 02 6c6f 89"));

        Assert.Equal(OperationStatus.Done, reader.ReadHeader(out FrameHeader first));
        Assert.Equal("Hel"u8, reader.TakePayload((int)first.PayloadLength));
        Assert.Equal(OperationStatus.Done, reader.ReadHeader(out FrameHeader second));
        Assert.Equal("lo"u8, reader.TakePayload((int)second.PayloadLength));
        Assert.Equal(OperationStatus.NeedMoreData, reader.ReadHeader(out _));
        Assert.Equal(9, reader.Position);
    }
}
