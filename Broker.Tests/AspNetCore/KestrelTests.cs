using Broker.Dialects;
using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using Broker.Actors.Settings;
using Broker.Reactor.Loops;
using static Broker.Tests.AspNetCore.ClientSteps;

namespace Broker.Tests.AspNetCore;

/// <summary>The hub through a real Kestrel, with clients that others wrote and with bare sockets.</summary>
public sealed class KestrelTests
{
    [Theory, InlineData(Way.Plain), InlineData(Way.Tls), InlineData(Way.Http2)]
    public async Task Messages_of_every_size_come_back_in_order(Way way)
    {
        await using HubInKestrel hub = await HubInKestrel.StartAsync();
        using ClientWebSocket client = await hub.ConnectAsync(way, "/echo");

        foreach (int length in (int[])[0, 1, 125, 126, 65_535, 65_536, 200_000, 3_000_000])
        {
            byte[] message = RandomNumberGenerator.GetBytes(length);
            Task sending = client.SendAsync(message, WebSocketMessageType.Binary, true, Limited());
            (WebSocketMessageType type, byte[] echoed) = await client.ReceiveWholeAsync();
            await sending;
            Assert.Equal(WebSocketMessageType.Binary, type);
            Assert.True(message.AsSpan().SequenceEqual(echoed), $"the {length} bytes that came back are others");
        }
    }

    [Theory, InlineData(Way.Plain), InlineData(Way.Tls), InlineData(Way.Http2)]
    public async Task A_client_that_closes_is_answered_with_its_own_code(Way way)
    {
        await using HubInKestrel hub = await HubInKestrel.StartAsync();
        using ClientWebSocket client = await hub.ConnectAsync(way, "/echo");

        await client.CloseAsync((WebSocketCloseStatus)4711, "enough", Limited());

        Assert.Equal((WebSocketState.Closed, 4711), (client.State, (int)client.CloseStatus!));
        await Until(() => hub.Hub.Counters.Open == 0);
        Assert.Equal(1, hub.Hub.Counters.Ended(ClosureCause.ClosedByClient));
    }

    [Theory, InlineData(Way.Plain), InlineData(Way.Tls), InlineData(Way.Http2)]
    public async Task A_closing_server_sends_a_reason_and_waits_for_the_reply(Way way)
    {
        await using HubInKestrel hub = await HubInKestrel.StartAsync();
        using ClientWebSocket client = await hub.ConnectAsync(way, "/connection/websocket");

        await client.SendTextAsync("{\"id\":1,\"publish\":{\"channel\":\"c\",\"data\":1}}");
        (WebSocketMessageType type, _) = await client.ReceiveWholeAsync();
        Assert.Equal((WebSocketMessageType.Close, 3501), (type, (int)client.CloseStatus!));
        await client.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, Limited());

