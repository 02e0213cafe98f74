using Broker.Tests.Conformance.Wire;

namespace Broker.Tests.Conformance.Cases;

/// <summary>13.x: permessage-deflate under every combination of the server's parameters. RFC 7692 section 7.1.</summary>
public static class Group13DeflateParameters
{
    private const string Plain = "permessage-deflate; client_no_context_takeover; client_max_window_bits";
    private const string NoTakeover = Plain + "; server_no_context_takeover";

    private static readonly string[] Offers =
    [
        Plain,
        NoTakeover,
        Plain + "; server_max_window_bits=9",
        Plain + "; server_max_window_bits=15",
        NoTakeover + "; server_max_window_bits=9",
        NoTakeover + "; server_max_window_bits=15",
        $"{NoTakeover}; server_max_window_bits=9, {NoTakeover}, {Plain}",
    ];

    /// <summary>All 126 cases.</summary>
    public static IEnumerable<ConformanceCase> All => Offers.SelectMany((offer, index) =>
        DeflateFamily.Of($"13.{index + 1}", offer, ReceivedKind.Text, () => SampleData.Json));
}
