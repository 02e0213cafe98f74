using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using Broker.Actors.Sessions;
using Broker.Actors.Settings;
using Broker.Dialects;
using Broker.Reactor.Loops;
using static Broker.Tests.AspNetCore.Streams.StreamHub;

namespace Broker.Tests.AspNetCore.Streams;

/// <summary>Connections that HTTP carries: the same session as a WebSocket's, and its limits.</summary>
public sealed class StreamTests
{
    [Theory]
    [InlineData(Way.Plain, "http_stream")]
    [InlineData(Way.Http2, "http_stream")]
    [InlineData(Way.Plain, "sse")]
    [InlineData(Way.Tls, "sse")]
    [InlineData(Way.Http2, "sse")]
    public async Task Commands_are_posted_and_answered_on_the_stream(Way way, string transport)
    {
        await using HubInKestrel hub = await HubInKestrel.StartAsync(StreamHub.Settings);
        await using StreamClient client = await StreamClient.ConnectAsync(hub, way, transport);

        await hub.PostAsync(client, """
            {"id":2,"subscribe":{"channel":"kept:a"}}
            {"id":3,"publish":{"channel":"kept:a","data":{"text":"one\ntwo"}}}
            """);

        Assert.Contains("\"recoverable\":true", await client.ReceiveAsync("\"id\":2"), StringComparison.Ordinal);
        Assert.Contains("""{"text":"one\ntwo"}""", await client.ReceiveAsync("\"pub\""), StringComparison.Ordinal);
        Assert.True(client.Response.Headers.TransferEncodingChunked ?? way == Way.Http2);
        Assert.Equal("no", Assert.Single(client.Response.Headers.GetValues("X-Accel-Buffering")));
    }

    [Theory, InlineData(Way.Plain), InlineData(Way.Http2)]
    public async Task A_client_that_vanishes_leaves_presence_at_once(Way way)
    {
        await using HubInKestrel hub = await HubInKestrel.StartAsync(StreamHub.Settings);
        await using StreamClient stays = await StreamClient.ConnectAsync(hub, Way.Plain, "http_stream");
        await hub.PostAsync(stays, """{"id":2,"subscribe":{"channel":"here:a","join_leave":true}}""");
        StreamClient goes = await StreamClient.ConnectAsync(hub, way, "sse");
        await hub.PostAsync(goes, """{"id":2,"subscribe":{"channel":"here:a"}}""");
        await goes.ReceiveAsync("\"id\":2");
        Assert.Equal(2, await PresentAsync(hub));

        await goes.DisposeAsync();

        await Until(() => hub.Hub.Counters.Open == 1);
        while (await PresentAsync(hub) != 1) await Task.Yield();
        Assert.Equal(1, hub.Hub.Counters.Ended(ClosureCause.EndOfStream));
    }

    [Fact]
    public async Task A_reset_ends_the_connection_too()
    {
        await using HubInKestrel hub = await HubInKestrel.StartAsync(StreamHub.Settings);
        using (Socket socket = await OpenRawAsync(hub, "/connection/uni_sse"))
        {
            Assert.Equal(1, hub.Hub.Counters.Open);
            socket.LingerState = new LingerOption(true, 0);
        }

        await Until(() => hub.Hub.Counters.Open == 0);
    }

    [Theory, InlineData("http_stream"), InlineData("sse"), InlineData("uni_sse"), InlineData("uni_http_stream")]
    public async Task A_stopping_hub_sends_a_disconnect_before_the_stream_ends(string transport)
    {
        await using HubInKestrel hub = await HubInKestrel.StartAsync(StreamHub.Settings);
        bool isPush = transport.StartsWith("uni", StringComparison.Ordinal);
        await using StreamClient client =
            await StreamClient.OpenAsync(hub, Way.Plain, transport, isPush ? "{}" : """{"id":1,"connect":{}}""");
        await client.ReceiveAsync("\"connect\"");

        Task stopping = hub.StopAsync();

        string disconnect = await client.NextAsync();
        Assert.StartsWith(
            isPush ? "{\"disconnect\":{\"code\":3001,\"reason\":\"shutdown\""
                : "{\"push\":{\"disconnect\":{\"code\":3001,\"reason\":\"shutdown\"", disconnect, StringComparison.Ordinal);
        Assert.Null(await client.NextOrEndAsync());
        await stopping;
    }

