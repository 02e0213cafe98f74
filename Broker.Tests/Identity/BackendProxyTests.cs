using System.Net;
using System.Text;
using System.Text.Json;
using Broker.Identity.Backend;
using Broker.Identity.Settings;
using Broker.Actors.Model;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Broker.Tests.Identity;

/// <summary>What the backend is asked, and what its answers mean, over HTTP on a real socket.</summary>
public sealed class BackendProxyTests : IAsyncLifetime
{
    private readonly TestBackend _backend = new();
    private readonly BackendClient _client =
        new("c1", "websocket", "json", [KeyValuePair.Create("Cookie", "a=1")]) { User = "42", Meta = """{"role":"admin"}"""u8.ToArray() };

    public Task InitializeAsync() => _backend.StartAsync();

    public async Task DisposeAsync() => await _backend.DisposeAsync();

    [Fact]
    public async Task Sends_a_connect_as_the_field_does()
    {
        using BackendProxy proxy = Open();
        _backend.Answer =
            """{"result":{"user":"42","expire_at":1893456000,"info":{"name":"Ada"},"data":[1],"channels":["news"],"subs":{"chat":{"info":1,"override":{"presence":{"value":true}}}},"meta":{"a":1}}}""";
        BackendAnswer<ConnectBackendResult> answer =
            await proxy.ConnectAsync(_client, """{"room":1}"""u8.ToArray(), "js", "5.0", ["a", "b"], default);
        Assert.Equal(
            """{"client":"c1","transport":"websocket","protocol":"json","encoding":"json","data":{"room":1},"name":"js","version":"5.0","channels":["a","b"]}""", _backend.Body);
        Assert.Equal(
            ("/connect", "application/json", "a=1"), (_backend.Path, _backend.Headers["Content-Type"], _backend.Headers["Cookie"]));
        Assert.Equal(("42", 1893456000), (answer.Result!.User, answer.Result.ExpireAt));
        Assert.Equal(
            """{"name":"Ada"}""", Encoding.UTF8.GetString(BackendResults.BytesOf(answer.Result.Info, answer.Result.BinaryInfo).Span));
        Assert.True(answer.Result.Subs!["chat"].Override!.ToOverride().Presence);
    }

