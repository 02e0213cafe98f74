using System.Net;
using System.Text;
using Broker.Actors.Settings;
using static Broker.Tests.AspNetCore.Streams.StreamHub;

namespace Broker.Tests.AspNetCore.Streams;

/// <summary>What is refused in HTTP, before there is a connection, and messages for sessions that are not the client's.</summary>
public sealed class StreamRefusalTests
{
    [Theory]
    [InlineData("GET", "/connection/http_stream", "", 405)]
    [InlineData("HEAD", "/connection/sse", "", 405)]
    [InlineData("GET", "/connection/sse", "", 400)]
    [InlineData("GET", "/connection/uni_http_stream", "", 405)]
    [InlineData("POST", "/connection/uni_http_stream", "[]", 400)]
    [InlineData("POST", "/connection/uni_http_stream", "{}{}", 400)]
    [InlineData("GET", "/connection/uni_sse?cf_connect=%7B", "", 400)]
    [InlineData("GET", "/emulation", "", 405)]
    [InlineData("POST", "/emulation", "{}", 404)]
    [InlineData("POST", "/emulation", """{"session":"s","node":"n","data":"{}"}""", 404)]
    [InlineData("POST", "/emulation", """{"session":"s","node":"n","data":{}}""", 400)]
    [InlineData("POST", "/emulation", """{"session":"s","node":"\ud800"}""", 400)]
    [InlineData("POST", "/emulation", "[]", 400)]
    [InlineData("POST", "/emulation", """{"session":"s" """, 400)]
    [InlineData("POST", "/emulation", """{"session":"s"}{""", 400)]
    public async Task A_request_that_breaks_a_rule_has_its_status(string method, string target, string body, int status)
    {
        await using HubInKestrel hub = await HubInKestrel.StartAsync(StreamHub.Settings);
        using var request =
            new HttpRequestMessage(new HttpMethod(method), new Uri(hub.Plain, target))
                { Content = body.Length == 0 ? null : new StringContent(body) };

        using HttpResponseMessage answer = await hub.Http.SendAsync(request, ClientSteps.Limited());

        Assert.Equal(status, (int)answer.StatusCode);
        Assert.Equal(0, hub.Hub.Counters.Open);
    }

    [Theory]
    [InlineData("/connection/http_stream", "POST", "http://evil.example", null, 403)]
    [InlineData("/connection/sse?cf_connect=%7B%7D", "GET", "http://evil.example", null, 403)]
    [InlineData("/connection/sse?cf_connect=%7B%7D", "GET", null, "cross-site", 403)]
    [InlineData("/connection/sse?cf_connect=%7B%7D", "GET", null, "same-site", 403)]
    [InlineData("/connection/uni_sse", "GET", "null", null, 403)]
    [InlineData("/connection/uni_sse", "GET", null, "same-origin", 200)]
    [InlineData("/connection/uni_sse", "GET", null, "none", 200)]
    [InlineData("/emulation", "POST", "http://evil.example", null, 403)]
    [InlineData("/emulation", "OPTIONS", "http://evil.example", null, 403)]
    [InlineData("/emulation", "OPTIONS", "http://good.example", null, 204)]
    [InlineData("/connection/uni_sse", "GET", "http://good.example", "cross-site", 200)]
    public async Task Only_pages_that_may_connect_are_answered(string target, string method, string? origin, string? site, int status)
    {
        await using HubInKestrel hub =
            await HubInKestrel.StartAsync(StreamHub.Settings with { Listen = new ListenSettings { Origins = ["http://good.example"] } });
        using var request =
            new HttpRequestMessage(new HttpMethod(method), new Uri(hub.Plain, target))
                { Content = method == "POST" ? new StringContent("{}") : null };
        if (origin is not null) request.Headers.Add("Origin", origin);
        if (site is not null) request.Headers.Add("Sec-Fetch-Site", site);
        if (method == "OPTIONS") request.Headers.Add("Access-Control-Request-Headers", "content-type");

        using HttpResponseMessage answer = await hub.Http.SendAsync(request, ClientSteps.Limited());

        Assert.Equal(status, (int)answer.StatusCode);
        bool isAllowed = status < 300 && origin is not null;
        Assert.Equal(
            isAllowed ? [origin!] : [], answer.Headers.TryGetValues("Access-Control-Allow-Origin", out IEnumerable<string>? allowed)
                ? allowed : []);
        if (method == "OPTIONS" && isAllowed)
            Assert.Equal("POST, OPTIONS", Assert.Single(answer.Headers.GetValues("Access-Control-Allow-Methods")));
    }

