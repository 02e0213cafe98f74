using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Broker.Tests.EndToEnd;

/// <summary>A client that only listens, by every way into the host: it is told at once, and gone at once.</summary>
public sealed class StreamWayInTests
{
    private const string Connect = """{"subs":{"here:way":{}}}""";

    [Theory, InlineData(WayIn.Reactor), InlineData(WayIn.Kestrel)]
    public async Task Each_way_in_streams_and_sees_its_client_go(WayIn publicPort)
    {
        using var limit = new CancellationTokenSource(2 * HostProcess.Patience);
        using var entryPoints = new EntryPoints();
        string file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, """
                broker.api.keys = ["key"]
                broker.namespaces.here { presence = on }
                broker.centrifuge { uni-sse.enabled = on, uni-http-stream.enabled = on }
                """, limit.Token);
            Dictionary<string, string> settings = new(entryPoints.Settings);
            if (publicPort == WayIn.Kestrel) settings["BROKER_TRANSPORT"] = "kestrel";
            await using HostProcess host = await HostProcess.StartAsync(settings, "--config", file);

            foreach (WayIn way in publicPort == WayIn.Kestrel ? (WayIn[])[WayIn.Kestrel]
                : [WayIn.Reactor, WayIn.Tls, WayIn.Http2, WayIn.Unix])
            {
                foreach (bool isGet in (bool[])[true, false]) await FollowAsync(host, entryPoints, way, isGet, limit.Token);
            }
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static async Task FollowAsync(HostProcess host, EntryPoints entryPoints, WayIn way, bool isGet, CancellationToken stop)
    {
        using var handler =
            new SocketsHttpHandler { UseProxy = false, ResponseDrainTimeout = TimeSpan.Zero,     // A client that goes is gone at once.
                SslOptions = { RemoteCertificateValidationCallback = (_, shown, _, _) => entryPoints.Trusts(shown) } };
        if (way == WayIn.Unix) handler.ConnectCallback = (_, token) => ConnectAsync(entryPoints.UnixSocket, token);
        using var http = new HttpClient(handler);
        Uri root = new(way is WayIn.Tls or WayIn.Http2 ? $"https://127.0.0.1:{host.TlsPort}" : $"http://127.0.0.1:{host.Port}");
        using var request =
            new HttpRequestMessage(
                isGet ? HttpMethod.Get : HttpMethod.Post,
                    new Uri(root, isGet ? "/connection/uni_sse?cf_connect=" + Uri.EscapeDataString(Connect)
                        : "/connection/uni_http_stream"))
        {
            Version = way == WayIn.Http2 ? HttpVersion.Version20 : HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = isGet ? null : new StringContent(Connect),
        };
        using (HttpResponseMessage answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stop))
        {
            using var lines = new StreamReader(await answer.Content.ReadAsStreamAsync(stop));
            Assert.StartsWith("{\"connect\":", await NextAsync(lines, stop), StringComparison.Ordinal);
            Assert.Contains(
                "\"num_clients\":1", await AskAsync(host, "presence_stats", """{"channel":"here:way"}""", stop), StringComparison.Ordinal);
            await AskAsync(host, "publish", $$"""{"channel":"here:way","data":"{{way}}"}""", stop);
            Assert.Equal("{\"channel\":\"here:way\",\"pub\":{\"data\":\"" + way + "\"}}", await NextAsync(lines, stop));
        }

        // Of HTTP/1.1 the connection is closed, of HTTP/2 the stream is reset.
        while (!(await AskAsync(host, "presence_stats", """{"channel":"here:way"}""", stop))
            .Contains("\"num_clients\":0", StringComparison.Ordinal)) await Task.Yield();
    }

    private static async Task<string> NextAsync(StreamReader lines, CancellationToken stop)
    {
        string line;
        do line = (await lines.ReadLineAsync(stop))!; while (line.Length == 0);
        return line.StartsWith("data: ", StringComparison.Ordinal) ? line[6..] : line;
    }

    private static async Task<string> AskAsync(HostProcess host, string method, string body, CancellationToken stop)
    {
        using var request =
            new HttpRequestMessage(HttpMethod.Post, new Uri(host.HttpUri, "/api/" + method))
                { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        request.Headers.Add("X-API-Key", "key");
        using HttpResponseMessage answer = await s_api.SendAsync(request, stop);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return await answer.Content.ReadAsStringAsync(stop);
    }

    private static readonly HttpClient s_api = new(new SocketsHttpHandler { UseProxy = false });

    private static async ValueTask<Stream> ConnectAsync(string path, CancellationToken stop)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), stop);
        return new NetworkStream(socket, ownsSocket: true);
    }
}
