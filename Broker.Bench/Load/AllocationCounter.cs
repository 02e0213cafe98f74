using System.Diagnostics;
using System.Diagnostics.Tracing;
using System.Globalization;
using Microsoft.Diagnostics.NETCore.Client;
using Microsoft.Diagnostics.Tracing;

namespace Broker.Bench.Load;

/// <summary>Receives over its diagnostic port how much a .NET server allocates, as the runtime itself counts it, once a second.</summary>
/// <remarks>
/// Telling it makes the server allocate too: no round that is timed is received, and what a server allocates that only tells is
/// taken off.
/// </remarks>
internal sealed class AllocationCounter : IDisposable
{
    private const string Source = "System.Runtime", Counter = "alloc-rate";
    private const int SettledAfter = 3;    // The first times have what opening the session takes.
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(1), s_margin = TimeSpan.FromMilliseconds(300);

    private readonly Lock _lock = new();
    private readonly List<(long At, double Bytes)> _reported = [];
    private readonly TaskCompletionSource _settled = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly EventPipeSession _session;
    private readonly Task _reading;

    private AllocationCounter(EventPipeSession session)
    {
        _session = session;
        _reading = Task.Run(Receive);
    }

    /// <summary>Listens to a process.</summary>
    /// <returns>None when the process is none of .NET.</returns>
    public static AllocationCounter? Of(int processId)
    {
        if (!DiagnosticsClient.GetPublishedProcesses().Contains(processId)) return null;
        var every = new Dictionary<string, string>
        {
            ["EventCounterIntervalSec"] = s_interval.TotalSeconds.ToString(CultureInfo.InvariantCulture),
        };
        var counters = new EventPipeProvider(Source, EventLevel.Informational, (long)EventKeywords.None, every);
        try
        {
            return new AllocationCounter(new DiagnosticsClient(processId).StartEventPipeSession([counters], requestRundown: false));
        }
        catch (ServerNotAvailableException)
        {
            return null;    // The port is what a process of .NET left behind that had this number before.
        }
    }

    /// <summary>Waits, while the server has nothing to do, until it is known what telling alone allocates.</summary>
    public Task SettleAsync(CancellationToken stop) => _settled.Task.WaitAsync(TimeSpan.FromSeconds(15), stop);

    /// <summary>
    /// Bytes a second above those of telling: the median of the whole intervals within the last seconds before now, as connections that
    /// end allocate as well; not-a-number if there was no such interval.
    /// </summary>
    public double BytesASecond(double seconds)
    {
        long now = Stopwatch.GetTimestamp();
        lock (_lock)
        {
            double[] inside = [.. _reported.Where(one => Stopwatch.GetElapsedTime(one.At, now) is var ago
                && ago > s_margin && ago + s_interval < TimeSpan.FromSeconds(seconds)).Select(one => one.Bytes)];
            return inside.Length == 0 ? double.NaN
                : Math.Max(0, Results.Median(inside) - _reported[SettledAfter - 1].Bytes) / s_interval.TotalSeconds;
        }
    }

    public void Dispose()
    {
        try
        {
            _session.Stop();
        }
        catch (Exception e) when (e is ServerNotAvailableException or EndOfStreamException or TimeoutException)
        {
            // The server has ended, and its session with it.
        }
        _reading.Wait(TimeSpan.FromSeconds(5));
        _session.Dispose();
    }

    private void Receive()
    {
        using var source = new EventPipeEventSource(_session.EventStream);
        source.Dynamic.All += Take;
        source.Process();
    }

    private void Take(TraceEvent reported)
    {
        if (reported.ProviderName != Source || reported.EventName != "EventCounters") return;
        var payload = (IDictionary<string, object>)((IDictionary<string, object>)reported.PayloadValue(0))["Payload"];
        if ((string)payload["Name"] != Counter) return;
        lock (_lock)
        {
            _reported.Add((Stopwatch.GetTimestamp(), (double)payload["Increment"]));
            if (_reported.Count == SettledAfter) _settled.TrySetResult();
        }
    }
}
