using Broker.Core.Deflate;
using Broker.Core.Framing;
using Broker.Core.Upgrade;
using Broker.Reactor.Loops;
using Broker.Reactor.Pipes;
using Broker.Tests.Upgrade;

namespace Broker.Tests.Reactor.Pipes;

/// <summary>What is agreed on where another server does the handshake: compression without contexts, or none.</summary>
public sealed class CarriedOpeningTests
{
    private static readonly SubprotocolChoice s_any = new([], fallback: null, refusesUnmatched: false);

    // It would keep contexts, and has the memory for many.
    private static readonly DeflatePolicy s_keeping = new(new DeflateBudget(1 << 30)) { ServerContext = true, ClientContext = true };

    /// <remarks>
    /// A server may always say that it keeps no context, asked or not, and that the client shall keep none: RFC 7692 sections
    /// 7.1.1.1 and 7.1.1.2. So every offer that is well formed can be met, and a limit of a window is confirmed.
    /// </remarks>
    [Theory]
    [InlineData("permessage-deflate", "")]
    [InlineData("permessage-deflate; client_max_window_bits", "")]
    [InlineData("permessage-deflate; client_no_context_takeover; client_max_window_bits", "")]
    [InlineData("permessage-deflate; server_no_context_takeover; server_max_window_bits=15", "; server_max_window_bits=15")]
    [InlineData("permessage-deflate; server_max_window_bits=8; client_max_window_bits=9",
        "; server_max_window_bits=8; client_max_window_bits=9")]
    [InlineData("permessage-deflate; server_max_window_bits=9, permessage-deflate", "; server_max_window_bits=9")]
    [InlineData("x-other; a=b, permessage-deflate; unknown=1, permessage-deflate; server_max_window_bits=\"10\"",
        "; server_max_window_bits=10")]
    public void Every_well_formed_offer_is_met_without_contexts(string offered, string limits)
    {
        CarriedOpening opening = Opening(s_keeping, $"Sec-WebSocket-Extensions: {offered}");

        Assert.Null(opening.AgreeOnExtensions(out CarriedOpening agreed));

        Assert.Equal("permessage-deflate; server_no_context_takeover; client_no_context_takeover" + limits, agreed.Extensions);
        Assert.True(agreed.Deflate is { ServerContext: false, ClientContext: false, ContextBytes: 0 });
    }

    [Fact]
    public void A_connection_that_may_never_open_uses_no_budget()
    {
        CarriedOpening opening = Opening(s_keeping, "Sec-WebSocket-Extensions: permessage-deflate");

        Assert.Null(opening.AgreeOnExtensions(out CarriedOpening agreed));

        Assert.NotNull(agreed.Deflate);
        Assert.Equal(0, s_keeping.Budget.BytesReserved);
    }

    [Fact]
    public void The_windows_of_the_policy_count_where_they_are_smaller()
    {
        CarriedOpening opening = Opening(
            s_keeping with { ServerWindowBitsMax = 10, ClientWindowBitsMax = 11 },
            "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=12; client_max_window_bits");

        Assert.Null(opening.AgreeOnExtensions(out CarriedOpening agreed));

        Assert.Equal((10, 11), (agreed.Deflate!.ServerWindowBits, agreed.Deflate.ClientWindowBits));
        Assert.EndsWith("; server_max_window_bits=10; client_max_window_bits=11", agreed.Extensions, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("X-Nothing: offered")]
    [InlineData("Sec-WebSocket-Extensions: x-other")]
    [InlineData("Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=7")]
    [InlineData("Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; server_no_context_takeover")]
    public void Without_an_acceptable_offer_the_field_is_omitted(string line)
    {
        Assert.Null(Opening(s_keeping, line).AgreeOnExtensions(out CarriedOpening agreed));

        Assert.Equal((null, null), (agreed.Extensions, agreed.Deflate));
    }

    [Fact]
    public void A_bad_extension_list_is_400_unless_compression_is_disabled()
    {
        const string broken = "Sec-WebSocket-Extensions: permessage-deflate;;";

        Assert.Equal(400, Opening(s_keeping, broken).AgreeOnExtensions(out _)?.Status);
        Assert.Null(Opening(policy: null, broken).AgreeOnExtensions(out CarriedOpening agreed));
        Assert.Null(agreed.Extensions);
    }

    private static CarriedOpening Opening(DeflatePolicy? policy, string line)
    {
        var endpoint = new WebSocketEndpoint
        {
            Path = "/",
            Subprotocols = s_any,
            Origins = new OriginRule([]),
            Engine = new FrameEngineSettings(MessageBytesMax: 1024, FragmentsMax: 8),
            Deflate = policy,
        };
        return new CarriedOpening(endpoint, default, Heads.Read(Heads.With(line)));
    }
}
