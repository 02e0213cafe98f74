using System.Net;
using System.Net.WebSockets;
using Broker.Client;
using Broker.Tests.Support;
using static Broker.Tests.Support.NativeClient;

namespace Broker.Tests.EndToEnd;

/// <summary>The native protocol, used by .NET's own <see cref="ClientWebSocket"/> to the real host.</summary>
public sealed class NativeClientTests(SharedHost shared) : IClassFixture<SharedHost>
{
    private const string Path = "/ws";

    [Theory]
    [InlineData(true, "v2.broker", "v3.broker")]
    [InlineData(false, "v2.broker")]
    public Task A_client_subscribes_publishes_and_receives_its_own_publication(bool batched, params string[] offered) =>
        TalkAsync(shared.Process.UriOf(WayIn.Reactor, Path), HttpVersion.Version11, http: null, batched, offered);

    [Theory, InlineData(WayIn.Kestrel), InlineData(WayIn.Tls), InlineData(WayIn.Http2)]
    public async Task Every_way_in_leads_to_it(WayIn way)
    {
        using var entryPoints = new EntryPoints();
        await using HostProcess host = await HostProcess.StartAsync(entryPoints.SettingsFor(way));
        Version version = way == WayIn.Http2 ? HttpVersion.Version20 : HttpVersion.Version11;
        await TalkAsync(host.UriOf(way, Path), version, entryPoints.Http, batched: false, ["v2.broker"]);
        await TalkAsync(host.UriOf(way, $"{Path}?streaming=false"), version, entryPoints.Http, batched: false, ["v2.broker"]);
        await TalkAsync(host.UriOf(way, Path), version, entryPoints.Http, batched: true, ["v3.broker"]);
    }

    // Another system of this protocol opens streams by a word in the query; here they are always open.
    [Theory]
    [InlineData("/ws?streaming=true")]
    [InlineData("/ws?streaming=false")]
    public async Task A_query_changes_nothing_and_streams_are_part_of_every_connection(string path)
    {
        Uri uri = shared.Process.UriOf(WayIn.Reactor, path);
        await TalkAsync(uri, HttpVersion.Version11, http: null, batched: true, ["v3.broker"]);

        byte[] large = new byte[700_000];
        using var limit = new CancellationTokenSource(HostProcess.Patience);
        await using BrokerClient client = await BrokerClient.ConnectAsync(new BrokerClientOptions { Url = uri }, limit.Token);
        await using Subscription channel = await client.SubscribeAsync($"streams {path}", cancellationToken: limit.Token);
        await client.PublishAsync(channel.Channel, large, cancellationToken: limit.Token);
        await foreach (Delivery delivery in channel.WithCancellation(limit.Token))
        {
            Assert.Equal(large.Length, delivery.Data.Length);
            break;
        }
    }

    private static async Task TalkAsync(Uri uri, Version version, HttpMessageInvoker? http, bool batched, string[] offered)
    {
        using var limit = new CancellationTokenSource(HostProcess.Patience);
        using var socket = new ClientWebSocket();
        foreach (string name in offered) socket.Options.AddSubProtocol(name);
        socket.Options.HttpVersion = version;
        socket.Options.HttpVersionPolicy = HttpVersionPolicy.RequestVersionExact;
        await socket.ConnectAsync(uri, http, limit.Token);
        Assert.Equal(batched ? "v3.broker" : "v2.broker", socket.SubProtocol);
        var received = new Queue<string>();
        string channel = $"native-{Guid.NewGuid():N}";      // Of this talk: who talked before may be leaving still.

        await SendAsync(Hello());
        Assert.StartsWith("welcome 1 ", await NextAsync(), StringComparison.Ordinal);
        await SendAsync(Subscribe(1, channel));
        string number = (await NextAsync()).Split(' ')[2];
        await SendAsync(Publish(2, channel, "one"), Publish(3, channel, "two"), Ping(4));

        string[] all = [await NextAsync(), await NextAsync(), await NextAsync(), await NextAsync(), await NextAsync()];
        string[] expected =
            [$"delivery {number} 1 one", $"delivery {number} 2 two", "pong 4", "published 2 to 1 at 1", "published 3 to 1 at 2"];
        Assert.Equal(expected, all.Order(StringComparer.Ordinal));
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, limit.Token);

        async Task SendAsync(params byte[][] messages)
        {
            foreach (byte[] payload in batched ? [Wire.Join(messages)] : messages)
                await socket.SendAsync(payload, WebSocketMessageType.Binary, endOfMessage: true, limit.Token);
        }

        async Task<string> NextAsync()
        {
            byte[] payload = new byte[4096];
            while (received.Count == 0)
            {
                ValueWebSocketReceiveResult got = await socket.ReceiveAsync(payload.AsMemory(), limit.Token);
                Assert.Equal((WebSocketMessageType.Binary, true), (got.MessageType, got.EndOfMessage));
                foreach (string line in Describe(payload[..got.Count], batched)) received.Enqueue(line);
            }

            return received.Dequeue();
        }
    }

    [Theory]
    [InlineData]
    [InlineData("centrifuge-json", "v1.broker")]
    public async Task Rejects_a_client_that_offers_no_supported_subprotocol(params string[] offered)
    {
        using var limit = new CancellationTokenSource(HostProcess.Patience);
        using var socket = new ClientWebSocket();
        foreach (string name in offered) socket.Options.AddSubProtocol(name);
        socket.Options.CollectHttpResponseDetails = true;

        await Assert.ThrowsAsync<WebSocketException>(() => socket.ConnectAsync(shared.Process.UriOf(WayIn.Reactor, Path), limit.Token));

        Assert.Equal(HttpStatusCode.BadRequest, socket.HttpStatusCode);
    }
}
