using Broker.Tests.Support;

namespace Broker.Tests.EndToEnd;

/// <summary>The page in a real browser.</summary>
public sealed class PageTests(SharedHost shared) : IClassFixture<SharedHost>
{
    private static string Results => Directory.CreateDirectory(Path.Combine(ProjectFolder.Path, "TestResults")).FullName;

    [Fact]
    public async Task Two_tabs_chat_and_their_chart_moves()
    {
        string screenshot = Path.Combine(Results, "page.png");
        File.Delete(screenshot);

        await ChatAsync(shared.Process.HttpUri, screenshot, points: 40);

        Assert.True(new FileInfo(screenshot).Length > 10_000, $"{screenshot} shows next to nothing.");
    }

    [Fact]
    public async Task Offline_the_page_counts_down_keeps_what_is_typed_and_moves_nothing()
    {
        using var limit = new CancellationTokenSource(3 * HostProcess.Patience);
        await using HostProcess host = await HostProcess.StartAsync();
        await using ClientScript browser = ClientScript.Start("node", "page-offline.js", host.HttpUri.ToString());
        Assert.Equal("""{"saw":"empty chat","hint":true}""", await browser.NextAsync(limit.Token));
        Assert.Equal("""{"saw":"online"}""", await browser.NextAsync(limit.Token));

        await host.StopAsync();

        Assert.Equal("""{"saw":"countdown"}""", await browser.NextAsync(limit.Token));
        Assert.Equal(
            """{"saw":"hint","hint":"Not sent: no connection. Press Enter again when the page is online.","kept":"said while offline","moved":false}""",
            await browser.NextAsync(limit.Token));

        await host.StartAgainAsync();

        Assert.Equal("""{"saw":"online","hint":"","retry":"","moved":false}""", await browser.NextAsync(limit.Token));
        Assert.Equal("""{"saw":"message","empty":false}""", await browser.NextAsync(limit.Token));
    }

    [Fact]
    public async Task The_console_snippet_of_the_README_publishes_to_the_chat()
    {
        using var limit = new CancellationTokenSource(2 * HostProcess.Patience);
        string readme = await File.ReadAllTextAsync(Path.Combine(ProjectFolder.Path, "..", "README.md"), limit.Token);
        string snippet =
            readme.Split("```js\n")[1].Split("```")[0].Replace(
                "127.0.0.1:8000", shared.Process.HttpUri.Authority, StringComparison.Ordinal);
        await using ClientScript browser = ClientScript.Start("node", "page-console.js", shared.Process.HttpUri.ToString(), snippet);

        Assert.Equal("""{"saw":"pasted","thrown":null}""", await browser.NextAsync(limit.Token));
        Assert.Equal("""{"saw":"message","author":"console","complaints":[]}""", await browser.NextAsync(limit.Token));
    }

    /// <remarks>RFC 8441: "a single TCP connection" for both, which is what the browser's own log is asked about.</remarks>
    [Fact]
    public async Task Over_https_the_page_and_its_WebSocket_share_one_HTTP2_connection()
    {
        NetLog log = await ChatOverTlsAsync("page-http2");

        Http2Request page = log.Http2Requests.First(request => request[":path"] == "/");
        Assert.Equal(("GET", "https", "200"), (page[":method"], page[":scheme"], log.StatusOf(page)));
        Http2Request[] sockets = [.. log.Http2Requests.Where(request => request[":path"] == "/connection/websocket")];
        Assert.Equal(2, sockets.Length);    // Of the two tabs.
        Assert.All(sockets, socket =>
        {
            Assert.Equal(("CONNECT", "websocket", "https"), (socket[":method"], socket[":protocol"], socket[":scheme"]));
            Assert.Equal("200", log.StatusOf(socket));
            Assert.Equal(page.Connection, socket.Connection);
        });
    }

    [Fact]
    public async Task A_browser_without_HTTP2_opens_wss_over_HTTP1()
    {
        NetLog log = await ChatOverTlsAsync("page-tls", "--disable-http2");

        Assert.Empty(log.Http2Requests);
    }

    // The browser trusts the one key; its log is whole once it has ended.
    private static async Task<NetLog> ChatOverTlsAsync(string name, params string[] flags)
    {
        using var entryPoints = new EntryPoints();
        await using HostProcess host = await HostProcess.StartAsync(entryPoints.Settings);
        string file = Path.Combine(Results, name + ".netlog.json");
        File.Delete(file);
        await ChatAsync(
            new Uri($"https://127.0.0.1:{host.TlsPort}/"), Path.Combine(Results, name + ".png"), points: 1,
            [$"--ignore-certificate-errors-spki-list={entryPoints.PublicKeyHash}", $"--log-net-log={file}", .. flags]);
        return NetLog.Read(file);
    }

    private static async Task ChatAsync(Uri page, string screenshot, int points, params string[] flags)
    {
        using var limit = new CancellationTokenSource(3 * HostProcess.Patience);
        string[] arguments = [page.ToString(), screenshot, points.ToString(System.Globalization.CultureInfo.InvariantCulture), .. flags];
        await using ClientScript browser = ClientScript.Start("node", "page.js", arguments);
        string[] expected =
        [
            """{"saw":"online","name":"Ada"}""",
            """{"saw":"online","name":"Grace"}""",
            """{"saw":"message","author":"Ada","text":"Is anybody here?"}""",
            """{"saw":"message","author":"Grace","text":"Yes, in the other tab."}""",
            """{"saw":"message","author":"Ada","text":"<b>Markup</b> & ümläuts stay text."}""",
            """{"saw":"markup","elements":0}""",
            """{"saw":"message","author":"Grace","text":"So they do. Look at the chart: both of us are on it."}""",
            """{"saw":"chart moving"}""",
            """{"saw":"legend","entries":2}""",
            """{"saw":"complaints","complaints":[]}""",
            """{"saw":"its end"}""",
        ];
        foreach (string each in expected) Assert.Equal(each, await browser.NextAsync(limit.Token));
    }
}
