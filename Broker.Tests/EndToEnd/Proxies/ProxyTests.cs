using System.Net;
using System.Net.WebSockets;
using System.Text;

namespace Broker.Tests.EndToEnd.Proxies;

/// <summary>The real host behind real proxies, which are set up as docs/PROXIES.md says.</summary>
public sealed class ProxyTests
{
    private const string Channel = "proxy:room";
    private const string Spoofed = "203.0.113.9";

    private static readonly IPAddress s_subscriber = IPAddress.Parse("127.0.0.5");
    private static readonly IPAddress s_publisher = IPAddress.Parse("127.0.0.6");
    private static readonly Dictionary<string, string> s_debug =
        new() { ["BROKER_LOG_LEVEL"] = "debug", ["BROKER_CENTRIFUGE_UNI_SSE_ENABLED"] = "on" };

    /// <summary>Every proxy.</summary>
    public static TheoryData<string> Proxies =>
    [
        "nginx",
        "nginx that keeps connections",
        "HAProxy, HTTP",
        "HAProxy, HTTP, that keeps connections",
        "HAProxy, TCP, PROXY version 1",
        "HAProxy, TCP, PROXY version 2",
        "HAProxy, TCP, PROXY version 2 with a checksum",
    ];

    [Theory, MemberData(nameof(Proxies))]
    public async Task Clients_and_the_page_come_through_it_by_their_own_addresses_and_after_a_restart(string name)
    {
        using var limit = new CancellationTokenSource(2 * HostProcess.Patience);
        ProxyKind kind = ProxyKind.Find(name);
        using var settings = new SettingsFile(kind.BrokerConfiguration);
        await using HostProcess host = await HostProcess.StartAsync(s_debug, "--config", settings.Path);
        await using ProxyProcess proxy = await ProxyProcess.StartAsync(kind, host.Port);

        using LightClient subscriber = await TalkAsync(proxy, limit.Token);
        ExpectLog(host, $"/connection/websocket from {s_subscriber}:");
        ExpectLog(host, $"/connection/websocket from {s_publisher}:");
        Assert.DoesNotContain(Spoofed, host.Log, StringComparison.Ordinal);
        ExpectLog(host, "ended: ClosedByClient, 4001 bye");

        Task stopping = host.StopAsync();       // Which waits for the client's answer to its Close frame.
        Assert.Null(await subscriber.ReadLineAsync(limit.Token));
        await stopping;
        Assert.Equal((3001, "shutdown"), (subscriber.CloseCode, subscriber.CloseReason));

        await host.StartAgainAsync();
        using LightClient again = await TalkAsync(proxy, limit.Token);
        await BrowseAsync(proxy, host, limit.Token);
    }

    // One subscribes, another publishes and leaves with a code of its own. Both say that they are another component.
    private static async Task<LightClient> TalkAsync(ProxyProcess proxy, CancellationToken stop)
    {
        LightClient subscriber = await ConnectAsync(s_subscriber, proxy.Port, stop);
        await subscriber.SubscribeAsync(Channel, stop);
        using (LightClient publisher = await ConnectAsync(s_publisher, proxy.Port, stop))
        {
            await publisher.CallAsync($"\"publish\":{{\"channel\":\"{Channel}\",\"data\":\"through\"}}", stop);
            await publisher.CloseAsync(4001, "bye", stop);
            Assert.Equal(4001, publisher.CloseCode);
        }

        ReadOnlyMemory<byte>? line = await subscriber.ReadLineAsync(stop);
        Assert.StartsWith(
            $"{{\"push\":{{\"channel\":\"{Channel}\",\"pub\":{{\"data\":\"through\"", Encoding.UTF8.GetString(line!.Value.Span),
                StringComparison.Ordinal);
        return subscriber;
    }

    // The page, health and a WebSocket in turn: no connection is left that a WebSocket cannot open on.
    private static async Task BrowseAsync(ProxyProcess proxy, HostProcess host, CancellationToken stop)
    {
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{proxy.Port}/") };
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal("{\"status\":\"ready\"}", await http.GetStringAsync(new Uri("ready", UriKind.Relative), stop));
            Assert.Contains("<title>", await http.GetStringAsync(new Uri("", UriKind.Relative), stop), StringComparison.Ordinal);
            using LightClient client = await ConnectAsync(s_subscriber, proxy.Port, stop);
        }