    [Fact]
    public async Task Sends_each_later_event_with_its_user()
    {
        using BackendProxy proxy = Open(settings => settings with { IncludeMeta = true });
        _backend.Answer = """{"result":{}}""";
        await proxy.SubscribeAsync(_client, "news", "1"u8.ToArray(), default);
        Assert.Equal(
            ("/subscribe",
                """{"client":"c1","transport":"websocket","protocol":"json","encoding":"json","meta":{"role":"admin"},"user":"42","channel":"news","data":1}"""), (_backend.Path, _backend.Body));
        await proxy.PublishAsync(_client, "news", "[1]"u8.ToArray(), default);
        Assert.EndsWith(""","user":"42","channel":"news","data":[1]}""", _backend.Body, StringComparison.Ordinal);
        await proxy.RpcAsync(_client, "sum", "[1]"u8.ToArray(), default);
        Assert.EndsWith(""","user":"42","method":"sum","data":[1]}""", _backend.Body, StringComparison.Ordinal);
        await proxy.RefreshAsync(_client, default);
        Assert.EndsWith(""","user":"42"}""", _backend.Body, StringComparison.Ordinal);
        await proxy.SubRefreshAsync(_client, "news", default);
        Assert.EndsWith(""","user":"42","channel":"news"}""", _backend.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Data_that_is_no_json_goes_as_base64()
    {
        using BackendProxy proxy = Open();
        await proxy.RpcAsync(_client, "m", """1},"user":"root"""u8.ToArray(), default);
        using var body = JsonDocument.Parse(_backend.Body);
        Assert.Equal("42", body.RootElement.GetProperty("user").GetString());
        Assert.Equal("""1},"user":"root""", Encoding.UTF8.GetString(body.RootElement.GetProperty("b64data").GetBytesFromBase64()));
    }

    [Fact]
    public async Task An_error_of_the_backend_is_the_clients()
    {
        using BackendProxy proxy = Open();
        _backend.Answer = """{"error":{"code":1000,"message":"not today","temporary":true}}""";
        BackendAnswer<RpcBackendResult> answer = await proxy.RpcAsync(_client, "m", default, default);
        Assert.Equal(HubError.Application(1000, "not today", temporary: true), answer.Error);
        _backend.Answer = """{"error":{"code":103}}""";
        Assert.Equal(HubError.PermissionDenied, (await proxy.RpcAsync(_client, "m", default, default)).Error);
    }

    [Fact]
    public async Task A_disconnect_of_the_backend_stands_over_its_error()
    {
        using BackendProxy proxy = Open();
        _backend.Answer = """{"error":{"code":103},"disconnect":{"code":4501,"reason":"go away"},"result":{}}""";
        BackendAnswer<SubscribeBackendResult> answer = await proxy.SubscribeAsync(_client, "news", default, default);
        Assert.Equal((DisconnectReason.Application(4501, "go away"), null, null), (answer.Disconnect!.Value, answer.Error, answer.Result));
    }

    [Theory]
    [InlineData("not json"), InlineData("[]"), InlineData("""{"error":{"code":0}}"""), InlineData("""{"disconnect":{"code":1000}}"""),
        InlineData("""{"result":[]}"""), InlineData("""{"result":{"user":1}}""")]
    public async Task An_answer_that_makes_no_sense_is_an_internal_error(string body)
    {
        using BackendProxy proxy = Open();
        _backend.Answer = body;
        BackendAnswer<ConnectBackendResult> answer = await proxy.ConnectAsync(_client, default, "", "", [], default);
        Assert.Equal((HubError.Internal, true), (answer.Error!.Value, answer.HasFailed));
    }

    [Fact]
    public async Task A_status_other_than_200_or_a_redirect_is_an_internal_error()
    {
        using BackendProxy proxy = Open();
        foreach (int status in (int[])[204, 302, 404, 500])
        {
            _backend.Status = status;
            Assert.True((await proxy.RpcAsync(_client, "m", default, default)).HasFailed);
        }
    }

    [Fact]
    public async Task A_backend_that_does_not_answer_in_time_is_an_internal_error()
    {
        _backend.Stall = new TaskCompletionSource();
        using BackendProxy proxy = Open(settings => settings with { Timeout = TimeSpan.FromMilliseconds(50) });
        BackendAnswer<RpcBackendResult> answer = await proxy.RpcAsync(_client, "m", default, default);
        Assert.Equal((HubError.Internal, true), (answer.Error!.Value, answer.HasFailed));
        _backend.Stall.SetResult();
    }

    [Fact]
    public async Task A_backend_that_is_down_is_not_asked()
    {
        using BackendProxy proxy = Open(settings => settings with { CircuitFailures = 3, CircuitPause = TimeSpan.FromHours(1) });
        _backend.Status = 500;
        for (int i = 0; i < 10; i++) Assert.True((await proxy.RpcAsync(_client, "m", default, default)).HasFailed);
        Assert.Equal(3, _backend.Requests);

        // Each endpoint for itself: one that fails does not take the others with it.
        _backend.Status = 200;
        _backend.Answer = """{"result":{}}""";
        Assert.False((await proxy.SubscribeAsync(_client, "news", default, default)).HasFailed);
    }

    [Fact]
    public async Task Requests_without_room_do_not_count_against_the_backend()
    {
        var time = new FakeTimeProvider();
        _backend.Stall = new TaskCompletionSource();
        using BackendProxy proxy =
            Open(settings => settings with { ConcurrencyMax = 1, CircuitFailures = 10, CircuitPause = TimeSpan.FromHours(1) }, time);
        Task<BackendAnswer<RpcBackendResult>>[] flood =
            [.. Enumerable.Range(0, 40).Select(_ => proxy.RpcAsync(_client, "m", default, default).AsTask())];

        time.Advance(TimeSpan.FromSeconds(60));
        Assert.All(await Task.WhenAll(flood), static answer => Assert.True(answer.HasFailed));

        // One had the slot and no answer, and perhaps a few that came after it.
        _backend.Stall.SetResult();
        _backend.Stall = null;
        Assert.False((await proxy.RpcAsync(_client, "m", default, default)).HasFailed);
    }

    [Fact]
    public async Task An_answer_longer_than_the_bound_is_an_internal_error()
    {
        using BackendProxy proxy = Open(settings => settings with { AnswerBytesMax = 2000 });
        _backend.Answer = $$$"""{"result":{"data":"{{{new string('a', 3000)}}}"}}""";
        Assert.True((await proxy.RpcAsync(_client, "m", default, default)).HasFailed);
    }

    [Fact]
    public async Task Static_headers_replace_those_of_a_client()
    {
        using BackendProxy proxy = Open(settings => settings with { StaticHeaders = [KeyValuePair.Create("cookie", "hub=1")] });
        await proxy.RpcAsync(_client, "m", default, default);
        Assert.Equal("hub=1", _backend.Headers["Cookie"]);
    }

    [Fact]
    public async Task A_header_that_is_not_ascii_is_no_failure()
    {
        using BackendProxy proxy = Open();
        _backend.Answer = """{"result":{}}""";
        BackendAnswer<RpcBackendResult> answer =
            await proxy.RpcAsync(_client with { Headers = [KeyValuePair.Create("X-Name", "Zoë")] }, "m", default, default);
        Assert.False(answer.HasFailed);
    }

    [Fact]
    public async Task An_event_without_an_endpoint_is_not_available()
    {
        using var proxy = new BackendProxy(new ProxySettings(), TimeProvider.System, NullLogger.Instance);
        Assert.Equal(HubError.NotAvailable, (await proxy.RpcAsync(_client, "m", default, default)).Error);
    }

    [Fact]
    public void A_reason_fits_a_close_frame_and_is_not_json()
    {
        Assert.Equal(123, BackendCodes.DisconnectOf(4000, new string('a', 300)).Text.Length);
        Assert.Equal("", BackendCodes.DisconnectOf(4000, """{"reconnect":true}""").Text);
        Assert.True(Encoding.UTF8.GetByteCount(BackendCodes.DisconnectOf(4000, string.Concat(Enumerable.Repeat("😀", 50))).Text) <= 123);
        Assert.Equal(DisconnectReason.ForceDisconnect, BackendCodes.DisconnectOf(3503, ""));
    }

    private BackendProxy Open(Func<ProxySettings, ProxySettings>? change = null, TimeProvider? time = null)
    {
        Uri Url(string path) => new($"http://127.0.0.1:{_backend.Port}/{path}");
        var settings = new ProxySettings
        {
            Connect = Url("connect"), Refresh = Url("refresh"), Subscribe = Url("subscribe"), Publish = Url("publish"), SubRefresh =
                Url("sub_refresh"), Rpc = Url("rpc"),
            Timeout = TimeSpan.FromSeconds(60),
        };
        return new BackendProxy(change?.Invoke(settings) ?? settings, time ?? TimeProvider.System, NullLogger.Instance);
    }
}
