using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Net.Security;
using Broker.Core.Upgrade;
using Broker.Host.Settings;
using Broker.Host.Tls;
using Broker.Host.UnixSockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace Broker.Host.Http;

/// <summary>Sets Kestrel up: to answer the connections of an inbox, and to open the ports that the hub does not open itself.</summary>
public static class HttpSetup
{
    /// <summary>Adds Kestrel with its limits.</summary>
    /// <param name="builder">A builder without any other server or transport.</param>
    /// <param name="settings">The limits, and what else is listened on.</param>
    /// <param name="hubOpensPort">Whether the public port is the hub's; if not, it is Kestrel's.</param>
    /// <param name="inbox">Where the hub's connections come from.</param>
    /// <param name="certificate">What the TLS port shows, if there is one.</param>
    public static void AddKestrel(
        this WebApplicationBuilder builder, HostSettings settings, bool hubOpensPort, HandedOverInbox inbox, CurrentCertificate certificate)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(settings);
        builder.Services.AddSingleton(inbox);

        // Of several transports the last added is asked first whether it knows an endpoint; the inbox's knows its own only.
        bool opensAny = !hubOpensPort || settings.Tls.Enabled || settings.UnixSocket.Length > 0;
        if (opensAny)
        {
            builder.Services.Configure<SocketTransportOptions>(sockets => sockets.Backlog = settings.Hub.Reactor.Backlog);
            builder.Services.AddSingleton<IConnectionListenerFactory, ReservingListenerFactory>();
        }

        builder.Services.AddSingleton<IConnectionListenerFactory, HandedOverListenerFactory>();
        builder.WebHost.UseKestrelCore();
        if (settings.Tls.Enabled) builder.WebHost.UseKestrelHttpsConfiguration();
        ProxyTrust proxies = settings.Hub.Listen.Proxies.ToTrust();
        var headers = new ProxyHeaderGate(proxies.ProxyProtocol, settings.Http.HeadLimit, TimeProvider.System);
        var connections = new HttpConnections(settings.Http.ConnectionsMax, proxies);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            Limit(kestrel, settings.Http, settings.Hub.Reactor.HeadBytesMax);
            if (hubOpensPort) kestrel.Listen(new HandedOverEndPoint(), HandedOver);
            else kestrel.Listen(settings.Hub.Listen.Address, settings.Hub.Listen.Port, Plain);
            if (settings.Tls.Enabled) kestrel.Listen(settings.Tls.Address, settings.Tls.Port, Tls);
            if (settings.UnixSocket.Length > 0)
            {
                UnixSocketFile.Prepare(settings.UnixSocket);
                kestrel.ListenUnixSocket(settings.UnixSocket, Plain);
            }
        });

        // The reactor has read the PROXY header of what it hands over.
        void HandedOver(ListenOptions listen)
        {
            listen.Protocols = HttpProtocols.Http1;
            listen.Use(next => context => connections.RunAsync(context, next));
        }

        // In this order: a connection counts for its client's address, and before TLS's handshake.
        void Plain(ListenOptions listen)
        {
            listen.Use(next => context => headers.RunAsync(context, next));
            HandedOver(listen);
        }

        void Tls(ListenOptions listen)
        {
            Plain(listen);
            listen.Protocols = HttpProtocols.Http1AndHttp2;
            UseTls(listen, settings.Http.HeadLimit, certificate);
        }
    }

    /// <summary>Where Kestrel listens by itself, with real ports; the public port first, if it is Kestrel's.</summary>
    public static IEnumerable<string> AddressesOf(IServer kestrel)
    {
        ArgumentNullException.ThrowIfNull(kestrel);
        ICollection<string> all = kestrel.Features.Get<IServerAddressesFeature>()?.Addresses ?? [];
        return all.Where(address => !address.EndsWith($"//{new HandedOverEndPoint()}", StringComparison.Ordinal));
    }

    private static void Limit(KestrelServerOptions kestrel, HttpSettings settings, int headBytesMax)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.RequestHeadersTimeout = settings.HeadLimit;
        kestrel.Limits.KeepAliveTimeout = settings.KeepAliveLimit;
        kestrel.Limits.MaxRequestBodySize = settings.BodyBytesMax;

        // Twice the bound, so that the hub's own rule judges a head that is a little too long, with its own answer. A field line
        // has at least four bytes.
        kestrel.Limits.MaxRequestHeadersTotalSize = 2 * headBytesMax;
        kestrel.Limits.MaxRequestLineSize = 2 * headBytesMax;
        kestrel.Limits.MaxRequestHeaderCount = headBytesMax / 4;
        kestrel.Limits.MaxRequestBufferSize = Math.Max(64 * 1024, 4 * headBytesMax);
        kestrel.Limits.Http2.MaxRequestHeaderFieldSize = 2 * headBytesMax;

        // As the reactor reads them: any byte in a field's value, and the target's host in place of Host (RFC 9112 section 3.2.2).
        kestrel.RequestHeaderEncodingSelector = static _ => Encoding.Latin1;
        kestrel.AllowHostHeaderOverride = true;

        // Over HTTP/2 it cannot be turned off for a WebSocket alone, and it would end the connection of a slow reader with all
        // its streams. What else is answered here is small.
        kestrel.Limits.MinResponseDataRate = null;
    }

    private static void UseTls(ListenOptions listen, TimeSpan handshakeLimit, CurrentCertificate certificate) =>
        listen.UseHttps(new TlsHandshakeCallbackOptions
        {
            HandshakeTimeout = handshakeLimit,
            OnConnection = _ => ValueTask.FromResult(new SslServerAuthenticationOptions
            {
                // Asked for each connection, so that a renewed certificate is shown from then on.
                ServerCertificateContext = certificate.Value.Context,
                ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
            }),
        });
}
