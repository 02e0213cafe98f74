using System.Globalization;
using System.Net;
using System.Text.Json;
using Broker.Tests.EndToEnd;
using static Broker.Tests.Hostile.EveryWay.EveryRow;

namespace Broker.Tests.Hostile.EveryWay;

/// <summary>Rows of docs/ERRORS.md about the Centrifuge dialect over HTTP, by every entry point.</summary>
public sealed class StreamsEveryWayTests(StreamEntryPoints shared) : IClassFixture<StreamEntryPoints>
{
    private const string Connect = """{"id":1,"connect":{}}""";

    // Method, target, body, and a field.
    private static readonly Dictionary<string, (string Method, string Target, string Body, (string Name, string Value)? Field)> s_requests =
        new()
        {
            ["another method than its path takes"] = ("PUT", "/connection/http_stream", Connect, null),
            ["no cf_connect, at the path of sse"] = ("GET", "/connection/sse", "", null),
            ["a connect request that is no JSON object, of a client that only listens"] =
                ("POST", "/connection/uni_http_stream", "[]", null),
            ["an emulated command that is no such JSON or Protobuf"] = ("POST", "/emulation", "[]", null),
            ["an emulated command for another node"] = ("POST", "/emulation", """{"session":"s","node":"n","data":"{}"}""", null),
            ["a longer body than the longest message needs"] = ("POST", "/emulation", new string(' ', 600 * 1024), null),
            ["an Origin that is not allowed, or none and a Sec-Fetch-Site of another page"] =
                ("POST", "/connection/http_stream", Connect, ("Origin", "https://elsewhere.example")),
        };

    private const string NoConnect = "a first message that is no command, or a command before connect",
        TooLong = "a message over message-bytes-max, emulated",
        Unknown = "an emulated command for a session that is not there, or not the client's",
        Full = "a stream over connections-max", Upgrade = "an upgrade to WebSocket, at a path of HTTP",
        Stops = "nothing wrong, and the hub stops";

    /// <summary>The rows that are tried here, for the test of the whole page.</summary>
    internal static IEnumerable<string> Rows => [.. s_requests.Keys, NoConnect, TooLong, Unknown, Full, Upgrade, Stops];

    public static TheoryData<EntryPoint> Entries => [.. EveryEntryPoint.All];

    [Theory, MemberData(nameof(Entries))]
    public Task Requests_are_answered_with_the_status_of_the_page(EntryPoint entry) => ForEachAsync(s_requests, async (row, asked, stop) =>
    {
        using HttpRequestMessage request = shared.RequestTo(entry, new HttpMethod(asked.Method), asked.Target, asked.Body);
        if (asked.Field is { } field) request.Headers.Add(field.Name, field.Value);
        using HttpResponseMessage answer = await shared.ClientOf(entry).SendAsync(request, stop);
        return (int)answer.StatusCode == ErrorPage.Answer(row) ? null : $"{answer.StatusCode}";
    });

    [Theory, MemberData(nameof(Entries))]
    public async Task A_stream_that_begins_without_connect_ends_with_the_code_of_the_page(EntryPoint entry)
    {
        using var limit = new CancellationTokenSource(HostProcess.Patience);
        await using Lines lines = await shared.OpenAsync(entry, """{"id":1,"publish":{"channel":"a","data":1}}""", limit.Token);
        Assert.Equal(EndOf(NoConnect), await lines.ReadEndAsync(limit.Token));
    }

    [Theory, MemberData(nameof(Entries))]
    public async Task An_emulated_message_is_for_its_own_session_and_bounded(EntryPoint entry)
    {
        using var limit = new CancellationTokenSource(HostProcess.Patience);
        await using Lines lines = await shared.OpenAsync(entry, Connect, limit.Token);
        using JsonDocument reply = JsonDocument.Parse(await lines.NextAsync(limit.Token) ?? "null");
        JsonElement connect = reply.RootElement.GetProperty("connect");
        string session = connect.GetProperty("session").GetString()!, node = connect.GetProperty("node").GetString()!;

        Assert.Equal(ErrorPage.Answer(Unknown), await PostAsync(entry, new string('0', 32), node, "{}", limit.Token));
        Assert.Equal(ErrorPage.Answer(TooLong), await PostAsync(entry, session, node, new string('x', 65 * 1024), limit.Token));
        Assert.Equal(EndOf(TooLong), await lines.ReadEndAsync(limit.Token));
    }

