using Broker.Tests.Conformance.Cases;
using Broker.Tests.Conformance.Wire;
using Xunit;

namespace Broker.Tests.Conformance.SelfTests;

/// <summary>The client's half of permessage-deflate. RFC 7692 sections 7.1 and 7.2.</summary>
public sealed class DeflateTests
{
    private const string Plain = "permessage-deflate; client_no_context_takeover; client_max_window_bits";
    private const string Small = Plain + "; server_no_context_takeover; server_max_window_bits=9";

    [Theory]
    [InlineData("f2 48 cd c9 c9 07 00")]               // Section 7.2.3.1, one block.
    [InlineData("00 05 00 fa ff 48 65 6c 6c 6f 00")]   // Section 7.2.3.3, not compressed.
    [InlineData("f3 48 cd c9 c9 07 00 00")]            // Section 7.2.3.4, a final block.
    [InlineData("f2 48 05 00 00 00 ff ff ca c9 c9 07 00")]   // Section 7.2.3.5, two blocks.
    public void What_the_rfc_prints_inflates(string hex)
    {
        using var inflater = new MessageInflater(15, keepContext: true);

        Assert.Equal("Hello"u8.ToArray(), inflater.Decompress(Octets.OfHex(hex).ToArray()));
    }

    [Fact]
    public void A_kept_context_makes_a_message_refer_to_the_one_before()
    {
        using var inflater = new MessageInflater(15, keepContext: true);

        Assert.Equal("Hello"u8.ToArray(), inflater.Decompress(Octets.OfHex("f2 48 cd c9 c9 07 00").ToArray()));
        Assert.Equal("Hello"u8.ToArray(), inflater.Decompress(Octets.OfHex("f2 00 11 00 00").ToArray()));
    }

    [Fact]
    public void A_context_that_was_not_kept_cannot_be_referred_to()
    {
        using var inflater = new MessageInflater(15, keepContext: false);
        inflater.Decompress(Octets.OfHex("f2 48 cd c9 c9 07 00").ToArray());

        Assert.Throws<ServerViolationException>(() => inflater.Decompress(Octets.OfHex("f2 00 11 00 00").ToArray()));
    }

    [Theory]
    [InlineData(8), InlineData(9), InlineData(12), InlineData(15)]
    public void What_is_deflated_in_a_window_inflates_in_it(int windowBits)
    {
        using var deflater = new MessageDeflater(windowBits, keepContext: true);
        using var inflater = new MessageInflater(windowBits, keepContext: true);
        for (int i = 0; i < 20; i++)
        {
            byte[] message = SampleData.Json.SliceAt(i, 8192).ToArray();

            Assert.Equal(message, inflater.Decompress(deflater.Compress(message)));
        }
    }

    [Fact]
    public void A_window_greater_than_agreed_shows()
    {
        using var deflater = new MessageDeflater(15, keepContext: true);
        using var inflater = new MessageInflater(9, keepContext: true);

        Assert.Throws<ServerViolationException>(() => inflater.Decompress(deflater.Compress(SampleData.Json.SliceAt(0, 8192).ToArray())));
    }

    [Theory]
    [InlineData(Plain, "permessage-deflate", 15, 15, true, true)]
    [InlineData(Plain, "permessage-deflate; client_max_window_bits=10; server_no_context_takeover", 10, 15, true, false)]
    [InlineData(Small, "permessage-deflate; server_no_context_takeover; server_max_window_bits=9", 15, 9, true, false)]
    [InlineData(Small + ", " + Plain, "permessage-deflate; client_no_context_takeover", 15, 15, false, true)]
    public void An_answer_that_keeps_to_an_offer_is_agreed(
        string offer, string answer, int clientBits, int serverBits, bool clientKeeps, bool serverKeeps) =>
        Assert.Equal(new DeflateAgreement(clientBits, serverBits, clientKeeps, serverKeeps), DeflateAgreement.Read(offer, answer));

    [Theory]
    [InlineData(Small, "permessage-deflate")]
    [InlineData(Small, "permessage-deflate; server_no_context_takeover; server_max_window_bits=10")]
    [InlineData(Small, "permessage-deflate; server_max_window_bits=9")]
    [InlineData("permessage-deflate", "permessage-deflate; client_max_window_bits=15")]
    [InlineData(Plain, "permessage-deflate; client_max_window_bits")]
    [InlineData(Plain, "permessage-deflate; server_max_window_bits=09")]
    [InlineData(Plain, "permessage-deflate; server_max_window_bits=16")]
    [InlineData(Plain, "permessage-deflate; server_no_context_takeover; server_no_context_takeover")]
    [InlineData(Plain, "permessage-deflate; speed=9")]
    [InlineData(Plain, "permessage-deflate, permessage-deflate")]
    [InlineData(Plain, "x-webkit-deflate-frame")]
    public void An_answer_that_keeps_to_no_offer_fails_the_handshake(string offer, string answer) =>
        Assert.Throws<HandshakeException>(() => DeflateAgreement.Read(offer, answer));
}
