using System.Net;
using System.Net.Security;

namespace Broker.Tests.Conformance.Wire;

/// <summary>HTTP/2: each case is a stream that an extended CONNECT opens. RFC 8441.</summary>
/// <param name="endpoint">An http: or https: address; all cases share its connections.</param>
public sealed class Http2Connector(Uri endpoint) : IConformanceConnector, IDisposable
{
    private readonly HttpMessageInvoker _client = new(new SocketsHttpHandler
    {
        EnableMultipleHttp2Connections = true,
        AllowAutoRedirect = false,
        UseProxy = false,

        // Frames are tested here, not trust: a server on loopback shows a certificate that it made itself.
        SslOptions = { RemoteCertificateValidationCallback = (_, _, _, errors) => errors == SslPolicyErrors.None || endpoint.IsLoopback },
    });

    /// <inheritdoc/>
    public string Name => $"{endpoint} over HTTP/2";

    /// <inheritdoc/>
    public async Task<ConformanceConnection> OpenAsync(string? extensionOffer, CancellationToken stop)
    {
        using var request = new HttpRequestMessage(HttpMethod.Connect, endpoint)
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        request.Headers.Protocol = "websocket";
        request.Headers.Add("Sec-WebSocket-Version", "13");
        if (extensionOffer is not null) request.Headers.Add("Sec-WebSocket-Extensions", extensionOffer);

        HttpResponseMessage response = await _client.SendAsync(request, stop);
        try
        {
            if (response.StatusCode != HttpStatusCode.OK) throw new HandshakeException($"answered {(int)response.StatusCode}");
            string? answer = Header(response, "Sec-WebSocket-Extensions");
            if (answer is not null && extensionOffer is null)
                throw new HandshakeException("an extension was accepted that was not offered");
            if (Header(response, "Sec-WebSocket-Protocol") is not null)
                throw new HandshakeException("a subprotocol was chosen that was not offered");

            Stream target = await response.Content.ReadAsStreamAsync(stop);
            return new ConformanceConnection(new BufferedStream(target, 64 * 1024), target, answer);
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();

    private static string? Header(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out IEnumerable<string>? values) ? string.Join(",", values) : null;
}
