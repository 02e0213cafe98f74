using System.Text;
using Broker.Core.Framing;
using Xunit;
using static Broker.Tests.Support.Wire;

namespace Broker.Tests.Framing;

public sealed class CloseTests
{
    [Fact]
    public void Only_the_codes_of_the_rfc_and_the_registry_may_travel()
    {
        for (int code = 0; code <= ushort.MaxValue; code++)
        {
            bool expected = code is >= 1000 and <= 1003 or >= 1007 and <= 1014 or >= 3000 and <= 4999;
            byte[] payload = [(byte)(code >> 8), (byte)code];

            FrameViolation? violation = ClosePayload.Check(payload, out ClosePayload read);

            Assert.Equal(expected, ((CloseCode)code).MayTravel);
            Assert.Equal(expected ? null : FrameViolation.CloseCodeUnknown, violation);
            Assert.Equal(expected ? (CloseCode)code : CloseCode.NoStatus, read.Code);
        }
    }

    [Fact]
    public void An_empty_payload_reads_as_no_status_and_writes_as_nothing()
    {
        Assert.Null(ClosePayload.Check([], out ClosePayload read));
        Assert.Equal(ClosePayload.None, read);
        Assert.Equal(0, read.Write([]));
    }

    [Theory]
    [InlineData("61", CloseCode.ProtocolError)]
    [InlineData("03ec", CloseCode.ProtocolError)]
    [InlineData("03ed", CloseCode.ProtocolError)]
    [InlineData("03ee", CloseCode.ProtocolError)]
    [InlineData("03f7", CloseCode.ProtocolError)]
    [InlineData("03e8 ceba e1bdb9 eda080 65", CloseCode.InvalidPayload)]
    [InlineData("03e8 c3", CloseCode.InvalidPayload)]
    public void A_bad_payload_has_the_close_code_of_its_rule(string hex, CloseCode code) =>
        Assert.Equal(code, ClosePayload.Check(Bytes(hex), out _)!.Code);

    [Theory]
    [InlineData(CloseCode.Reserved)]
    [InlineData(CloseCode.NoStatus)]
    [InlineData(CloseCode.Abnormal)]
    [InlineData(CloseCode.TlsHandshake)]
    [InlineData((CloseCode)999)]
    [InlineData((CloseCode)2999)]
    [InlineData((CloseCode)5000)]
    public void A_code_that_may_not_travel_is_refused_on_send(CloseCode code)
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => FrameWriter.Close(code, "words"));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ClosePayload(code, "words").Write(new byte[125]));
    }

    [Fact]
    public void A_close_frame_is_its_code_and_its_reason() =>
        Assert.Equal(Bytes("88 07 03e9 68656c6c6f"), FrameWriter.Close(CloseCode.GoingAway, "hello"));

    [Theory]
    [InlineData("é", 61)]
    [InlineData("中", 41)]
    [InlineData("😀", 30)]
    [InlineData("x", 123)]
    public void A_reason_that_is_too_long_is_cut_between_two_characters(string character, int kept)
    {
        string reason = string.Concat(Enumerable.Repeat(character, 200));
        byte[] target = new byte[ClosePayload.BytesMax];

        int bytes = new ClosePayload(CloseCode.Normal, reason).Write(target);

        Assert.Null(ClosePayload.Check(target.AsSpan(0, bytes), out ClosePayload read));
        Assert.Equal(string.Concat(Enumerable.Repeat(character, kept)), read.Reason);
        Assert.Equal(2 + Encoding.UTF8.GetByteCount(read.Reason), bytes);
    }

    [Fact]
    public void Half_a_surrogate_pair_in_a_reason_is_sent_as_a_replacement()
    {
        byte[] frame = FrameWriter.Close(CloseCode.Normal, "a\ud800b");

        Assert.Null(ClosePayload.Check(frame.AsSpan(2), out ClosePayload read));
        Assert.Equal("a\ufffdb", read.Reason);
    }
}