    [Theory]
    [InlineData("http_stream", """{"id":1,"publish":{"channel":"a","data":1}}""", 3501)]
    [InlineData("http_stream", "", 3501)]
    [InlineData("sse", "not a command", 3501)]
    [InlineData("http_stream", """{"id":1,"connect":{"token":"t"}}""", 3500)]
    [InlineData("uni_http_stream", """{"token":"t"}""", 3500)]
    [InlineData("uni_sse", """{"data":1,"subs":{"nowhere:x":{}}}""", 3501)]
    [InlineData("uni_http_stream", """{"token":7}""", 3501)]
    public async Task A_refused_connection_gets_the_reason_and_ends(string transport, string message, int code)
    {
        await using HubInKestrel hub = await HubInKestrel.StartAsync(StreamHub.Settings);
        await using StreamClient client = await StreamClient.OpenAsync(hub, Way.Plain, transport, message);

        Assert.Contains($"\"disconnect\":{{\"code\":{code},", await client.NextAsync(), StringComparison.Ordinal);
        Assert.Null(await client.NextOrEndAsync());
        await Until(() => hub.Hub.Counters.Open == 0);
    }

    [Fact]
    public async Task A_message_over_the_limit_ends_its_session_and_no_other()
    {
        await using HubInKestrel hub = await HubInKestrel.StartAsync(StreamHub.Settings);
        await using StreamClient one = await StreamClient.ConnectAsync(hub, Way.Plain, "http_stream");
        await using StreamClient other = await StreamClient.ConnectAsync(hub, Way.Plain, "http_stream");

        await hub.PostAsync(one, $$$"""{"id":2,"publish":{"channel":"a","data":"{{{new string('x', 65 * 1024)}}}"}}""");

        Assert.Contains("\"disconnect\":{\"code\":1009,", await one.NextAsync(), StringComparison.Ordinal);
        await hub.PostAsync(other, """{"id":2,"publish":{"channel":"a","data":1}}""");
        await other.ReceiveAsync("\"publish\"");
    }

    [Fact]
    public async Task An_honest_message_of_quotes_alone_fits_its_request()
    {
        await using HubInKestrel hub = await HubInKestrel.StartAsync(StreamHub.Settings);
        await using StreamClient client = await StreamClient.ConnectAsync(hub, Way.Plain, "http_stream");

        await hub.PostAsync(
            client, $$$"""{"id":2,"publish":{"channel":"a","data":[{{{string.Join(',', Enumerable.Repeat("\"\\\"\"", 12_000))}}}]}}""");

        Assert.Equal("""{"id":2,"publish":{}}""", await client.NextAsync());
    }

    [Fact]
    public async Task A_pong_keeps_a_stream_and_silence_ends_it()
    {
        TimeSpan tick = TimeSpan.FromMilliseconds(64);        // A deadline may be so late.
        var clients = new ClientSettings();
        await using HubInKestrel hub = await HubInKestrel.StartWithManualTimeAsync(StreamHub.Settings with { Clients = clients });
        await using StreamClient alive = await StreamClient.ConnectAsync(hub, Way.Plain, "http_stream");
        await using StreamClient silent = await StreamClient.ConnectAsync(hub, Way.Plain, "sse");
        await using StreamClient listens = await StreamClient.OpenAsync(hub, Way.Plain, "uni_sse", "{}");
        await listens.ReceiveAsync("\"connect\"");

        // The first ping comes within an interval that begins a second after connect; the others an interval later each.
        await hub.AdvanceAsync(TimeSpan.FromSeconds(1) + clients.PingInterval + tick);
        Assert.Equal("{}", await silent.NextAsync());
        for (int pings = 0; pings < 2; pings++)
        {
            Assert.Equal("{}", await alive.NextAsync());
            Assert.Equal("{}", await listens.NextAsync());
            await hub.PostAsync(alive, "{}\n" + """{"id":2,"publish":{"channel":"a","data":1}}""");
            Assert.Equal("""{"id":2,"publish":{}}""", await alive.NextAsync());      // The pong before it has been taken, too.
            await hub.AdvanceAsync(clients.PongLimit + tick);
            await hub.AdvanceAsync(clients.PingInterval - clients.PongLimit + tick);
        }

        Assert.Contains("\"disconnect\":{\"code\":3012,", await silent.NextAsync(), StringComparison.Ordinal);
        Assert.Equal("{}", await alive.NextAsync());
        Assert.Equal("{}", await listens.NextAsync());
        await Until(() => hub.Hub.Counters.Open == 2);
    }

