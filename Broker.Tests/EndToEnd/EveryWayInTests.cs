using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace Broker.Tests.EndToEnd;

/// <summary>One table of what is answered, asked through every way in with the same bytes.</summary>
[Collection(EndToEndDefinition.Name)]
public sealed class EveryWayInTests
{
    private const string Upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";

    /// <summary>What it is, the target, the other lines of the head, and the status.</summary>
    private static readonly (string What, string Target, string Lines, int Status)[] s_table =
    [
        ("an upgrade", "/connection/websocket", Upgrade, 101),
        ("an unknown path", "/none", Upgrade, 404),
        ("a percent-encoded path", "/connection/web%73ocket", Upgrade, 404),
        ("a path with dot segments", "/x/../connection/websocket", Upgrade, 404),
        ("Latin-1 in a header", "/connection/websocket", Upgrade + "X-Name: J\u00f6rg\r\n", 101),
        ("120 header lines", "/connection/websocket", Upgrade + string.Concat(Enumerable.Range(0, 120).Select(static number => $"X-{number}: a\r\n")), 101),
        ("a query of 9 KB", "/connection/websocket?" + new string('a', 9000), Upgrade, 101),
        ("a cookie of 30 KB", "/connection/websocket", Upgrade + "Cookie: a=" + new string('a', 30_000) + "\r\n", 101),
        ("a head over head-bytes-max", "/connection/websocket", Upgrade + "Cookie: a=" + new string('a', 41_000) + "\r\n", 431),
        ("the absolute form with another Host", "http://other.example/health", "", 200),
        ("a plain request for nothing", "/none", "", 404),
        ("health", "/health", "", 200),
    ];

    [Theory, InlineData(WayIn.Reactor), InlineData(WayIn.Kestrel), InlineData(WayIn.Tls), InlineData(WayIn.Unix)]
    public async Task Each_request_has_the_same_answer_by_every_way_in(WayIn way)
    {
        using var limit = new CancellationTokenSource(HostProcess.Patience);
        using var doors = new Doors();
        await using HostProcess host = await StartAsync(doors, way);

        foreach ((string what, string target, string lines, int status) in s_table)
        {
            string answer = await AskAsync(host, doors, way, $"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n{lines}\r\n", limit.Token);
            Assert.True(answer.StartsWith(string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 {status} "), StringComparison.Ordinal), $"{what} by {way}: {answer}");
        }
    }

    [Fact]
    public async Task An_unknown_WebSocket_path_over_HTTP_2_is_404()
    {
        using var limit = new CancellationTokenSource(HostProcess.Patience);
        using var doors = new Doors();
        await using HostProcess host = await StartAsync(doors, WayIn.Http2);
        using var request = new HttpRequestMessage(HttpMethod.Connect, host.UriOf(WayIn.Http2, "/none").ToString().Replace("wss:", "https:", StringComparison.Ordinal))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        request.Headers.Protocol = "websocket";
        request.Headers.TryAddWithoutValidation("Sec-WebSocket-Version", "13");

        using HttpResponseMessage answer = await doors.Http.SendAsync(request, limit.Token);

        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
    }

    private static Task<HostProcess> StartAsync(Doors doors, WayIn way) =>
        HostProcess.StartAsync(new Dictionary<string, string>(doors.SettingsFor(way)) { ["BROKER_REACTOR_HEAD_BYTES_MAX"] = "40KiB" });

    private static async Task<string> AskAsync(HostProcess host, Doors doors, WayIn way, string request, CancellationToken stop)
    {
        using var socket = way == WayIn.Unix ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) : new Socket(SocketType.Stream, ProtocolType.Tcp);
        EndPoint end = way == WayIn.Unix ? new UnixDomainSocketEndPoint(doors.UnixSocket) : new IPEndPoint(IPAddress.Loopback, way == WayIn.Tls ? host.TlsPort : host.Port);
        await socket.ConnectAsync(end, stop);
        await using Stream plain = new NetworkStream(socket);
        await using SslStream? secret = way == WayIn.Tls ? new SslStream(plain, leaveInnerStreamOpen: true, (_, shown, _, _) => doors.Trusts(shown)) : null;
        if (secret is not null) await secret.AuthenticateAsClientAsync("localhost");
        Stream stream = (Stream?)secret ?? plain;
        await stream.WriteAsync(Encoding.Latin1.GetBytes(request), stop);
        byte[] answer = new byte[4096];
        int length = await stream.ReadAsync(answer, stop);
        return Encoding.Latin1.GetString(answer, 0, length);
    }
}
