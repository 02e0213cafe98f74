using Broker.Actors;
using Broker.AspNetCore.Api;
using Broker.Identity.Backend;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace Broker.Host.Http;

/// <summary>What the hub and its runtime count, in the text format of Prometheus.</summary>
/// <remarks>Each answer is collected when it is asked for; nothing is collected meanwhile.</remarks>
public sealed class MetricsRoute : IDisposable
{
    private const string RuntimeMeter = "System.Runtime";

    private readonly MeterProvider _provider;
    private readonly RequestDelegate _answer;

    /// <summary>Begins to listen to the meters.</summary>
    /// <param name="app">Makes the pipeline.</param>
    public MetricsRoute(IApplicationBuilder app)
    {
        ArgumentNullException.ThrowIfNull(app);
        _provider = Sdk.CreateMeterProviderBuilder()
            .AddMeter(HubMeter.Name, ApiMeter.Name, BackendMeter.Name, RuntimeMeter)
            .AddPrometheusExporter(static exporter =>
            {
                exporter.ScopeInfoEnabled = false;
                exporter.TargetInfoEnabled = false;
                exporter.ScrapeResponseCacheDurationMilliseconds = 0;
            })
            .Build();
        _answer = app.New()
            .UseOpenTelemetryPrometheusScrapingEndpoint(_provider, static _ => true, path: null, configureBranchedPipeline: null, optionsName: null)
            .Build();
    }

    /// <summary>Answers a request.</summary>
    public Task AnswerAsync(HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        context.Response.Headers.CacheControl = "no-store";
        return _answer(context);
    }

    /// <inheritdoc />
    public void Dispose() => _provider.Dispose();
}
