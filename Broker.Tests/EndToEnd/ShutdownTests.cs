using System.Net;
using System.Text;

namespace Broker.Tests.EndToEnd;

/// <summary>The end of a host that is at work: no one is disconnected, and it does end.</summary>
public sealed class ShutdownTests
{
    private const int SubscribersCount = 200;
    private const int PublishersCount = 4;
    private const int LinesBeforeSignal = 50;       // That each subscriber has had, so the load is on when the signal comes.
    private const string Channel = "load:room";

    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(2);

    [Theory]
    [InlineData("SIGTERM")]
    [InlineData("SIGINT")]
    [InlineData("SIGQUIT")]
    public async Task A_signal_under_load_disconnects_every_client_with_3001(string signal)
    {
        using var limit = new CancellationTokenSource(s_limit);
        await using HostProcess host = await HostProcess.StartAsync();
        using var subscribers = new ClientGroup();
        using var publishers = new ClientGroup();
        using var loaded = new CountdownEvent(SubscribersCount);
        var underLoad = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await subscribers.ConnectAsync(
            SubscribersCount, host.Port, Channel, client => ListenAsync(client, OnLoaded, limit.Token), limit.Token);
        await publishers.ConnectAsync(PublishersCount, host.Port, channel: null, client => PublishAsync(client, limit.Token), limit.Token);
        await underLoad.Task.WaitAsync(limit.Token);

        if (signal == "SIGTERM") host.SendTerminate();
        else if (signal == "SIGINT") host.SendInterrupt();
        else host.SendQuit();

        await Task.WhenAll(subscribers.WhenAllHaveLived(), publishers.WhenAllHaveLived());
        Assert.All([.. subscribers.Clients, .. publishers.Clients],
            client => Assert.Equal((3001, "shutdown"), (client.CloseCode, client.CloseReason)));
        await host.ExpectGracefulEndAsync(HostProcess.Patience);
        Assert.Contains("Drained; 0 connections were left", host.Log, StringComparison.Ordinal);

        void OnLoaded()
        {
            if (loaded.Signal()) underLoad.SetResult();
        }
    }

    private static async Task ListenAsync(LightClient client, Action onLoaded, CancellationToken stop)
    {
        int lines = 0;
        while (await client.ReadLineAsync(stop) is not null)
        {
            if (++lines == LinesBeforeSignal) onLoaded();
        }
    }

    // The next one when the last one is answered, so that load follows what the host can take.
    private static async Task PublishAsync(LightClient client, CancellationToken stop)
    {
        int id = 100;
        do await client.SendAsync($"{{\"id\":{++id},\"publish\":{{\"channel\":\"{Channel}\",\"data\":{id}}}}}", stop);
        while (await client.ReadLineAsync(stop) is not null);
    }

    /// <remarks>
    /// A draining host accepts no one, so who balances load learns of the drain on a connection that it keeps. A client that
    /// answers no Close frame keeps the drain open until the grace is over, and the host then ends all the same, with 0.
    /// </remarks>
    [Fact]
    public async Task While_a_client_keeps_the_drain_open_ready_answers_503_and_health_200_until_the_grace_is_over()
    {
        using var limit = new CancellationTokenSource(s_limit);
        var settings = new Dictionary<string, string> { ["BROKER_SHUTDOWN_GRACE"] = "8s", ["BROKER_REACTOR_CLOSE_LIMIT"] = "1h" };
        await using HostProcess host = await HostProcess.StartAsync(settings);
        using var silent = new LightClient { AnswersClose = false };
        await silent.OpenAsync(host.Port, limit.Token);
        await silent.CallAsync("\"connect\":{}", limit.Token);
        using var http = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = 1 }) { BaseAddress = host.HttpUri };
        Assert.Equal((HttpStatusCode.OK, "{\"status\":\"ready\"}"), await AskAsync(http, "ready", limit.Token));

        host.SendTerminate();
        Assert.Null(await silent.ReadLineAsync(limit.Token));       // The drain has begun.
        Assert.Equal((3001, "shutdown"), (silent.CloseCode, silent.CloseReason));

        Assert.Equal((HttpStatusCode.ServiceUnavailable, "{\"status\":\"draining\"}"), await AskAsync(http, "ready", limit.Token));
        Assert.Equal((HttpStatusCode.OK, "{\"status\":\"ok\"}"), await AskAsync(http, "health", limit.Token));
        await host.ExpectGracefulEndAsync(HostProcess.Patience);
    }

    private static async Task<(HttpStatusCode Status, string Body)> AskAsync(HttpClient http, string path, CancellationToken stop)
    {
        using HttpResponseMessage answer = await http.GetAsync(new Uri(path, UriKind.Relative), stop);
        return (answer.StatusCode, Encoding.UTF8.GetString(await answer.Content.ReadAsByteArrayAsync(stop)));
    }
}
