using Broker.Actors;
using Broker.AspNetCore.Api;
using Broker.Actors.Metrics;
using Broker.Identity.Backend;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace Broker.Host.Http;

/// <summary>What the hub and its runtime count, in the text format of Prometheus.</summary>
/// <remarks>Each answer is collected when it is asked for; nothing is collected meanwhile.</remarks>
public sealed class MetricsRoute
{
    private const string RuntimeMeter = "System.Runtime";

    private readonly RequestDelegate _answer;

    /// <summary>Makes the route.</summary>
    /// <param name="app">Makes the pipeline.</param>
    /// <param name="provider">From <see cref="Listen"/>; the caller disposes of it.</param>
    public MetricsRoute(IApplicationBuilder app, MeterProvider provider)
    {
        ArgumentNullException.ThrowIfNull(app);
        _answer = app.New()
            .UseOpenTelemetryPrometheusScrapingEndpoint(
            provider, static _ => true, path: null, configureBranchedPipeline: null, optionsName: null)
            .Build();
    }

    /// <summary>Begins to listen to the meters, until the provider is disposed of.</summary>
    public static MeterProvider Listen() => Sdk.CreateMeterProviderBuilder()
        .AddMeter(HubMeter.Name, ApiMeter.Name, BackendMeter.Name, RuntimeMeter)
        .AddPrometheusExporter(static exporter =>
        {
            exporter.ScopeInfoEnabled = false;
            exporter.TargetInfoEnabled = false;
            exporter.ScrapeResponseCacheDurationMilliseconds = 0;
        })
        .Build();

    /// <summary>Answers a request.</summary>
    public Task AnswerAsync(HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        context.Response.Headers.CacheControl = "no-store";
        return _answer(context);
    }
}
