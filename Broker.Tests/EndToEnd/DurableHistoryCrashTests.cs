using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net.Http.Json;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using Xunit.Abstractions;

namespace Broker.Tests.EndToEnd;

/// <summary>The host is killed while its application publishes to channels with <c>durability = fsync</c>.</summary>
/// <remarks>
/// Every acknowledged publication keeps its offset and its data, the epoch stays, offsets continue, and a client that was subscribed when
/// the host died recovers. The long form, with the figures in the output: <c>BROKER_TESTS_HOST_KILLS=100 dotnet test Broker.Tests
/// -c Release --filter FullyQualifiedName~DurableHistoryCrashTests --logger "console;verbosity=detailed"</c>
/// </remarks>
[Collection(EndToEndDefinition.Name)]
public sealed class DurableHistoryCrashTests(ITestOutputHelper output) : IDisposable
{
    /// <summary>Set to a number to kill the host as many times.</summary>
    private const string KillsVariable = "BROKER_TESTS_HOST_KILLS";

    private const string ApiKey = "a long random key";
    private const int Writers = 8, AcknowledgementsMax = 60;

    private static readonly string[] s_channels = ["kept:a", "kept:b", "kept:c"];

    private readonly string _folder = Directory.CreateTempSubdirectory("broker-history-crash-").FullName;
    private readonly Dictionary<string, KeptChannel> _channels =
        s_channels.ToDictionary(static each => each, static _ => new KeptChannel());

    private int _data;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task No_acknowledged_publication_is_lost_when_the_host_is_killed()
    {
        int kills = int.Parse(Environment.GetEnvironmentVariable(KillsVariable) ?? "3", CultureInfo.InvariantCulture);
        string config = Path.Combine(_folder, "broker.conf");
        await File.WriteAllTextAsync(config, $$"""
            broker {
              api.keys = ["{{ApiKey}}"]
              history.path = "{{Path.Combine(_folder, "history")}}"
              namespaces.kept { recovery = on, history { size = 100000, ttl = 1h, durability = fsync } }
            }
            """);
        await using HostProcess host = await HostProcess.StartAsync(null, "--config", config);
        var random = new Random(20261129);
        for (int kill = 0; kill < kills; kill++)
        {
            using var limit = new CancellationTokenSource(2 * HostProcess.Patience);
            await PublishAndCrashAsync(host, random.Next(1, AcknowledgementsMax), limit.Token);
            await host.StartAgainAsync();
        }

        using var end = new CancellationTokenSource(2 * HostProcess.Patience);
        using var subscriber = new ClientWebSocket();
        await RecoverAsync(subscriber, host, end.Token);
        foreach (string channel in s_channels) await CheckHistoryAsync(host, channel, end.Token);
        int acknowledged = _channels.Values.Sum(static each => each.Acknowledged.Count);
        Assert.True(acknowledged >= kills, $"Only {acknowledged} publications were acknowledged.");
        long seen = _channels.Values.Sum(static each => (long)each.Seen), recovered = _channels.Values.Sum(static each => each.Recovered);
        string epochs = string.Join(", ", _channels.Values.Select(static each => each.Epoch));
        output.WriteLine($"{kills} kills, {acknowledged} publications acknowledged: all are there, at their offsets.");
        output.WriteLine($"{seen} seen by a client in order, {recovered} of them recovered after a kill.");
        output.WriteLine($"Epochs, the same throughout: {epochs}");
    }

    // One subscriber of all channels and many writers; the host dies behind so many acknowledgements.
    private async Task PublishAndCrashAsync(HostProcess host, int acknowledgements, CancellationToken stop)
    {
        using var subscriber = new ClientWebSocket();
        await RecoverAsync(subscriber, host, stop);
        Task reading = ReadToEndAsync(subscriber, stop);
        var enough = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        int left = acknowledgements;
        Task[] writing = [.. Enumerable.Range(0, Writers).Select(WriteAsync)];
        await Task.WhenAny(enough.Task, Task.WhenAll(writing)).WaitAsync(stop);
        Assert.True(enough.Task.IsCompleted, "The writers ended by themselves.");
        await host.CrashAsync();
        await Task.WhenAll([.. writing, reading]).WaitAsync(stop);

        async Task WriteAsync(int writer)
        {
            using HttpClient http = Client();
            string channel = s_channels[writer % s_channels.Length];
            try
            {
                while (true)
                {
                    int data = Interlocked.Increment(ref _data);
                    JsonElement result = await AskAsync(http, host, "publish", new { channel, data }, stop);
                    _channels[channel].Acknowledge(
                        result.GetProperty("epoch").GetString()!, result.GetProperty("offset").GetUInt64(), data);
                    if (Interlocked.Decrement(ref left) == 0) enough.TrySetResult();
                }
            }
            catch (HttpRequestException)
            {
                // The host is dead. What was on its way is there, or is not.
            }
        }
    }

    private async Task RecoverAsync(ClientWebSocket subscriber, HostProcess host, CancellationToken stop)
    {
        await subscriber.ConnectAsync(host.WebSocketUri, stop);
        var commands = new StringBuilder("""{"id":1,"connect":{}}""");
        for (int i = 0; i < s_channels.Length; i++)
        {
            KeptChannel channel = _channels[s_channels[i]];
            string since = channel.Epoch.Length == 0 ? "" : $",\"recover\":true,\"epoch\":\"{channel.Epoch}\",\"offset\":{channel.Seen}";
            commands.Append(CultureInfo.InvariantCulture, $"\n{{\"id\":{i + 2},\"subscribe\":{{\"channel\":\"{s_channels[i]}\"{since}}}}}");
        }

        await subscriber.SendAsync(Encoding.UTF8.GetBytes(commands.ToString()), WebSocketMessageType.Text, endOfMessage: true, stop);
        for (int answers = 0; answers < s_channels.Length;)
        {
            foreach (JsonElement reply in await NextAsync(subscriber, stop) ?? [])
            {
                if (!reply.TryGetProperty("id", out JsonElement id) || id.GetInt32() == 1) continue;
                Assert.True(reply.TryGetProperty("subscribe", out JsonElement subscribed), reply.GetRawText());
                _channels[s_channels[id.GetInt32() - 2]].TakeAnswer(subscribed);
                answers++;
            }
        }
    }