        await Until(() => hub.Hub.Counters.Open == 0);
        Assert.Equal(1, hub.Hub.Counters.Ended(ClosureCause.ClosedByServer));
    }

    [Theory, InlineData(Way.Plain), InlineData(Way.Tls), InlineData(Way.Http2)]
    public async Task Publications_reach_subscribers_on_every_loop(Way way)
    {
        await using HubInKestrel hub = await HubInKestrel.StartAsync();
        using ClientWebSocket one = await hub.ConnectAsync(way, "/connection/websocket");
        using ClientWebSocket other = await hub.ConnectAsync(way, "/connection/websocket");
        foreach (ClientWebSocket client in (ClientWebSocket[])[one, other])
        {
            await client.SendTextAsync("{\"id\":1,\"connect\":{}}\n{\"id\":2,\"subscribe\":{\"channel\":\"room\"}}");
            await ReceiveAsync(client, "\"subscribe\":{}");
        }

        await one.SendTextAsync("{\"id\":3,\"publish\":{\"channel\":\"room\",\"data\":\"hello\"}}");

        await ReceiveAsync(other, "\"data\":\"hello\"");
        await ReceiveAsync(one, "\"data\":\"hello\"");
    }

    [Theory]
    [InlineData(Way.Plain, "/echo", "http://elsewhere.example", null, 403)]
    [InlineData(Way.Http2, "/echo", "http://elsewhere.example", null, 403)]
    [InlineData(Way.Plain, "/nothing", null, null, 404)]
    [InlineData(Way.Http2, "/nothing", null, null, 404)]
    [InlineData(Way.Plain, "/connection/websocket", null, "chess", 400)]
    [InlineData(Way.Http2, "/connection/websocket", null, "chess", 404)]
    public async Task A_handshake_that_breaks_a_rule_is_refused_by_it(Way way, string path, string? origin, string? subprotocol, int status)
    {
        await using HubInKestrel hub = await HubInKestrel.StartAsync();

        RequestRejectedException refused = await Assert.ThrowsAsync<RequestRejectedException>(() => hub.ConnectAsync(way, path, options =>
        {
            if (origin is not null) options.SetRequestHeader("Origin", origin);
            if (subprotocol is not null) options.AddSubProtocol(subprotocol);
        }));

        Assert.Equal(status, (int)refused.Status);
        Assert.Equal(0, hub.Hub.Counters.Open);
    }

    [Theory, InlineData(Way.Plain), InlineData(Way.Http2)]
    public async Task The_supported_subprotocol_is_answered(Way way)
    {
        await using HubInKestrel hub = await HubInKestrel.StartAsync();
        using ClientWebSocket client =
            await hub.ConnectAsync(way, "/connection/websocket", options => options.AddSubProtocol("centrifuge-json"));

        Assert.Equal("centrifuge-json", client.SubProtocol);
    }

    [Theory, InlineData(Way.Plain), InlineData(Way.Http2)]
    public async Task One_connection_more_than_there_may_be_is_answered_503(Way way)
    {
        await using HubInKestrel hub =
            await HubInKestrel.StartAsync(new StandardSettings { Listen = new ListenSettings { ConnectionsMax = 1 } });
        using ClientWebSocket first = await hub.ConnectAsync(way, "/echo");

        RequestRejectedException refused = await Assert.ThrowsAsync<RequestRejectedException>(() => hub.ConnectAsync(way, "/echo"));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.Status);

        await first.CloseAsync(WebSocketCloseStatus.NormalClosure, null, Limited());
        await Until(() => hub.Hub.Counters.Open == 0);
        using ClientWebSocket next = await hub.ConnectAsync(way, "/echo");
    }

    [Fact]
    public async Task An_HTTP2_stream_of_another_WebSocket_version_is_answered_400_with_ours()
    {
        await using HubInKestrel hub = await HubInKestrel.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Connect, new Uri(hub.Secured, "/echo"))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        request.Headers.Protocol = "websocket";
        request.Headers.Add("Sec-WebSocket-Version", "8");

        using HttpResponseMessage response = await hub.Http.SendAsync(request, Limited());

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal("13", Assert.Single(response.Headers.GetValues("Sec-WebSocket-Version")));
    }

    [Theory, InlineData(Way.Plain), InlineData(Way.Tls), InlineData(Way.Http2)]
    public async Task A_client_that_leaves_inside_a_message_is_counted_out(Way way)
    {
        await using HubInKestrel hub = await HubInKestrel.StartAsync();
        ClientWebSocket client = await hub.ConnectAsync(way, "/echo");
        await client.SendAsync(new byte[100_000], WebSocketMessageType.Binary, false, Limited());
        Assert.Equal(1, hub.Hub.Counters.Open);

        client.Abort();

        await Until(() => hub.Hub.Counters.Open == 0);
        Assert.Equal(1, hub.Hub.Counters.Ended(ClosureCause.SocketError) + hub.Hub.Counters.Ended(ClosureCause.EndOfStream));
    }

    [Fact]
    public async Task A_reader_that_takes_nothing_is_closed_at_the_bound_of_its_queue()
    {
        var bounds =
            new ReactorSettings { QueueBytesMax = 256 * 1024, BlockedLimit = TimeSpan.FromMinutes(5),
                CloseLimit = TimeSpan.FromMilliseconds(200) };
        await using HubInKestrel hub = await HubInKestrel.StartAsync(new StandardSettings { Reactor = bounds });
        using ClientWebSocket publisher = await hub.ConnectAsync(Way.Plain, "/connection/websocket");
        await publisher.SendTextAsync("{\"id\":1,\"connect\":{}}");
        await ReceiveAsync(publisher, "\"connect\":{");
        using Socket slow = await hub.ConnectRawAsync("/connection/websocket", receiveBytes: 4096);
        await slow.SendAsync(Masked("{\"id\":1,\"connect\":{}}\n{\"id\":2,\"subscribe\":{\"channel\":\"flood\"}}"));
        byte[] some = new byte[4096];
        var received = new StringBuilder();
        while (!received.ToString().Contains("\"subscribe\"", StringComparison.Ordinal))
            received.Append(Encoding.UTF8.GetString(some, 0, await slow.ReceiveAsync(some)));

        string publish = "{\"id\":5,\"publish\":{\"channel\":\"flood\",\"data\":\"" + new string('x', 60_000) + "\"}}";
        int published = 0;
        while (hub.Hub.Counters.Ended(ClosureCause.SlowReader) == 0)
        {
            Assert.True(++published < 1000, "60 MB went to a client that reads nothing");
            await publisher.SendTextAsync(publish);
            await ReceiveAsync(publisher, "\"publish\":{}");
        }

        await Until(() => hub.Hub.Counters.Open == 1);
    }

    [Theory, InlineData(Way.Plain), InlineData(Way.Tls), InlineData(Way.Http2)]
    public async Task A_stop_disconnects_every_client_with_3001(Way way)
    {
        await using HubInKestrel hub = await HubInKestrel.StartAsync();
        ClientWebSocket[] clients = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => hub.ConnectAsync(way, "/connection/websocket")));

        Task stopping = hub.StopAsync();
        foreach (ClientWebSocket client in clients)
        {
            (WebSocketMessageType type, _) = await client.ReceiveWholeAsync();
            Assert.Equal((WebSocketMessageType.Close, 3001, "shutdown"), (type, (int)client.CloseStatus!, client.CloseStatusDescription));
            await client.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, Limited());
        }

        await stopping.WaitAsync(HubInKestrel.Limit);
        Assert.Equal((0, 8L), (hub.Hub.Counters.Open, hub.Hub.Counters.Ended(ClosureCause.Shutdown)));
        foreach (ClientWebSocket client in clients) client.Dispose();
    }

    [Fact]
    public async Task A_violating_client_gets_all_replies_and_no_reset()
    {
        await using HubInKestrel hub = await HubInKestrel.StartAsync();
        using Socket client = await hub.ConnectRawAsync("/echo");

        await client.SendAsync((byte[])[.. Masked("hello"), 0xf1, 0x80, 0, 0, 0, 0, .. Masked("not read")]);
        var received = new MemoryStream();
        byte[] some = new byte[1024];
        while (!received.ToArray().Contains((byte)0x88)) received.Write(some, 0, await client.ReceiveAsync(some));
        await client.SendAsync((byte[])[0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8]);
        int more;
        while ((more = await client.ReceiveAsync(some)) > 0) received.Write(some, 0, more);

        byte[] all = received.ToArray();
        Assert.Equal("\u0081\u0005hello", Encoding.Latin1.GetString(all, 0, 7));
        Assert.Equal([0x88, 0x03, 0xea], (byte[])[all[7], all[9], all[10]]);
        await Until(() => hub.Hub.Counters.Open == 0);
    }

    // Frames of a client whose key is nothing, so that payloads stay readable here.
    private static byte[] Masked(string text)
    {
        byte[] payload = Encoding.UTF8.GetBytes(text);
        Assert.True(payload.Length < 126);
        return [0x81, (byte)(0x80 | payload.Length), 0, 0, 0, 0, .. payload];
    }

    private static async Task ReceiveAsync(ClientWebSocket client, string expected)
    {
        var received = new StringBuilder();
        while (!received.ToString().Contains(expected, StringComparison.Ordinal))
        {
            (WebSocketMessageType type, byte[] bytes) = await client.ReceiveWholeAsync();
            Assert.Equal(WebSocketMessageType.Text, type);
            received.Append(Encoding.UTF8.GetString(bytes));
        }
    }

    // For what the server notices after the client has gone, which no client can be told.
    private static async Task Until(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(HubInKestrel.Limit);
        while (!condition())
        {
            limit.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }
}
