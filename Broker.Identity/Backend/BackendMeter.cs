using System.Diagnostics.Metrics;

namespace Broker.Identity.Backend;

/// <summary>Counts what the backend is asked, by endpoint and outcome.</summary>
public sealed class BackendMeter : IDisposable
{
    /// <summary>The name of the meter.</summary>
    public const string Name = "Broker.Identity";

    private readonly Meter _meter;
    private readonly Counter<long> _requests;
    private readonly Histogram<double> _duration;

    /// <summary>Makes the meter.</summary>
    public BackendMeter()
    {
        _meter = new Meter(Name);
        _requests = _meter.CreateCounter<long>(
            "broker.proxy.requests", "{request}", "Requests to the backend by what they asked and what came of them.");
        _duration = _meter.CreateHistogram<double>("broker.proxy.duration", "s", "How long the backend took to answer, or to fail.");
    }

    internal void Answered(string endpoint, TimeSpan took, in BackendReply reply) =>
        Count(endpoint, reply.Disconnect is not null ? "disconnect" : reply.Error is not null ? "error" : "result", took);

    internal void Failed(string endpoint, TimeSpan took) => Count(endpoint, "failure", took);

    internal void Refused(string endpoint) => Count(endpoint, "refused", null);

    /// <inheritdoc />
    public void Dispose() => _meter.Dispose();

    private void Count(string endpoint, string outcome, TimeSpan? took)
    {
        var name = new KeyValuePair<string, object?>("endpoint", endpoint);
        _requests.Add(1, name, new KeyValuePair<string, object?>("outcome", outcome));
        if (took is { } duration) _duration.Record(duration.TotalSeconds, name);
    }
}
