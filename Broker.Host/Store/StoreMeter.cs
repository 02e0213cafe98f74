using Broker.Actors.Metrics;
using System.Diagnostics.Metrics;
using Broker.Store;

namespace Broker.Host.Store;

/// <summary>What the store counts, in the hub's meter.</summary>
internal sealed class StoreMeter : IDisposable
{
    private readonly Meter _meter;

    public StoreMeter(StoreHealth health)
    {
        _meter = new Meter(new MeterOptions(HubMeter.Name) { Scope = health });
        _meter.CreateObservableUpDownCounter(
            "broker.store.failing", () => health.IsFailing ? 1 : 0, "{store}", "1 while the store cannot write.");
        _meter.CreateObservableCounter(
            "broker.store.write.failures", () => health.Failures, "{failure}", "Groups of writes that the disk has refused.");
    }

    public void Dispose() => _meter.Dispose();
}
