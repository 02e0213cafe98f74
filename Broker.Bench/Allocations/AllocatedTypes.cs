using System.Collections.Concurrent;
using System.Diagnostics.Tracing;
using System.Globalization;

namespace Broker.Bench.Allocations;

/// <summary>Learns of one allocation in every 100 KB from the runtime, and tells which types they were.</summary>
internal sealed class AllocatedTypes : EventListener
{
    private const string Runtime = "Microsoft-Windows-DotNETRuntime";
    private const EventKeywords Heap = (EventKeywords)1;
    private const int Shown = 12;

    private readonly ConcurrentDictionary<string, int> _samples = new();

    protected override void OnEventSourceCreated(EventSource eventSource)
    {
        if (eventSource.Name == Runtime) EnableEvents(eventSource, EventLevel.Verbose, Heap);
    }

    protected override void OnEventWritten(EventWrittenEventArgs eventData)
    {
        if (eventData.EventName?.StartsWith("GCAllocationTick", StringComparison.Ordinal) is not true) return;
        int at = eventData.PayloadNames!.IndexOf("TypeName");
        _samples.AddOrUpdate((string)eventData.Payload![at]!, 1, (_, samples) => samples + 1);
    }

    /// <summary>The types that were seen most, with their samples.</summary>
    public void Print(TextWriter output)
    {
        foreach ((string type, int samples) in _samples.OrderByDescending(pair => pair.Value).Take(Shown))
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"    {samples,8:N0}  {type}"));
        }
    }
}
