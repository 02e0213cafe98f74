using Broker.Actors.Channels.Relay;
using Broker.Actors.Sessions;
using System.Diagnostics.Metrics;
using Broker.Actors.Channels;
using Broker.Actors.Channels.Namespaces;
using Broker.Actors.Limits;
using Broker.Core.Counting;
using Broker.Core.Protocol.Messages;
using Broker.Reactor.Loops;
using Broker.Reactor.Sockets;

namespace Broker.Actors.Metrics;

/// <summary>What a hub counts, as instruments of a meter that the one that collects metrics can find by its name.</summary>
/// <remarks>
/// All of them are observed: nothing is done for them until they are read. Tags are made of the hub's own tables and of nothing
/// that a client has said.
/// </remarks>
public sealed class HubMeter : IDisposable
{
    /// <summary>The meter's name.</summary>
    public const string Name = "Broker";

    private const string NoNamespace = "-";     // No namespace has so short a name.

    private readonly Meter _meter;
    private readonly HubCounters _counters;
    private readonly IReadOnlyList<LoopCounters> _loops;
    private readonly ChannelContext _channels;

    /// <summary>Makes the instruments.</summary>
    /// <param name="version">Of the hub.</param>
    /// <param name="counters">What the hub counts.</param>
    /// <param name="loops">What each loop counts.</param>
    /// <param name="channels">What the homes of channels count and hold.</param>
    public HubMeter(string version, HubCounters counters, IReadOnlyList<LoopCounters> loops, ChannelContext channels)
    {
        ArgumentNullException.ThrowIfNull(channels);
        _channels = channels;
        _counters = counters;
        _loops = loops;
        _meter = new Meter(new MeterOptions(Name) { Version = version, Scope = counters });
        _meter.CreateObservableUpDownCounter(
            "broker.connections", () => counters.Open, "{connection}", "WebSocket connections that are open.");
        _meter.CreateObservableCounter(
            "broker.descriptors.shortages", static () =>
                DescriptorReserve.OfProcess.Shortages, "{shortage}", "How often the file descriptors for clients were used up.");
        _meter.CreateObservableUpDownCounter(
            "broker.descriptors.short", static () =>
                DescriptorReserve.OfProcess.IsShort ? 1 : 0, "{shortage}", "1 while clients wait for a file descriptor.");
        _meter.CreateObservableUpDownCounter("broker.channels", () => Sum(LoopCount.Channels), "{channel}", "Channels with a listener.");
        _meter.CreateObservableUpDownCounter(
            "broker.subscriptions", () => Sum(LoopCount.Subscriptions), "{subscription}", "Places of clients in channels.");
        _meter.CreateObservableCounter(
            "broker.disconnects", ReadDisconnects, "{connection}", "WebSocket connections that ended, each by one cause.");
        _meter.CreateObservableCounter("broker.rejects", ReadRejects, "{reject}", "What was refused, each by one cause.");
        _meter.CreateObservableCounter(
            "broker.limited", ReadLimited, "{reject}", "What was refused because a client passed a rate, by what and whose.");
        _meter.CreateObservableCounter("broker.calls", ReadCalls, "{call}", "Calls of clients that were answered.");
        Count("broker.payloads.received", LoopCount.PayloadsReceived, "{payload}", "WebSocket messages from clients.");
        Count("broker.payloads.sent", LoopCount.PayloadsSent, "{payload}", "WebSocket messages for clients.");
        Count("broker.messages.received", LoopCount.MessagesReceived, "{message}",
            "Messages of the protocol in the payloads from clients.");
        Count("broker.messages.sent", LoopCount.MessagesSent, "{message}", "Messages of the protocol in the payloads for clients.");
        Count("broker.received", LoopCount.BytesReceived, "By", "Bytes read from open connections.");
        Count("broker.sent", LoopCount.BytesSent, "By", "Bytes that connections took.");
        Count("broker.publications", LoopCount.Publications, "{publication}", "Publications that were taken.");
        Count("broker.deliveries", LoopCount.Deliveries, "{delivery}", "Publications handed to the connections of listeners.");
        _meter.CreateObservableUpDownCounter("broker.history", () => channels.HistoryBytes, "By", "Bytes that histories hold in memory.");
        _meter.CreateObservableCounter(
            "broker.namespace.publications", ReadPublications, "{publication}", "Publications by namespace, and whether they were sent.");
        _meter.CreateObservableCounter(
            "broker.recoveries", ReadRecoveries, "{recovery}", "Subscribers that came back with a position, by outcome.");
        _meter.CreateObservableCounter(
            "broker.position.checks", ReadPositionChecks, "{check}",
                "Positions of channels that were compared with their homes, by what was found.");
        _meter.CreateObservableCounter(
            "broker.recovered.publications", () =>
                ByNamespace(("", NamespaceCount.RecoveredPublications)), "{publication}",
                    "Publications that were given to subscribers that came back.");
    }

    /// <summary>The instruments are gone.</summary>
    public void Dispose() => _meter.Dispose();

