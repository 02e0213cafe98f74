using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Text;
using Broker.Actors.Api;
using Broker.Actors.Channels.History;
using Broker.Actors.Channels.Namespaces;
using Broker.Actors.Tracing;
using Broker.AspNetCore;
using Broker.AspNetCore.Api;
using Broker.Dialects;
using Broker.Host.Hosting;
using Broker.Host.Settings;
using Broker.Identity.Backend;
using Broker.Identity.Settings;
using Broker.Tests.Identity;
using Broker.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using OpenTelemetry.Trace;
using Xunit;

namespace Broker.Tests.Tracing;

/// <summary>The traces of a hub, as the listeners sees them. By themselves, as a listener receives the whole process.</summary>
[Collection(Alone.Name)]
public sealed class TraceTests
{
    private const string TraceId = "4bf92f3577b34da6a3ce929d0e0e4736", Caller = "00f067aa0ba902b7", TraceParent =
        $"00-{TraceId}-{Caller}-01";

    [Fact]
    public void A_publish_of_the_server_is_traced_to_its_deliveries_on_each_loop()
    {
        using var spans = new Spans(HubTraces.Name);
        using var hub =
            new HubHarness(
                new StandardSettings { Reactors = 2,
                    Channels = new ChannelNamespace { History = new HistoryOptions { Size = 10, Ttl = TimeSpan.FromMinutes(1) } } });
        foreach (int loop in (int[])[0, 0, 1])
        {
            HubClient client = hub.Connect(loop);
            client.Send("""{"id":2,"subscribe":{"channel":"c"}}""");
            client.NextLine();
        }

        hub.Answer(hub.Api.PublishAsync("c", new PublishRequest("1"u8.ToArray()) { IsJson = true }));
        hub.RunUntil(() => spans.Ended.Count == 3, "the spans have ended");

        Activity publish = spans.Single("publish");
        Assert.Equal(
            (ActivityKind.Producer, "c", 3),
                (publish.Kind, publish.GetTagItem("messaging.destination.name"), publish.GetTagItem("broker.receivers")));
        Assert.Equal(1UL, publish.GetTagItem("broker.offset"));
        Activity[] deliveries =
            [.. spans.Ended.Where(static each => each.OperationName == "deliver").OrderBy(static each => each.GetTagItem("broker.loop"))];
        Assert.Equal([0, 1], deliveries.Select(static each => each.GetTagItem("broker.loop")));
        Assert.Equal([2, 1], deliveries.Select(static each => each.GetTagItem("broker.receivers")));
        Assert.All(deliveries, each => Assert.Equal((publish.TraceId, publish.SpanId), (each.TraceId, each.ParentSpanId)));
    }

    [Fact]
    public void What_is_not_sampled_carries_nothing()
    {
        using var spans = new Spans(HubTraces.Name) { IsSampled = false };
        using var hub = new HubHarness();
        HubClient client = hub.Connect();
        client.Send("""{"id":2,"subscribe":{"channel":"c"}}""");
        client.NextLine();

        hub.Answer(hub.Api.PublishAsync("c", new PublishRequest("1"u8.ToArray()) { IsJson = true }));

        Assert.Equal("""{"push":{"channel":"c","pub":{"data":1}}}""", client.NextLine());
        Assert.Empty(spans.Ended);
    }

    [Fact]
    public void Without_a_listener_a_publish_costs_nothing()
    {
        Assert.Equal(0, Allocations.Least(static () =>
        {
            for (int i = 0; i < 1000; i++)
            {
                Assert.Null(HubTraces.StartPublish("c"));
                Assert.Null(HubTraces.StartDeliver(TraceParent, "c", 0));
            }
        }));
    }

    [Fact]
    public async Task An_API_command_is_a_child_of_its_caller_and_the_publish_a_child_of_it()
    {
        using var spans = new Spans(HubTraces.Name, ApiTraces.Name);
        await using Application application = await Application.StartAsync();

        await application.PublishAsync();

        Activity api = spans.Single("api publish"), publish = spans.Single("publish");
        Assert.Equal((TraceId, Caller), (api.TraceId.ToString(), api.ParentSpanId.ToString()));
        Assert.Equal((api.TraceId, api.SpanId), (publish.TraceId, publish.ParentSpanId));
        Assert.Equal(ActivityKind.Server, api.Kind);
    }

