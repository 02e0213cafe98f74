using Broker.Host.Settings;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Broker.Host.Http;

/// <summary>Sets Kestrel up to answer the connections of an inbox, and to listen nowhere by itself.</summary>
public static class HttpSetup
{
    /// <summary>Adds Kestrel with its limits.</summary>
    /// <param name="builder">A builder without any other server or transport.</param>
    /// <param name="settings">The limits.</param>
    /// <param name="inbox">Where the connections come from.</param>
    public static void AddHandedOverKestrel(this WebApplicationBuilder builder, HttpSettings settings, HandedOverInbox inbox)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(settings);

        // First, for Kestrel adds its own socket transport only where there is none.
        builder.Services.AddSingleton(inbox);
        builder.Services.AddSingleton<IConnectionListenerFactory, HandedOverListenerFactory>();
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = settings.ConnectionsMax;
            kestrel.Limits.MaxConcurrentUpgradedConnections = 0;
            kestrel.Limits.RequestHeadersTimeout = settings.HeadLimit;
            kestrel.Limits.KeepAliveTimeout = settings.KeepAliveLimit;
            kestrel.Limits.MaxRequestBodySize = settings.BodyBytesMax;
            kestrel.Limits.MaxRequestHeadersTotalSize = 16 * 1024;
            kestrel.Limits.MaxRequestBufferSize = 64 * 1024;
            kestrel.Listen(new HandedOverEndPoint(), listen => listen.Protocols = HttpProtocols.Http1);
        });
    }
}