    private async Task ReadToEndAsync(ClientWebSocket subscriber, CancellationToken stop)
    {
        while (await NextAsync(subscriber, stop) is { } replies)
        {
            foreach (JsonElement reply in replies)
            {
                if (!reply.TryGetProperty("push", out JsonElement push)) continue;
                _channels[push.GetProperty("channel").GetString()!].See(push.GetProperty("pub"));
            }
        }
    }

    // The replies and pushes of the next frame, pings answered; null where the host is gone.
    [SuppressMessage("Design", "CA1031", Justification = "However the socket says that the host is dead.")]
    private static async Task<List<JsonElement>?> NextAsync(ClientWebSocket subscriber, CancellationToken stop)
    {
        byte[] buffer = new byte[64 * 1024];
        using var text = new MemoryStream();
        try
        {
            WebSocketReceiveResult received;
            do
            {
                received = await subscriber.ReceiveAsync(buffer, stop);
                if (received.MessageType == WebSocketMessageType.Close) return null;
                text.Write(buffer, 0, received.Count);
            }
            while (!received.EndOfMessage);
            List<JsonElement> replies =
                [.. Encoding.UTF8.GetString(text.ToArray()).Split('\n').Select(static line => JsonElement.Parse(line))];
            if (replies.Any(static reply => !reply.EnumerateObject().Any()))
                await subscriber.SendAsync("{}"u8.ToArray(), WebSocketMessageType.Text, endOfMessage: true, stop);
            return replies;
        }
        catch (WebSocketException)
        {
            return null;
        }
    }

    private async Task CheckHistoryAsync(HostProcess host, string channel, CancellationToken stop)
    {
        using HttpClient http = Client();
        JsonElement history = await AskAsync(http, host, "history", new { channel, limit = -1 }, stop);
        KeptChannel expected = _channels[channel];
        Assert.Equal(expected.Epoch, history.GetProperty("epoch").GetString());
        Dictionary<ulong, int> kept = history.GetProperty("publications").EnumerateArray().ToDictionary(
            static each => each.GetProperty("offset").GetUInt64(), static each => each.GetProperty("data").GetInt32());
        Assert.Equal(Enumerable.Range(1, kept.Count).Select(static each => (ulong)each), kept.Keys.Order());
        Assert.Equal((ulong)kept.Count, history.GetProperty("offset").GetUInt64());
        Assert.Equal(kept.Count, kept.Values.Distinct().Count());
        Assert.All(expected.Acknowledged, each => Assert.Equal(each.Value, kept.GetValueOrDefault(each.Key)));
        Assert.Equal(history.GetProperty("offset").GetUInt64(), expected.Seen);
    }

    private static HttpClient Client()
    {
        var http = new HttpClient();
        http.DefaultRequestHeaders.Add("X-API-Key", ApiKey);
        return http;
    }

    private static async Task<JsonElement> AskAsync(
        HttpClient http, HostProcess host, string method, object request, CancellationToken stop)
    {
        using HttpResponseMessage response = await http.PostAsJsonAsync(new Uri(host.HttpUri, $"api/{method}"), request, stop);
        string body;
        try
        {
            body = await response.Content.ReadAsStringAsync(stop);
        }
        catch (IOException broken)
        {
            throw new HttpRequestException("The host died in the middle of its answer.", broken);
        }

        Assert.True(JsonElement.Parse(body).TryGetProperty("result", out JsonElement result), body);
        return result;
    }

    // What is known of one channel: to the application by its acknowledgements, and to the client by what came.
    private sealed class KeptChannel
    {
        private readonly Lock _gate = new();

        internal Dictionary<ulong, int> Acknowledged { get; } = [];

        internal string Epoch { get; private set; } = "";

        internal ulong Seen { get; private set; }

        internal int Recovered { get; private set; }

        internal void Acknowledge(string epoch, ulong offset, int data)
        {
            lock (_gate)
            {
                Assert.Equal(Epoch, epoch);
                Assert.True(Acknowledged.TryAdd(offset, data), $"Two publications have the offset {offset}.");
            }
        }

        internal void TakeAnswer(JsonElement subscribed)
        {
            string epoch = subscribed.GetProperty("epoch").GetString()!;
            if (Epoch.Length == 0)
            {
                Epoch = epoch;
                return;
            }

            bool isRecovered = subscribed.TryGetProperty("recovered", out JsonElement recovered) && recovered.GetBoolean();
            Assert.True(isRecovered, subscribed.GetRawText());
            Assert.Equal(Epoch, epoch);
            if (!subscribed.TryGetProperty("publications", out JsonElement publications)) return;
            foreach (JsonElement publication in publications.EnumerateArray()) See(publication);
            Recovered += publications.GetArrayLength();
        }

        internal void See(JsonElement publication)
        {
            lock (_gate)
            {
                Assert.Equal(Seen + 1, publication.GetProperty("offset").GetUInt64());
                Seen++;
                if (Acknowledged.TryGetValue(Seen, out int data)) Assert.Equal(data, publication.GetProperty("data").GetInt32());
            }
        }
    }
}
