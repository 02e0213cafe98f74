using Broker.Actors.Tracing;
using Broker.AspNetCore.Api;
using Broker.Host.Settings;
using Broker.Identity.Backend;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Broker.Host.Hosting;

/// <summary>Sends the traces of the hub, its API and its proxy to a collector, by OTLP over HTTP.</summary>
public static class TraceExport
{
    /// <summary>Begins to listen, until the provider is disposed of, which sends what is left.</summary>
    /// <param name="settings">Where to.</param>
    /// <param name="version">Of the hub.</param>
    /// <returns>Null where traces go nowhere.</returns>
    public static TracerProvider? Start(TraceSettings settings, string version)
    {
        ArgumentNullException.ThrowIfNull(settings);
        if (settings.Endpoint is not { } endpoint) return null;
        return Sdk.CreateTracerProviderBuilder()
            .ConfigureResource(resource => resource.AddService("broker", serviceVersion: version))
            .AddSource(HubTraces.Name, ApiTraces.Name, BackendTraces.Name)
            .SetSampler(new ParentBasedSampler(new TraceIdRatioBasedSampler(1.0 / settings.OneOf)))
            .AddOtlpExporter(exporter =>
            {
                exporter.Protocol = OtlpExportProtocol.HttpProtobuf;
                exporter.Endpoint = endpoint;
                exporter.Headers =
                    string.Join(',',
                        settings.Headers.Select(static header => header.Split(':', 2))
                            .Select(static pair => $"{pair[0].Trim()}={Uri.EscapeDataString(pair[1].Trim())}"));
            })
            .Build();
    }
}
