using Broker.Core.Deflate;
using Broker.Core.Upgrade;
using Xunit;

namespace Broker.Tests.Deflate;

public sealed class DeflateOfferTests
{
    public static TheoryData<string, DeflateOffer> Accepted => new()
    {
        { "permessage-deflate", new(false, false, null, null) },
        { "permessage-deflate; server_no_context_takeover", new(true, false, null, null) },
        { "permessage-deflate;client_no_context_takeover", new(false, true, null, null) },
        { "permessage-deflate; client_max_window_bits", new(false, false, null, 15) },
        { "permessage-deflate; client_max_window_bits=8", new(false, false, null, 8) },
        { "permessage-deflate; server_max_window_bits=\"10\"", new(false, false, 10, null) },
        { "permessage-deflate; server_max_window_bits=\"1\\0\"", new(false, false, 10, null) },
        { "permessage-deflate \t;\tserver_max_window_bits = 9 ; client_max_window_bits ; server_no_context_takeover",
            new(true, false, 9, 15) },

        // Section 7.1.3's example of a list, the first of which a server may take.
        { "permessage-deflate; client_max_window_bits; server_max_window_bits=10, permessage-deflate; client_max_window_bits",
            new(false, false, 10, 15) },

        // Others stand before it, and a declined one.
        { "foo; a=\"x\"; b, , permessage-deflate; server_max_window_bits=15", new(false, false, 15, null) },
        { "permessage-deflate; unknown, permessage-deflate; client_no_context_takeover", new(false, true, null, null) },
        { "permessage-deflate; server_max_window_bits=7, permessage-deflate", new(false, false, null, null) },
    };

    [Theory, MemberData(nameof(Accepted))]
    public void The_first_acceptable_offer_is_chosen(string extensions, DeflateOffer expected)
    {
        Assert.Null(DeflateOffer.Check(extensions, out DeflateOffer? offer));

        Assert.Equal(expected, offer);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData(" , ,")]
    [InlineData("x-webkit-deflate-frame")]
    [InlineData("Permessage-deflate2")]
    [InlineData("permessage-deflate; unknown")]
    [InlineData("permessage-deflate; server_no_context_takeover=1")]
    [InlineData("permessage-deflate; client_no_context_takeover=true")]
    [InlineData("permessage-deflate; server_no_context_takeover; server_no_context_takeover")]
    [InlineData("permessage-deflate; client_no_context_takeover; client_no_context_takeover")]
    [InlineData("permessage-deflate; client_max_window_bits; client_max_window_bits=10")]
    [InlineData("permessage-deflate; server_max_window_bits=10; server_max_window_bits=10")]
    [InlineData("permessage-deflate; server_max_window_bits")]
    [InlineData("permessage-deflate; server_max_window_bits=16")]
    [InlineData("permessage-deflate; server_max_window_bits=7")]
    [InlineData("permessage-deflate; server_max_window_bits=08")]
    [InlineData("permessage-deflate; server_max_window_bits=+9")]
    [InlineData("permessage-deflate; client_max_window_bits=0")]
    [InlineData("permessage-deflate; client_max_window_bits=x")]
    public void What_can_not_be_met_is_declined_and_the_connection_goes_on(string? extensions)
    {
        Assert.Null(DeflateOffer.Check(extensions, out DeflateOffer? offer));

        Assert.Null(offer);
    }

    [Theory]
    [InlineData("permessage-deflate;")]
    [InlineData("permessage-deflate; ;")]
    [InlineData("permessage-deflate =")]
    [InlineData("permessage-deflate; server_max_window_bits=")]
    [InlineData("permessage-deflate; server_max_window_bits=\"10")]
    [InlineData("permessage-deflate; server_max_window_bits=\"10\\")]
    [InlineData("permessage-deflate; server_max_window_bits=\"\"")]
    [InlineData("permessage-deflate; server_max_window_bits=\"1 0\"")]
    [InlineData("permessage-deflate; server_max_window_bits=\"10\"1")]
    [InlineData("permessage-deflate client_max_window_bits")]
    [InlineData("permessage-deflate, =")]
    [InlineData("(permessage-deflate)")]
    [InlineData(";")]
    [InlineData("permessage-deflate, other; \u00e9")]
    public void What_is_no_list_of_extensions_is_answered_400(string extensions)
    {
        UpgradeFault? fault = DeflateOffer.Check(extensions, out DeflateOffer? offer);

        Assert.Equal(400, fault?.Status);
        Assert.Null(offer);
    }
}
