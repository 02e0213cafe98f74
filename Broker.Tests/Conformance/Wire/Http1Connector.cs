using System.Net;
using System.Net.Security;
using System.Net.Sockets;

namespace Broker.Tests.Conformance.Wire;

/// <summary>HTTP/1.1 over any stream: TCP, TLS or a Unix socket.</summary>
/// <param name="endpoint">Host and path of the request.</param>
/// <param name="connect">Opens the stream under the handshake.</param>
public sealed class Http1Connector(Uri endpoint, Func<CancellationToken, Task<Stream>> connect) : IConformanceConnector
{
    /// <inheritdoc/>
    public string Name => endpoint.ToString();

    /// <summary>ws: or http: over TCP, wss: or https: over TLS.</summary>
    public static Http1Connector ForUri(Uri endpoint) => new(endpoint, stop => ConnectAsync(endpoint, stop));

    /// <summary>A Unix socket; the endpoint gives host and path of the request.</summary>
    public static Http1Connector ForUnixSocket(string path, Uri endpoint) => new(endpoint, async stop =>
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        return await ConnectAsync(socket, new UnixDomainSocketEndPoint(path), stop);
    });

    /// <inheritdoc/>
    public async Task<ConformanceConnection> OpenAsync(string? extensionOffer, CancellationToken stop)
    {
        Stream target = await connect(stop);
        try
        {
            var source = new BufferedStream(target, 64 * 1024);
            string? answer = await Http1Handshake.PerformAsync(source, target, endpoint, extensionOffer, stop);
            return new ConformanceConnection(source, target, answer);
        }
        catch
        {
            await target.DisposeAsync();
            throw;
        }
    }

    private static async Task<Stream> ConnectAsync(Uri endpoint, CancellationToken stop)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        Stream plain = await ConnectAsync(socket, new DnsEndPoint(endpoint.Host, endpoint.Port), stop);
        if (endpoint.Scheme is not ("wss" or "https")) return plain;

        // Frames are tested here, not trust: a server on loopback shows a certificate that it made itself.
        var options = new SslClientAuthenticationOptions
        {
            TargetHost = endpoint.Host,
            RemoteCertificateValidationCallback = (_, _, _, errors) => errors == SslPolicyErrors.None || endpoint.IsLoopback,
        };
        var secured = new SslStream(plain);
        await secured.AuthenticateAsClientAsync(options, stop);
        return secured;
    }

    private static async Task<Stream> ConnectAsync(Socket socket, EndPoint endpoint, CancellationToken stop)
    {
        try
        {
            await socket.ConnectAsync(endpoint, stop);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
