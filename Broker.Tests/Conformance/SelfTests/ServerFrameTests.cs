using Broker.Tests.Conformance.Wire;
using Xunit;

namespace Broker.Tests.Conformance.SelfTests;

/// <summary>What a server may not send is refused, byte by byte. RFC 6455 sections 5.2, 5.4, 5.5 and 7.4.</summary>
public sealed class ServerFrameTests
{
    [Theory]
    [InlineData("81 85 37fa213d 7f9f4d5158", "masked")]
    [InlineData("c1 00", "RSV1")]
    [InlineData("a1 00", "RSV2")]
    [InlineData("91 00", "RSV3")]
    [InlineData("83 00", "opcode 3")]
    [InlineData("8b 00", "opcode 11")]
    [InlineData("09 00", "fragmented")]
    [InlineData("89 7e 007e", "longer than 125")]
    [InlineData("81 7e 007d", "shortest form")]
    [InlineData("81 7f 000000000000ffff", "shortest form")]
    [InlineData("80 00", "continues nothing")]
    [InlineData("01 00 81 00", "inside another")]
    [InlineData("81 02 c328", "not UTF-8")]
    [InlineData("88 01 03", "one octet")]
    [InlineData("88 02 03ed", "1005")]
    [InlineData("88 04 03e8 c328", "not UTF-8")]
    public async Task A_broken_rule_is_named(string hex, string rule)
    {
        var violation = await Assert.ThrowsAsync<ServerViolationException>(() => ReadAllAsync(hex));

        Assert.Contains(rule, violation.Message, StringComparison.Ordinal);
        Assert.Equal(rule == "not UTF-8" ? 1007 : 1002, violation.Code);
    }

    [Fact]
    public async Task Fragments_around_a_control_frame_come_out_as_one_message()
    {
        Received message = Assert.Single(await ReadAllAsync("01 03 48656c 89 00 80 02 6c6f"));

        Assert.Equal(ReceivedKind.Text, message.Kind);
        Assert.Equal("Hello"u8, message.Payload.Span);
    }

    [Fact]
    public void A_written_frame_unmasks_to_what_was_asked_for()
    {
        byte[] wire = WireFrame.Text("Hello").Encode();

        Assert.Equal([0x81, 0x85], wire[..2]);
        Assert.Equal("Hello"u8.ToArray(), wire[6..].Select((octet, i) => (byte)(octet ^ wire[2 + (i & 3)])));
    }

    [Theory]
    [InlineData(125, 6)]
    [InlineData(126, 8)]
    [InlineData(65_535, 8)]
    [InlineData(65_536, 14)]
    public void A_written_length_is_the_shortest(int length, int headerOctets) =>
        Assert.Equal(headerOctets + length, WireFrame.Binary(Octets.Repeat([0], length)).Encode().Length);

    private static async Task<List<Received>> ReadAllAsync(string hex)
    {
        var reader = new ServerFrameReader(new MemoryStream(Octets.OfHex(hex).ToArray()), deflateAgreed: false);
        var messages = new ServerMessages(inflater: null);
        var whole = new List<Received>();
        while (await reader.ReadAsync(CancellationToken.None) is { } frame)
        {
            if (frame.Opcode == WireFrame.CloseOpcode) ServerMessages.ReadClose(frame.Payload);
            else if (!frame.IsControl && messages.Add(frame) is { } message) whole.Add(message);
        }

        return whole;
    }
}
