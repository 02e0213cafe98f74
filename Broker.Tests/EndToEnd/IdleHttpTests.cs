using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Broker.Tests.EndToEnd;

/// <summary>Probes are answered whatever other HTTP connections do.</summary>
public sealed class IdleHttpTests
{
    private const int IdleCount = 1030;             // More than http.connections-max.
    private static readonly string[] s_probes = ["/health", "/ready", "/metrics"];

    [Theory, InlineData(WayIn.Reactor), InlineData(WayIn.Kestrel), InlineData(WayIn.Unix)]
    public async Task Idle_HTTP_connections_do_not_block_the_probes(WayIn way)
    {
        using var limit = new CancellationTokenSource(HostProcess.Patience);
        using var entryPoints = new EntryPoints();
        await using HostProcess host =
            await HostProcess.StartAsync(
                new Dictionary<string, string>(entryPoints.SettingsFor(way))
                    { ["BROKER_HTTP_KEEP_ALIVE_LIMIT"] = "10m", ["BROKER_HTTP_HEAD_LIMIT"] = "10m" });
        var idle = new List<Socket>();
        try
        {
            for (int i = 0; i < IdleCount; i++)
            {
                Socket socket = await ConnectAsync(host, entryPoints, way, limit.Token);
                idle.Add(socket);
                Assert.StartsWith(
                    "HTTP/1.1 200", await AskAsync(socket, "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n", limit.Token),
                        StringComparison.Ordinal);
            }

            foreach (string probe in s_probes)
            {
                using Socket socket = await ConnectAsync(host, entryPoints, way, limit.Token);
                Assert.StartsWith(
                    "HTTP/1.1 200", await AskAsync(socket, $"GET {probe} HTTP/1.1\r\nHost: localhost\r\n\r\n", limit.Token),
                        StringComparison.Ordinal);
            }

            // The idlest had to go, and the others are served.
            Assert.Equal("", await AskAsync(idle[0], "", limit.Token));
            Assert.StartsWith(
                "HTTP/1.1 200", await AskAsync(idle[^1], "GET /ready HTTP/1.1\r\nHost: localhost\r\n\r\n", limit.Token),
                    StringComparison.Ordinal);
        }
        finally
        {
            idle.ForEach(static socket => socket.Dispose());
        }
    }

    [Theory, InlineData(WayIn.Reactor), InlineData(WayIn.Kestrel)]
    public async Task A_probe_is_answered_while_all_connections_are_busy(WayIn way)
    {
        const int ConnectionsMax = 16;
        using var limit = new CancellationTokenSource(HostProcess.Patience);
        using var entryPoints = new EntryPoints();
        await using HostProcess host = await HostProcess.StartAsync(new Dictionary<string, string>(entryPoints.SettingsFor(way))
        {
            ["BROKER_HTTP_CONNECTIONS_MAX"] = ConnectionsMax.ToString(CultureInfo.InvariantCulture),
            ["BROKER_API_KEYS"] = "k",
        });
        var busy = new List<Socket>();
        try
        {
            // Requests whose bodies never end. "Expect" says when the hub has begun to read one.
            const string Slow =
                "POST /api/info HTTP/1.1\r\nHost: localhost\r\nX-API-Key: k\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n";
            string answer = "HTTP/1.1 100";
            while (answer.StartsWith("HTTP/1.1 100", StringComparison.Ordinal) && busy.Count <= ConnectionsMax)
            {
                busy.Add(await ConnectAsync(host, entryPoints, way, limit.Token));
                answer = await AskAsync(busy[^1], Slow, limit.Token);
            }

            Assert.StartsWith("HTTP/1.1 503", answer, StringComparison.Ordinal);
            Assert.Equal((ConnectionsMax / 2) + 1, busy.Count);         // All are of one address, which has half.
            foreach (string probe in s_probes)
            {
                using Socket socket = await ConnectAsync(host, entryPoints, way, limit.Token);
                Assert.StartsWith(
                    "HTTP/1.1 200", await AskAsync(socket, $"GET {probe} HTTP/1.1\r\nHost: localhost\r\n\r\n", limit.Token),
                        StringComparison.Ordinal);
            }

            using LightClient client = await LightClient.ConnectAsync(host.Port, limit.Token);
        }
        finally
        {
            busy.ForEach(static socket => socket.Dispose());
        }
    }

    private static async Task<Socket> ConnectAsync(HostProcess host, EntryPoints entryPoints, WayIn way, CancellationToken stop)
    {
        Socket socket =
            way == WayIn.Unix ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
                : new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(
            way == WayIn.Unix ? new UnixDomainSocketEndPoint(entryPoints.UnixSocket) : new IPEndPoint(IPAddress.Loopback, host.Port), stop);
        return socket;
    }

    // What comes next, or nothing if the connection has ended.
    private static async Task<string> AskAsync(Socket socket, string request, CancellationToken stop)
    {
        byte[] answer = new byte[64 * 1024];
        try
        {
            if (request.Length > 0) await socket.SendAsync(Encoding.Latin1.GetBytes(request), stop);
            return Encoding.Latin1.GetString(answer, 0, await socket.ReceiveAsync(answer, stop));
        }
        catch (SocketException)
        {
            return "";
        }
    }
}
