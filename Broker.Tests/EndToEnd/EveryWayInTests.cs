using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace Broker.Tests.EndToEnd;

/// <summary>One table of what is answered, asked through every way in with the same bytes.</summary>
public sealed class EveryWayInTests
{
    private const string Upgrade =
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";

    /// <summary>What it is, the target, the other lines of the head, and the status.</summary>
    private static readonly (string What, string Target, string Lines, int Status)[] s_table =
    [
        ("an upgrade", "/connection/websocket", Upgrade, 101),
        ("an unknown path", "/none", Upgrade, 404),
        ("a percent-encoded path", "/connection/web%73ocket", Upgrade, 404),
        ("a path with dot segments", "/x/../connection/websocket", Upgrade, 404),
        ("Latin-1 in a header", "/connection/websocket", Upgrade + "X-Name: J\u00f6rg\r\n", 101),
        ("120 header lines", "/connection/websocket",
            Upgrade + string.Concat(Enumerable.Range(0, 120).Select(static number => $"X-{number}: a\r\n")), 101),
        ("a query of 9 KB", "/connection/websocket?" + new string('a', 9000), Upgrade, 101),
        ("a cookie of 30 KB", "/connection/websocket", Upgrade + "Cookie: a=" + new string('a', 30_000) + "\r\n", 101),
        ("a head over head-bytes-max", "/connection/websocket", Upgrade + "Cookie: a=" + new string('a', 41_000) + "\r\n", 431),
        ("the absolute form with another Host", "http://localhost/health", "", 200),       // Of which the target counts.
        ("a plain request for nothing", "/none", "", 404),
        ("a plain request with a head over head-bytes-max", "/health", "Cookie: a=" + new string('a', 41_000) + "\r\n", 431),
        ("a plain request with a query over head-bytes-max", "/health?" + new string('a', 41_000), "", 431),
        ("a plain request with a head within it", "/health", "Cookie: a=" + new string('a', 39_000) + "\r\n", 200),
        ("health", "/health", "", 200),
    ];

    // The public port is the reactor's or Kestrel's; the other ways in are open beside it.
    private static WayIn[] WaysOf(WayIn publicPort) =>
        publicPort == WayIn.Kestrel ? [WayIn.Kestrel] : [WayIn.Reactor, WayIn.Tls, WayIn.Unix];