        await FollowEventsAsync(http, proxy, host, stop);
    }

    // An event passes at once and not with later ones, and a client that goes is gone at once.
    private static async Task FollowEventsAsync(HttpClient http, ProxyProcess proxy, HostProcess host, CancellationToken stop)
    {
        string connect = Uri.EscapeDataString($"{{\"subs\":{{\"{Channel}\":{{}}}}}}");
        using (var events =
            new StreamReader(await http.GetStreamAsync(new Uri($"connection/uni_sse?cf_connect={connect}", UriKind.Relative), stop)))
        {
            Assert.StartsWith("data: {\"connect\":", await NextEventAsync(), StringComparison.Ordinal);
            using LightClient publisher = await ConnectAsync(s_publisher, proxy.Port, stop);
            await publisher.CallAsync($"\"publish\":{{\"channel\":\"{Channel}\",\"data\":\"event\"}}", stop);
            Assert.StartsWith(
                $"data: {{\"channel\":\"{Channel}\",\"pub\":{{\"data\":\"event\"", await NextEventAsync(), StringComparison.Ordinal);

            async Task<string?> NextEventAsync()
            {
                string? line;
                do line = await events.ReadLineAsync(stop); while (line is "");
                return line;
            }
        }

        await host.ExpectLogAsync("ended: EndOfStream");
    }

    [Theory]
    [InlineData("nginx")]
    [InlineData("HAProxy, HTTP")]
    [InlineData("HAProxy, TCP, PROXY version 2")]
    public async Task A_browser_comes_in_from_a_page_of_the_proxys_host_and_from_no_other(string name)
    {
        using var limit = new CancellationTokenSource(2 * HostProcess.Patience);
        ProxyKind kind = ProxyKind.Find(name);
        using var settings = new SettingsFile(kind.BrokerConfiguration);
        await using HostProcess host = await HostProcess.StartAsync(s_debug, "--config", settings.Path);
        await using ProxyProcess proxy = await ProxyProcess.StartAsync(kind, host.Port);

        Assert.Equal(HttpStatusCode.SwitchingProtocols, await StatusOfAsync(proxy.Port, $"http://127.0.0.1:{proxy.Port}", limit.Token));
        Assert.Equal(HttpStatusCode.Forbidden, await StatusOfAsync(proxy.Port, $"http://127.0.0.1:{host.Port}", limit.Token));
        Assert.Equal(HttpStatusCode.Forbidden, await StatusOfAsync(proxy.Port, "https://evil.example", limit.Token));
    }

    [Fact]
    public async Task An_unconfigured_proxy_is_logged_by_its_own_address()
    {
        using var limit = new CancellationTokenSource(HostProcess.Patience);
        using var settings = new SettingsFile(ProxyKind.Find("nginx").BrokerConfiguration);
        await using HostProcess host = await HostProcess.StartAsync(s_debug, "--config", settings.Path);

        using LightClient client = await ConnectAsync(s_subscriber, host.Port, limit.Token);

        ExpectLog(host, $"/connection/websocket from {s_subscriber}:");
        Assert.DoesNotContain(Spoofed, host.Log, StringComparison.Ordinal);
    }

    private static async Task<LightClient> ConnectAsync(IPAddress source, int port, CancellationToken stop)
    {
        var client =
            new LightClient { Source = source,
                Headers = [$"X-Forwarded-For: {Spoofed}", $"Forwarded: for={Spoofed}", $"X-Real-IP: {Spoofed}"] };
        await client.OpenAsync(port, stop);
        await client.CallAsync("\"connect\":{}", stop);
        return client;
    }

    private static async Task<HttpStatusCode> StatusOfAsync(int port, string origin, CancellationToken stop)
    {
        using var socket = new ClientWebSocket();
        socket.Options.CollectHttpResponseDetails = true;
        socket.Options.SetRequestHeader("Origin", origin);
        try
        {
            await socket.ConnectAsync(new Uri($"ws://127.0.0.1:{port}/connection/websocket"), stop);
        }
        catch (WebSocketException)
        {
            // The status says it.
        }

        return socket.HttpStatusCode;
    }

    // Lines of the log come through a pipe, after what they tell of.
    private static void ExpectLog(HostProcess host, string text) =>
        Assert.True(SpinWait.SpinUntil(() => host.Log.Contains(text, StringComparison.Ordinal), HostProcess.Patience),
            $"\"{text}\" is not in the log:\n{host.Log}");

    private sealed class SettingsFile : IDisposable
    {
        private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("broker-settings-");

        public SettingsFile(string text)
        {
            Path = System.IO.Path.Combine(_folder.FullName, "broker.conf");
            File.WriteAllText(Path, text);
        }

        public string Path { get; }

        public void Dispose() => _folder.Delete(recursive: true);
    }
}
