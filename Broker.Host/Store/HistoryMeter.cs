using System.Diagnostics.Metrics;
using Broker.Actors.Metrics;
using Broker.Store.History;

namespace Broker.Host.Store;

/// <summary>What the histories on the disk count, in the hub's meter.</summary>
internal sealed class HistoryMeter : IDisposable
{
    private readonly Meter _meter;

    public HistoryMeter(DurableHistories histories)
    {
        _meter = new Meter(new MeterOptions(HubMeter.Name) { Scope = histories });
        _meter.CreateObservableUpDownCounter("broker.history.disk", () => histories.Bytes, "By", "Bytes that histories have on the disk.");
        _meter.CreateObservableUpDownCounter(
            "broker.history.disk.full", () => histories.IsFull ? 1 : 0, "{history}",
                "1 while histories have all of the disk that they may.");
        _meter.CreateObservableUpDownCounter(
            "broker.history.failing", () => histories.IsFailing ? 1 : 0, "{history}", "1 while the disk of the histories refuses writes.");
    }

    public void Dispose() => _meter.Dispose();
}