    [Theory, MemberData(nameof(Entries))]
    public async Task An_upgrade_at_a_path_of_HTTP_has_the_status_of_the_page(EntryPoint entry)
    {
        using var limit = new CancellationTokenSource(HostProcess.Patience);
        if (entry == EntryPoint.Http2)
        {
            using HttpResponseMessage answer = await shared.EntryPoints.SendConnectAsync(
                "/connection/sse", null, new Dictionary<string, string>(), limit.Token);
            Assert.Equal((HttpStatusCode)ErrorPage.Answer(Upgrade), answer.StatusCode);
            return;
        }

        using Attacker client = await shared.EntryPoints.ConnectAsync(entry, limit.Token);
        await client.TrySendAsync(HostileClient.Upgrade("/connection/sse"), limit.Token);
        Assert.StartsWith(
            string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 {ErrorPage.Answer(Upgrade)} "), await client.ReadHeadAsync(limit.Token),
                StringComparison.Ordinal);
    }

    // The last: hosts take eight connections each, and are stopped.
    [Fact]
    public async Task Streams_count_as_connections_and_end_with_the_hub()
    {
        await using var hosts = new StreamEntryPoints();
        await hosts.StartAsync(("LISTEN_CONNECTIONS_MAX", "4"), ("CENTRIFUGE_PING_INTERVAL", "1h"));
        using var limit = new CancellationTokenSource(2 * HostProcess.Patience);
        var open = new List<Lines>();
        try
        {
            foreach (IGrouping<HostProcess, EntryPoint> ways in EveryEntryPoint.All.GroupBy(hosts.EntryPoints.HostOf))
            {
                EntryPoint[] each = [.. ways];
                for (int i = 0; i < 4; i++)
                {
                    Lines lines = await hosts.OpenAsync(each[i % each.Length], Connect, limit.Token);
                    open.Add(lines);
                    Assert.NotNull(await lines.NextAsync(limit.Token));
                }
            }

            foreach (EntryPoint entry in EveryEntryPoint.All)
            {
                using HttpRequestMessage request = hosts.RequestTo(entry, HttpMethod.Post, "/connection/http_stream", Connect);
                using HttpResponseMessage answer =
                    await hosts.ClientOf(entry).SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token);
                Assert.Equal((entry, ErrorPage.Answer(Full), true),
                    (entry, (int)answer.StatusCode, answer.Headers.RetryAfter is not null));
            }

            HostProcess[] all = [.. EveryEntryPoint.All.Select(hosts.EntryPoints.HostOf).Distinct()];
            foreach (HostProcess host in all) host.SendTerminate();
            foreach (Lines lines in open) Assert.Equal(EndOf(Stops), await lines.ReadEndAsync(limit.Token));
            foreach (HostProcess host in all) await host.ExpectGracefulEndAsync(HostProcess.Patience);
        }
        finally
        {
            foreach (Lines lines in open) await lines.DisposeAsync();
        }
    }

    // The answer is the status, and behind it stands the code in the stream.
    private static int EndOf(string row) => row switch
    {
        TooLong => 1009,
        Stops => 3001,
        _ => 3501,
    };

    private async Task<int> PostAsync(EntryPoint entry, string session, string node, string data, CancellationToken stop)
    {
        using HttpRequestMessage request =
            shared.RequestTo(entry, HttpMethod.Post, "/emulation", JsonSerializer.Serialize(new { session, node, data }));
        using HttpResponseMessage answer = await shared.ClientOf(entry).SendAsync(request, stop);
        return (int)answer.StatusCode;
    }
}
