using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace Broker.Tests.EndToEnd;

/// <summary>
/// A web page whose own name was made to lead to 127.0.0.1 gets nothing, by any way in; the hub's own names get everything.
/// </summary>
public sealed class HostNameTests
{
    private static readonly string[] s_paths = ["/", "/page.js", "/health", "/ready", "/metrics", "/nowhere"];

    /// <summary>Every way in that a browser has.</summary>
    public static TheoryData<WayIn> Ways => [WayIn.Reactor, WayIn.Kestrel, WayIn.Tls, WayIn.Http2];

    [Theory, MemberData(nameof(Ways))]
    public async Task A_rebound_name_is_answered_421_and_a_known_one_is_served(WayIn way)
    {
        using var limit = new CancellationTokenSource(2 * HostProcess.Patience);
        using var entryPoints = new EntryPoints();
        Dictionary<string, string> settings = entryPoints.SettingsFor(way);
        settings["BROKER_LISTEN_HOSTS"] = "chat.example";
        settings["BROKER_ECHO_ENABLED"] = "on";
        await using HostProcess host = await HostProcess.StartAsync(settings);
        bool isTls = way is WayIn.Tls or WayIn.Http2;
        int port = isTls ? host.TlsPort : host.Port;

        foreach (string path in s_paths)
        {
            Assert.Equal(421, await AskAsync(way, entryPoints, host, "rebound.example", path, limit.Token));
            foreach (string name in (string[])["localhost", "chat.example", "127.0.0.1"])
                Assert.Equal(path == "/nowhere" ? 404 : 200, await AskAsync(way, entryPoints, host, name, path, limit.Token));
        }

        if (way == WayIn.Http2) return;     // Whose Host is judged before it is known whether a WebSocket is wanted.
        foreach (string path in (string[])["/connection/websocket", "/echo", "/ws", "/nowhere"])
        {
            // Its Origin matches its Host, as that of the rebound page does.
            string head =
                $"GET {path} HTTP/1.1\r\nHost: rebound.example:{port}\r\nOrigin: http{(isTls ? "s" : "")}://rebound.example:{port}\r\n"
                + "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: "
                + "13\r\n\r\n";
            Assert.StartsWith(
                "HTTP/1.1 421 ", await FirstLineAsync(port, isTls ? entryPoints : null, head, limit.Token), StringComparison.Ordinal);
        }

        string known = $"GET /echo HTTP/1.1\r\nHost: chat.example:{port}\r\nOrigin: http{(isTls ? "s" : "")}://chat.example:{port}\r\n"
            + "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: "
            + "13\r\n\r\n";
        Assert.StartsWith(
            "HTTP/1.1 101 ", await FirstLineAsync(port, isTls ? entryPoints : null, known, limit.Token), StringComparison.Ordinal);
    }

    private static async Task<int> AskAsync(
        WayIn way, EntryPoints entryPoints, HostProcess host, string name, string path, CancellationToken stop)
    {
        bool isTls = way is WayIn.Tls or WayIn.Http2;
        int port = isTls ? host.TlsPort : host.Port;
        using var handler =
            new SocketsHttpHandler { UseProxy = false,
                SslOptions = { RemoteCertificateValidationCallback = (_, shown, _, _) => entryPoints.Trusts(shown) } };
        using var http = new HttpClient(handler);
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"{(isTls ? "https" : "http")}://127.0.0.1:{port}{path}"))
        {
            Version = way == WayIn.Http2 ? HttpVersion.Version20 : HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Headers = { Host = $"{name}:{port}" },
        };
        using HttpResponseMessage answer = await http.SendAsync(request, stop);
        return (int)answer.StatusCode;
    }

    private static async Task<string> FirstLineAsync(int port, EntryPoints? entryPoints, string head, CancellationToken stop)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, port, stop);
        Stream stream = client.GetStream();
        if (entryPoints is not null)
        {
            var secured = new SslStream(stream, leaveInnerStreamOpen: false, (_, shown, _, _) => entryPoints.Trusts(shown));
            await secured.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "localhost" }, stop);
            stream = secured;
        }

        await using (stream)
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes(head), stop);
            using var reader = new StreamReader(stream);
            return await reader.ReadLineAsync(stop) ?? "";
        }
    }
}