    [Fact]
    public async Task The_backend_finds_the_span_under_the_one_that_the_client_named()
    {
        using var spans = new Spans(BackendTraces.Name);
        await using var backend = new TestBackend();
        await backend.StartAsync();
        using var proxy =
            new BackendProxy(
                new ProxySettings { Connect = new Uri($"http://127.0.0.1:{backend.Port}/connect") }, TimeProvider.System,
                    NullLogger.Instance);
        var client = new BackendClient("c1", "websocket", "json", [KeyValuePair.Create("traceparent", TraceParent)]);

        await proxy.ConnectAsync(client, default, "", "", [], default);

        Activity asked = spans.Single("proxy connect");
        Assert.Equal((TraceId, Caller), (asked.TraceId.ToString(), asked.ParentSpanId.ToString()));
        Assert.Equal(asked.Id, backend.Headers["traceparent"]);
    }

    [Fact]
    public async Task Spans_are_exported_to_a_collector()
    {
        var exported = new TaskCompletionSource<byte[]>(TaskCreationOptions.RunContinuationsAsynchronously);
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(static kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        await using WebApplication collector = builder.Build();
        collector.Run(async context =>
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            if (context.Request.Path == "/v1/traces" && context.Request.Headers["X-Tenant"] == "a b") exported.TrySetResult(body.ToArray());
        });
        await collector.StartAsync();
        await using Application application = await Application.StartAsync();
        using (TracerProvider provider =
            TraceExport.Start(
                new TraceSettings { Endpoint = new Uri($"{collector.Urls.Single()}/v1/traces"), Headers = ["X-Tenant: a b"], OneOf = 1 },
                    "1.2.3")!)
        {
            await application.PublishAsync();
            Assert.True(provider.ForceFlush());
        }

        byte[] sent = await exported.Task.WaitAsync(TimeSpan.FromSeconds(60));
        Assert.True(sent.AsSpan().IndexOf(Convert.FromHexString(TraceId)) > 0);
        foreach (string text in (string[])["api publish", "publish", "messaging.destination.name", "broker"])
            Assert.True(sent.AsSpan().IndexOf(Encoding.UTF8.GetBytes(text)) > 0, text);
    }

    [Fact]
    public void Without_an_endpoint_there_is_no_listener() => Assert.Null(TraceExport.Start(new TraceSettings(), "1.2.3"));

    private sealed class Spans : IDisposable
    {
        private readonly ActivityListener _listener;

        internal Spans(params string[] sources)
        {
            _listener = new ActivityListener
            {
                ShouldListenTo = source => sources.Contains(source.Name),
                Sample = (ref ActivityCreationOptions<ActivityContext> _) =>
                    IsSampled ? ActivitySamplingResult.AllDataAndRecorded : ActivitySamplingResult.None,
                ActivityStopped = Ended.Enqueue,
            };
            ActivitySource.AddActivityListener(_listener);
        }

        internal bool IsSampled { get; init; } = true;

        internal ConcurrentQueue<Activity> Ended { get; } = new();

        internal Activity Single(string name) => Assert.Single(Ended, each => each.DisplayName == name);

        public void Dispose() => _listener.Dispose();
    }

    // An application with a hub, and its server API.
    private sealed class Application(WebApplication app) : IAsyncDisposable
    {
        private const string Key = "a long random key";

        internal static async Task<Application> StartAsync()
        {
            WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
            builder.WebHost.ConfigureKestrel(static kestrel => kestrel.Listen(IPAddress.Loopback, 0));
            builder.Services.AddBroker(new StandardSettings { Reactors = 1 });
            WebApplication app = builder.Build();
            app.MapBrokerApi(new ApiSettings { Keys = [Key] });
            await app.StartAsync();
            return new Application(app);
        }

        internal async Task PublishAsync()
        {
            using var client = new HttpClient(new SocketsHttpHandler { ActivityHeadersPropagator = null });
            using var request =
                new HttpRequestMessage(HttpMethod.Post, $"{app.Urls.Single()}/api/publish")
                    { Content = new StringContent("""{"channel":"c","data":1}""") };
            request.Headers.Add("X-API-Key", Key);
            request.Headers.Add("traceparent", TraceParent);
            using HttpResponseMessage response = await client.SendAsync(request);
            Assert.Equal("""{"result":{}}""", await response.Content.ReadAsStringAsync());
        }

        public ValueTask DisposeAsync() => app.DisposeAsync();
    }
}