    [Fact]
    public async Task A_stream_without_connect_is_stale()
    {
        StandardSettings inline =
            StreamHub.Settings with { Clients = new ClientSettings { ConnectLimit = TimeSpan.FromMilliseconds(300) } };
        await using HubInKestrel hub = await HubInKestrel.StartAsync(inline);
        await using StreamClient client = await StreamClient.OpenAsync(hub, Way.Plain, "http_stream", "{}");

        Assert.Contains("\"disconnect\":{\"code\":3502,", await client.NextAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_reader_that_takes_nothing_is_ended_and_its_neighbour_is_not()
    {
        var bounds = new ReactorSettings { QueueBytesMax = 256 * 1024, CloseLimit = TimeSpan.FromMilliseconds(200) };
        await using HubInKestrel hub = await HubInKestrel.StartAsync(StreamHub.Settings with { Reactor = bounds });
        await using StreamClient publisher = await StreamClient.ConnectAsync(hub, Way.Plain, "http_stream");
        using Socket slow =
            await OpenRawAsync(
                hub, "/connection/uni_sse?cf_connect=" + Uri.EscapeDataString("""{"subs":{"flood":{}}}"""), receiveBytes: 4096);
        string publish = "{\"id\":5,\"publish\":{\"channel\":\"flood\",\"data\":\"" + new string('x', 60_000) + "\"}}";

        while (hub.Hub.Counters.Ended(ClosureCause.SlowReader) == 0)
        {
            await hub.PostAsync(publisher, publish);
            Assert.Equal("""{"id":5,"publish":{}}""", await publisher.NextAsync());
        }

        await Until(() => hub.Hub.Counters.Open == 1);

        // If it reads at last, it finds whole events and the reason, or the end of the connection.
        byte[] some = new byte[64 * 1024];
        var rest = new StringBuilder();
        try
        {
            for (int length; !rest.ToString().EndsWith("\r\n0\r\n\r\n", StringComparison.Ordinal);)
            {
                if ((length = await slow.ReceiveAsync(some, ClientSteps.Limited())) == 0) return;
                rest.Append(Encoding.ASCII.GetString(some, 0, length));
            }

            Assert.Contains("\"disconnect\":{\"code\":3008,", rest.ToString(), StringComparison.Ordinal);
        }
        catch (SocketException)
        {
            // A reset: it was late.
        }
    }

    [Theory, InlineData(Way.Plain, 1000), InlineData(Way.Http2, 50)]
    public async Task Streams_count_against_the_limit_of_connections(Way way, int most)
    {
        await using HubInKestrel hub =
            await HubInKestrel.StartAsync(StreamHub.Settings with { Listen = new ListenSettings { ConnectionsMax = most } });
        StreamClient[] idle = await Task.WhenAll(Enumerable.Range(0, most).Select(_ => StreamClient.OpenAsync(hub, way, "uni_sse", "{}")));

        using HttpResponseMessage refused =
            await hub.Http.SendAsync(StreamClient.RequestOf(hub, way, "uni_sse", "{}"), ClientSteps.Limited());
        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        Assert.NotNull(refused.Headers.RetryAfter);
        await Assert.ThrowsAsync<RequestRejectedException>(() => hub.ConnectAsync(way, "/echo"));

        foreach (StreamClient client in idle) await client.DisposeAsync();
        await Until(() => hub.Hub.Counters.Open == 0);
        await using StreamClient next = await StreamClient.OpenAsync(hub, way, "uni_sse", "{}");
    }

    [Fact]
    public async Task A_client_that_only_listens_recovers_by_its_positions()
    {
        await using HubInKestrel hub = await HubInKestrel.StartAsync(StreamHub.Settings);
        await using StreamClient publisher = await StreamClient.ConnectAsync(hub, Way.Plain, "http_stream");
        foreach (int number in (int[])[1, 2, 3])
            await hub.PostAsync(publisher, $$$"""{"id":2,"publish":{"channel":"kept:b","data":{{{number}}}}}""");
        for (int i = 0; i < 3; i++) await publisher.ReceiveAsync("\"publish\"");

        await using StreamClient client =
            await StreamClient.OpenAsync(
                hub, Way.Plain, "uni_sse", """{"subs":{"kept:b":{"recover":true,"offset":1},"closed:c":{},"here:d":{}}}""");

        string connect = await client.NextAsync();
        Assert.Matches("\"publications\":\\[{\"data\":2,.*\"offset\":2},{\"data\":3,.*\"offset\":3}\\],\"recovered\":true", connect);
        Assert.Contains("\"here:d\":{", connect, StringComparison.Ordinal);
        Assert.DoesNotContain("closed:c", connect, StringComparison.Ordinal);
        await hub.PostAsync(publisher, """{"id":3,"publish":{"channel":"kept:b","data":4}}""");
        Assert.StartsWith("{\"channel\":\"kept:b\",\"pub\":{\"data\":4,", await client.ReceiveAsync("\"pub\""), StringComparison.Ordinal);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task A_WebSocket_that_only_listens_is_sent_bare_pushes(bool isInQuery)
    {
        await using HubInKestrel hub = await HubInKestrel.StartAsync(StreamHub.Settings);
        await using StreamClient publisher = await StreamClient.ConnectAsync(hub, Way.Plain, "http_stream");
        const string Connect = """{"subs":{"room":{}}}""";
        var socket = new ClientWebSocket();
        await socket.ConnectAsync(
            new Uri(hub.UriOf(Way.Plain, "/connection/uni_websocket") + (isInQuery ? "?cf_connect=" + Uri.EscapeDataString(Connect) : "")),
                hub.Http, ClientSteps.Limited());
        if (!isInQuery) await socket.SendTextAsync(Connect);
        Assert.StartsWith(
            "{\"connect\":{\"client\":", Encoding.UTF8.GetString((await socket.ReceiveWholeAsync()).Bytes), StringComparison.Ordinal);

        await hub.PostAsync(publisher, """
            {"id":2,"publish":{"channel":"room","data":1}}
            {"id":3,"publish":{"channel":"room","data":2}}
            """);

        Assert.StartsWith(
            "{\"channel\":\"room\",\"pub\":{\"data\":1,", Encoding.UTF8.GetString((await socket.ReceiveWholeAsync()).Bytes),
                StringComparison.Ordinal);
        Assert.StartsWith(
            "{\"channel\":\"room\",\"pub\":{\"data\":2,", Encoding.UTF8.GetString((await socket.ReceiveWholeAsync()).Bytes),
                StringComparison.Ordinal);
        Task stopping = hub.StopAsync();
        Assert.StartsWith(
            "{\"disconnect\":{\"code\":3001,", Encoding.UTF8.GetString((await socket.ReceiveWholeAsync()).Bytes), StringComparison.Ordinal);
        Assert.Equal(WebSocketMessageType.Close, (await socket.ReceiveWholeAsync()).Type);
        Assert.Equal(3001, (int)socket.CloseStatus!);
        await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, ClientSteps.Limited());
        await stopping;
        socket.Dispose();
    }

    private static async Task<int> PresentAsync(HubInKestrel hub) => (await hub.Hub.Api.PresenceStatsAsync("here:a")).Clients;

    private static async Task<Socket> OpenRawAsync(HubInKestrel hub, string target, int receiveBytes = 64 * 1024)
    {
        var socket =
            new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
                { ReceiveBufferSize = receiveBytes, NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, hub.Plain.Port);
        await socket.SendAsync(Encoding.ASCII.GetBytes($"GET {target} HTTP/1.1\r\nHost: {hub.Plain.Authority}\r\n\r\n"));
        var received = new StringBuilder();
        byte[] some = new byte[1024];
        while (!received.ToString().Contains("\"connect\"", StringComparison.Ordinal))
        {
            int length = await socket.ReceiveAsync(some);
            Assert.NotEqual(0, length);
            received.Append(Encoding.ASCII.GetString(some, 0, length));
        }

        return socket;
    }
}