    private void Count(string name, LoopCount count, string unit, string description) =>
        _meter.CreateObservableCounter(name, () => Sum(count), unit, description);

    private long Sum(LoopCount count)
    {
        long sum = 0;
        foreach (LoopCounters loop in _loops) sum += loop.Read(count);
        return sum;
    }

    private IEnumerable<Measurement<long>> ReadLimited()
    {
        foreach (LimitScope scope in Enum.GetValues<LimitScope>())
        {
            foreach (LimitKind kind in Enum.GetValues<LimitKind>())
            {
                if (_counters.Limited.Read(scope, kind) is > 0 and long count)
                    yield return new Measurement<long>(
                        count, Tag("scope", CodeTable.SnakeOf(scope.ToString())), Tag("kind", CodeTable.SnakeOf(kind.ToString())));
            }
        }
    }

    private IEnumerable<Measurement<long>> ReadPublications() =>
        ByNamespace(("sent", NamespaceCount.Published), ("suppressed", NamespaceCount.Suppressed));

    private IEnumerable<Measurement<long>> ReadRecoveries() => ByNamespace(
        ("recovered", NamespaceCount.Recovered), ("nothing_missed", NamespaceCount.RecoveredNothing),
            ("not_recovered", NamespaceCount.NotRecovered));

    private IEnumerable<Measurement<long>> ReadPositionChecks() =>
        ByNamespace(("kept", NamespaceCount.PositionsKept), ("lost", NamespaceCount.PositionsLost));

    // Only what there was, as with codes.
    private IEnumerable<Measurement<long>> ByNamespace(params IReadOnlyList<(string Outcome, NamespaceCount Count)> counts)
    {
        IReadOnlyList<NamespaceCounters> homes = _channels.Counters;
        ChannelNamespaces namespaces = _channels.Homes.Namespaces;
        foreach (string name in namespaces.Named.Append(namespaces.WithoutNamespace).Select(static each => each.Name))
        {
            foreach ((string outcome, NamespaceCount count) in counts)
            {
                long sum = homes.Sum(home => home.Read(name, count));
                KeyValuePair<string, object?> tag = Tag("namespace", name.Length == 0 ? NoNamespace : name);
                if (sum > 0)
                    yield return outcome.Length == 0 ? new Measurement<long>(sum, tag)
                        : new Measurement<long>(sum, tag, Tag("outcome", outcome));
            }
        }
    }

    private IEnumerable<Measurement<long>> ReadDisconnects()
    {
        foreach (ClosureCause cause in Enum.GetValues<ClosureCause>())
        {
            foreach ((string code, string name, long count) in Read([_counters.Disconnects(cause)]))
                yield return new Measurement<long>(
                    count, Tag("cause", CodeTable.SnakeOf(cause.ToString())), Tag("code", code), Tag("reason", name));
        }
    }

    private IEnumerable<Measurement<long>> ReadRejects() =>
    [
        .. Rejects("handshake", [_counters.Handshakes, .. _loops.Select(static loop => loop.Handshakes)], static _ => true),
        .. Rejects("request", _loops.Select(static loop => loop.Requests), static _ => true),
        .. Rejects("call", _loops.Select(static loop => loop.Calls), static code => IsRefusal(code)),
        .. Rejects("stream", _loops.Select(static loop => loop.Streams), static _ => true),
    ];

    // What a method has begun and did not finish was not refused.
    private static bool IsRefusal(string code) => Enum.TryParse(code, out FaultCode fault) && fault is
        FaultCode.UnknownMethod or FaultCode.BadArguments or FaultCode.Overloaded or FaultCode.BadId or FaultCode.ResultTooBig
            or FaultCode.PermissionDenied;

    private static IEnumerable<Measurement<long>> Rejects(string kind, IEnumerable<CodeCounts> counts, Func<string, bool> isTaken)
    {
        foreach ((string code, string name, long count) in Read([.. counts]))
        {
            if (isTaken(code)) yield return new Measurement<long>(count, Tag("kind", kind), Tag("cause", name), Tag("code", code));
        }
    }

    private IEnumerable<Measurement<long>> ReadCalls()
    {
        yield return new Measurement<long>(Sum(LoopCount.CallsReturned), Tag("outcome", "ok"));
        foreach ((_, string name, long count) in Read([.. _loops.Select(static loop => loop.Calls)]))
            yield return new Measurement<long>(count, Tag("outcome", name));
    }

    // Only what there was: most codes never come.
    private static IEnumerable<(string Code, string Name, long Count)> Read(IReadOnlyList<CodeCounts> counts)
    {
        CodeTable table = counts[0].Table;
        for (int index = 0; index < table.Count; index++)
        {
            long sum = 0;
            foreach (CodeCounts each in counts) sum += each.Read(index);
            if (sum > 0) yield return (table[index].Code, table[index].Name, sum);
        }
    }

    private static KeyValuePair<string, object?> Tag(string name, string value) => new(name, value);
}