    [Theory, InlineData(WayIn.Reactor), InlineData(WayIn.Kestrel)]
    public async Task Each_request_has_the_same_answer_by_every_way_in(WayIn publicPort)
    {
        using var limit = new CancellationTokenSource(HostProcess.Patience);
        using var entryPoints = new EntryPoints();
        await using HostProcess host = await StartAsync(entryPoints, publicPort);

        foreach (WayIn way in WaysOf(publicPort))
        {
            foreach ((string what, string target, string lines, int status) in s_table)
            {
                string answer =
                    await AskAsync(host, entryPoints, way, $"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n{lines}\r\n", limit.Token);
                Assert.True(answer.StartsWith(string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 {status} "), StringComparison.Ordinal),
                    $"{what} by {way}: {answer}");
            }
        }
    }

    [Fact]
    public async Task An_unknown_WebSocket_path_over_HTTP_2_is_404()
    {
        using var limit = new CancellationTokenSource(HostProcess.Patience);
        using var entryPoints = new EntryPoints();
        await using HostProcess host = await StartAsync(entryPoints, WayIn.Reactor);
        using var request =
            new HttpRequestMessage(
                HttpMethod.Connect, host.UriOf(WayIn.Http2, "/none").ToString().Replace("wss:", "https:", StringComparison.Ordinal))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        request.Headers.Protocol = "websocket";
        request.Headers.TryAddWithoutValidation("Sec-WebSocket-Version", "13");

        using HttpResponseMessage answer = await entryPoints.Http.SendAsync(request, limit.Token);

        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
    }

    [Theory, InlineData(WayIn.Reactor), InlineData(WayIn.Kestrel)]
    public async Task A_Close_frame_right_before_the_end_of_the_stream_is_answered(WayIn publicPort)
    {
        using var limit = new CancellationTokenSource(HostProcess.Patience);
        using var entryPoints = new EntryPoints();
        await using HostProcess host = await StartAsync(entryPoints, publicPort);
        byte[] close = [0x88, 0x82, 0, 0, 0, 0, 0x03, 0xE8];

        foreach (WayIn way in WaysOf(publicPort))
        {
            // With the upgrade in one write, and behind its answer.
            Assert.EndsWith(
                "\u0088\u0002\u0003\u00e8",
                    await TalkAsync(host, entryPoints, way, [[.. RequestBytes("/connection/websocket", Upgrade), .. close]], limit.Token),
                        StringComparison.Ordinal);
            Assert.EndsWith(
                "\u0088\u0002\u0003\u00e8",
                    await TalkAsync(host, entryPoints, way, [RequestBytes("/connection/websocket", Upgrade), close], limit.Token),
                        StringComparison.Ordinal);
        }
    }

    [Theory, InlineData(WayIn.Reactor), InlineData(WayIn.Kestrel)]
    public async Task A_PROXY_header_names_the_client_and_is_required(WayIn publicPort)
    {
        using var limit = new CancellationTokenSource(HostProcess.Patience);
        using var entryPoints = new EntryPoints();
        string file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(
                file, "broker.listen.proxies.proxy-protocol = [\"127.0.0.1\"]\nbroker.log.level = debug", limit.Token);
            await using HostProcess host = await HostProcess.StartAsync(SettingsFor(entryPoints, publicPort), "--config", file);

            foreach (WayIn way in WaysOf(publicPort))
            {
                string header = $"PROXY TCP4 192.0.2.{10 + (int)way} 192.0.2.99 5000 80\r\n";
                Assert.StartsWith(
                    "HTTP/1.1 101 ",
                        await TalkAsync(host, entryPoints, way, [RequestBytes("/connection/websocket", Upgrade)], limit.Token, header),
                            StringComparison.Ordinal);
                await host.ExpectLogAsync($"/connection/websocket from 192.0.2.{10 + (int)way}:5000");

                string bare = await TalkAsync(host, entryPoints, way, [RequestBytes("/health", "")], limit.Token);
                Assert.DoesNotContain("HTTP/1.1 200", bare, StringComparison.Ordinal);
            }
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Theory, InlineData(WayIn.Reactor), InlineData(WayIn.Kestrel)]
    public async Task A_forwarded_header_of_a_proxy_names_the_client(WayIn publicPort)
    {
        using var limit = new CancellationTokenSource(HostProcess.Patience);
        using var entryPoints = new EntryPoints();
        string file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, "broker.listen.proxies.forwarded = [\"127.0.0.1\"]\nbroker.log.level = debug", limit.Token);
            await using HostProcess host = await HostProcess.StartAsync(SettingsFor(entryPoints, publicPort), "--config", file);

            foreach (WayIn way in WaysOf(publicPort))
            {
                byte[] request =
                    RequestBytes("/connection/websocket", Upgrade + $"X-Forwarded-For: 198.51.100.1, 192.0.2.{10 + (int)way}\r\n");
                await TalkAsync(host, entryPoints, way, [request], limit.Token);

                await host.ExpectLogAsync($"/connection/websocket from 192.0.2.{10 + (int)way}:");
            }
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static Dictionary<string, string> SettingsFor(EntryPoints entryPoints, WayIn publicPort) =>
        new(entryPoints.Settings) { ["BROKER_TRANSPORT"] = publicPort.ToString() };

    private static Task<HostProcess> StartAsync(EntryPoints entryPoints, WayIn publicPort) =>
        HostProcess.StartAsync(
            new Dictionary<string, string>(SettingsFor(entryPoints, publicPort)) { ["BROKER_REACTOR_HEAD_BYTES_MAX"] = "40KiB" });

    private static byte[] RequestBytes(string target, string lines) =>
        Encoding.Latin1.GetBytes($"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n{lines}\r\n");

    private static Task<string> AskAsync(HostProcess host, EntryPoints entryPoints, WayIn way, string request, CancellationToken stop) =>
        AskBytesAsync(host, entryPoints, way, Encoding.Latin1.GetBytes(request), stop);

    private static async Task<string> AskBytesAsync(
        HostProcess host, EntryPoints entryPoints, WayIn way, byte[] request, CancellationToken stop)
    {
        using Socket socket = await ConnectAsync(host, entryPoints, way, stop);
        await using Stream stream = await StreamOfAsync(socket, entryPoints, way, before: "", stop);
        await stream.WriteAsync(request, stop);
        byte[] answer = new byte[4096];
        int length = await stream.ReadAsync(answer, stop);
        return Encoding.Latin1.GetString(answer, 0, length);
    }

    // Writes, waits for an answer between two writes, ends its sending side behind the last, and reads to the end.
    private static async Task<string> TalkAsync(
        HostProcess host, EntryPoints entryPoints, WayIn way, byte[][] writes, CancellationToken stop, string before = "")
    {
        using Socket socket = await ConnectAsync(host, entryPoints, way, stop);
        var sent = new StringBuilder();
        byte[] answer = new byte[4096];
        try
        {
            await using Stream stream = await StreamOfAsync(socket, entryPoints, way, before, stop);
            for (int i = 0; i < writes.Length; i++)
            {
                if (i > 0) sent.Append(Encoding.Latin1.GetString(answer, 0, await stream.ReadAsync(answer, stop)));
                await stream.WriteAsync(writes[i], stop);
            }

            socket.Shutdown(SocketShutdown.Send);
            for (int length; (length = await stream.ReadAsync(answer, stop)) > 0;)
                sent.Append(Encoding.Latin1.GetString(answer, 0, length));
        }
        catch (IOException)
        {
            // The connection was closed without an answer.
        }

        return sent.ToString();
    }

    private static async Task<Socket> ConnectAsync(HostProcess host, EntryPoints entryPoints, WayIn way, CancellationToken stop)
    {
        Socket socket =
            way == WayIn.Unix ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
                : new Socket(SocketType.Stream, ProtocolType.Tcp);
        EndPoint end =
            way == WayIn.Unix ? new UnixDomainSocketEndPoint(entryPoints.UnixSocket)
                : new IPEndPoint(IPAddress.Loopback, way == WayIn.Tls ? host.TlsPort : host.Port);
        await socket.ConnectAsync(end, stop);
        return socket;
    }

    private static async Task<Stream> StreamOfAsync(
        Socket socket, EntryPoints entryPoints, WayIn way, string before, CancellationToken stop)
    {
        var plain = new NetworkStream(socket);
        await plain.WriteAsync(Encoding.Latin1.GetBytes(before), stop);
        if (way != WayIn.Tls) return plain;
        var secret = new SslStream(plain, leaveInnerStreamOpen: false, (_, shown, _, _) => entryPoints.Trusts(shown));
        await secret.AuthenticateAsClientAsync("localhost");
        return secret;
    }
}