    [Theory, InlineData("/connection/http_stream", 300 * 1024), InlineData("/connection/uni_http_stream", 300 * 1024),
        InlineData("/emulation", 600 * 1024)]
    public async Task A_body_over_the_limit_is_413_with_or_without_its_length(string path, int bytes)
    {
        await using HubInKestrel hub = await HubInKestrel.StartAsync(StreamHub.Settings);
        foreach (bool isChunked in (bool[])[false, true])
        {
            using var request =
                new HttpRequestMessage(HttpMethod.Post, new Uri(hub.Plain, path)) { Content = new StringContent(new string(' ', bytes)) };
            request.Headers.TransferEncodingChunked = isChunked;

            using HttpResponseMessage answer = await hub.Http.SendAsync(request, ClientSteps.Limited());

            Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.StatusCode);
        }
    }

    [Fact]
    public async Task A_foreign_session_is_answered_as_an_unknown_one()
    {
        await using HubInKestrel hub = await HubInKestrel.StartAsync(StreamHub.Settings);
        await using StreamClient listens = await StreamClient.OpenAsync(hub, Way.Plain, "uni_sse", """{"subs":{"room":{}}}""");
        string session = (await listens.NextAsync()).Split("\"session\":\"")[1].Split('"')[0];
        await using StreamClient client = await StreamClient.ConnectAsync(hub, Way.Plain, "http_stream");
        StreamClient gone = await StreamClient.ConnectAsync(hub, Way.Plain, "http_stream");
        await gone.DisposeAsync();
        await Until(() => hub.Hub.Counters.Open == 2);

        foreach (string foreign in (string[])[
            session, gone.Session, "", client.Session[..^1], client.Session.ToUpperInvariant(), new string('0', 32)])
        {
            using HttpResponseMessage answer =
                await hub.PostAsync(foreign, client.Node, """{"id":9,"publish":{"channel":"room","data":"foreign"}}""");
            Assert.Equal((HttpStatusCode.NoContent, 0), (answer.StatusCode, (await answer.Content.ReadAsByteArrayAsync()).Length));
        }

        await hub.PostAsync(client, """{"id":2,"publish":{"channel":"room","data":"own"}}""");
        Assert.Contains("\"own\"", await listens.ReceiveAsync("\"pub\""), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sessions_cannot_be_guessed()
    {
        await using HubInKestrel hub = await HubInKestrel.StartAsync(StreamHub.Settings);
        List<string> sessions = [];
        for (int i = 0; i < 4; i++)
        {
            await using StreamClient client = await StreamClient.ConnectAsync(hub, Way.Plain, "http_stream");
            Assert.Equal(16, Convert.FromHexString(client.Session).Length);
            sessions.Add(client.Session);
        }

        Assert.Equal(4, sessions.Distinct().Count());
    }

    [Fact]
    public async Task An_upgrade_at_a_path_of_HTTP_is_404()
    {
        await using HubInKestrel hub = await HubInKestrel.StartAsync(StreamHub.Settings);

        foreach (string path in (string[])["/connection/sse", "/connection/http_stream", "/emulation"])
        {
            RequestRejectedException refused = await Assert.ThrowsAsync<RequestRejectedException>(() => hub.ConnectAsync(Way.Plain, path));
            Assert.Equal(HttpStatusCode.NotFound, refused.Status);
        }
    }

    [Fact]
    public async Task A_message_in_another_form_ends_the_session_that_it_names()
    {
        await using HubInKestrel hub = await HubInKestrel.StartAsync(StreamHub.Settings);
        await using StreamClient client = await StreamClient.ConnectAsync(hub, Way.Plain, "http_stream");
        byte[] node = Encoding.UTF8.GetBytes(client.Node), session = Encoding.UTF8.GetBytes(client.Session);
        byte[] body = [0x0A, (byte)node.Length, .. node, 0x12, (byte)session.Length, .. session, 0x1A, 2, 1, 0];
        using var request =
            new HttpRequestMessage(HttpMethod.Post, new Uri(hub.Plain, "/emulation")) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new("application/octet-stream");

        using HttpResponseMessage answer = await hub.Http.SendAsync(request, ClientSteps.Limited());

        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        Assert.Contains("\"disconnect\":{\"code\":3501,", await client.NextAsync(), StringComparison.Ordinal);
    }
}
