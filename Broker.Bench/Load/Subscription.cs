using System.Globalization;

namespace Broker.Bench.Load;

/// <summary>What all scenarios with subscribers share: the generator's words, and what must be true of its counts.</summary>
internal static class Subscription
{
    /// <summary>How long what is under way at the end may take: 5,000 KiB-sized deliveries times a window take seconds.</summary>
    public const int DrainSeconds = 30;

    public static IEnumerable<string> Arguments(Dialect dialect, int subscribers, int publishers, int topics, int bytes)
    {
        // Every subscriber must be known to the server before the first publication: some confirm nothing.
        double settleSeconds = 0.5 + subscribers / 2000.0;

        yield return "--subs";
        yield return $"{subscribers}";
        yield return "--pubs";
        yield return $"{publishers}";
        yield return "--topics";
        yield return $"{topics}";
        yield return "--settle";
        yield return settleSeconds.ToString(CultureInfo.InvariantCulture);
        yield return "--drain";
        yield return $"{DrainSeconds}";
        yield return "--opcode";
        yield return dialect.Text ? "text" : "binary";
        yield return "--sub-path";
        yield return dialect.SubscriberPath;
        yield return "--pub-path";
        yield return dialect.PublisherPath;
        yield return "--count-token";
        yield return Dialect.DataMark;
        yield return "--ts-mark";
        yield return Dialect.DataMark;
        yield return "--init-lockstep";
        yield return "0";
        if (dialect.Subprotocol is not null)
        {
            yield return "--subprotocol";
            yield return dialect.Subprotocol;
        }
        foreach (string frame in dialect.SubscriberFrames)
        {
            yield return "--sub-frame";
            yield return frame;
        }
        foreach (string frame in dialect.PublisherFrames)
        {
            yield return "--pub-init";
            yield return frame;
        }
        yield return "--pub-frame";
        yield return dialect.Publish(bytes);
    }

    /// <summary>Deliveries are publications times subscribers: none lost, none doubled, no one gone.</summary>
    public static string? Fault(Reading reading, int connections) =>
        reading["open"] != connections ? $"{reading["open"]} open"
        : reading["delivered"] != reading["expected"] ? $"{reading["delivered"]:N0} of {reading["expected"]:N0} delivered"
        : reading["written_off"] != 0 ? $"{reading["stalls"]} times nothing came for a second"
        : reading["closed"] != 0 ? $"{reading["closed"]} closed"
        : reading["delivered"] > 0 ? null : "no delivery";
}
