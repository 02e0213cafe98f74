using Broker.Tests.Conformance.Wire;

namespace Broker.Tests.Conformance.Cases;

/// <summary>12.x: permessage-deflate over payloads of five kinds. RFC 7692.</summary>
public static class Group12DeflatePayloads
{
    private const string Offer = "permessage-deflate; client_no_context_takeover; client_max_window_bits";

    /// <summary>All 90 cases.</summary>
    public static IEnumerable<ConformanceCase> All =>
    [
        .. DeflateFamily.Of("12.1", Offer, ReceivedKind.Text, () => SampleData.Json),
        .. DeflateFamily.Of("12.2", Offer, ReceivedKind.Binary, () => SampleData.Bitmap),
        .. DeflateFamily.Of("12.3", Offer, ReceivedKind.Binary, () => SampleData.Prose),
        .. DeflateFamily.Of("12.4", Offer, ReceivedKind.Text, () => SampleData.Html),
        .. DeflateFamily.Of("12.5", Offer, ReceivedKind.Binary, () => SampleData.Dense),
    ];
}
