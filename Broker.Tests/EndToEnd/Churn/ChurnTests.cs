using System.Globalization;
using System.Text.Json;
using Xunit.Abstractions;

namespace Broker.Tests.EndToEnd.Churn;

/// <summary>Official clients whose connections are cut at random miss nothing silently.</summary>
/// <remarks>
/// The clients subscribe to three channels at once: one whose history outlasts every absence, one whose history is shorter than
/// many, and one without any. The last is the proof of the count itself: the same cuts have to show as losses there.
/// The long form, with the figures in the output:
/// <c>BROKER_TESTS_CHURN_CLIENTS=200 BROKER_TESTS_CHURN_SECONDS=60 dotnet test Broker.Tests -c Release --filter
/// FullyQualifiedName~ChurnTests --logger "console;verbosity=detailed"</c>
/// </remarks>
public sealed class ChurnTests(ITestOutputHelper output)
{
    private const string ClientsVariable = "BROKER_TESTS_CHURN_CLIENTS", SecondsVariable = "BROKER_TESTS_CHURN_SECONDS";
    private const string Key = "a long random key", Kept = "kept:churn", Short = "short:churn", Without = "without:churn";
    private const int PublicationsPerSecond = 50;

    private const string Settings = $$"""
        broker {
          api.keys = ["{{Key}}"]
          namespaces {
            kept { history { size = 1000, ttl = 5m }, recovery = on }
            short { history { size = 3, ttl = 5m }, recovery = on }
            without { }
          }
        }
        """;

    [Fact]
    public async Task Clients_that_are_cut_at_random_miss_nothing_silently()
    {
        int clients = Read(ClientsVariable, 40), publications = PublicationsPerSecond * Read(SecondsVariable, 8);
        using var limit =
            new CancellationTokenSource((3 * HostProcess.Patience) + TimeSpan.FromSeconds(4 * publications / PublicationsPerSecond));
        string config = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(config, Settings, limit.Token);
            await using HostProcess host = await HostProcess.StartAsync(environment: null, "--config", config);
            Uri api = new(host.HttpUri, "/api");
            await using ClientScript script = ClientScript.Start(
                "node", "churn.js", host.WebSocketUri.ToString(), api.ToString(), Key, Text(clients), Text(publications), Kept, Short,
                    Without);

            Dictionary<string, DeliveryCount> counts = await CountAsync(script, clients, publications + 1, limit.Token);

            output.WriteLine($"{clients} clients");
            foreach ((string channel, DeliveryCount count) in counts) output.WriteLine($"{channel}: {count}");
            DeliveryCount kept = counts[Kept], tooShort = counts[Short], without = counts[Without];
            Assert.Equal((kept.Published, 0, 0, 0), (kept.Delivered, kept.Missed, kept.Lost, kept.OutOfOrder));
            Assert.True(kept.Recoveries >= clients, $"Only {kept.Recoveries} recoveries had anything to recover.");
            Assert.Equal((0, 0), (tooShort.Lost, tooShort.OutOfOrder));
            Assert.True(tooShort is { FailedRecoveries: > 0, Missed: > 0 }, "No client was away for longer than the short history.");
            Assert.True(without is { Lost: > 0, Recoveries: 0 }, "Nothing was lost without a history: these cuts prove nothing.");
            await host.StopAsync();
        }
        finally
        {
            File.Delete(config);
        }
    }

    private async Task<Dictionary<string,
        DeliveryCount>> CountAsync(ClientScript script, int clients, int published, CancellationToken stop)
    {
        string[] channels = [Kept, Short, Without];
        foreach (string channel in channels)
        {
            using JsonDocument line = await ReadAsync(script, stop);
            Assert.Equal(channel, line.RootElement.GetProperty("channel").GetString());
            (long, long)[] acknowledged =
                [.. line.RootElement.GetProperty("acknowledged").EnumerateArray().Select(each => (each[0].GetInt64(), each[1].GetInt64()))];
            output.WriteLine(
                $"{channel}: {acknowledged.Length} publications in {line.RootElement.GetProperty("seconds").GetDouble():F1} s");
            Assert.Equal(Enumerable.Range(1, published).Select(number => ((long)number, channel == Without ? 0L : number)), acknowledged);
        }

        Dictionary<string, DeliveryCount> counts = channels.ToDictionary(each => each, _ => new DeliveryCount());
        for (int i = 0; i < clients * channels.Length; i++)
        {
            using JsonDocument line = await ReadAsync(script, stop);
            string channel = line.RootElement.GetProperty("channel").GetString()!;
            Assert.True(line.RootElement.GetProperty("cuts").GetInt32() > 0, "A client was never cut.");
            counts[channel] += DeliveryCount.Of(
                published, line.RootElement.GetProperty("seen").EnumerateArray().Select(Sighting.Read), hasOffsets: channel != Without);
        }

        Assert.All(counts.Values, count => Assert.Equal((long)clients * published, count.Published));
        return counts;
    }

    private static async Task<JsonDocument> ReadAsync(ClientScript script, CancellationToken stop)
    {
        string line = await script.NextAsync(stop);
        Assert.True(line.StartsWith('{'), line);
        return JsonDocument.Parse(line);
    }

    private static int Read(string variable, int otherwise) =>
        int.Parse(Environment.GetEnvironmentVariable(variable) ?? Text(otherwise), CultureInfo.InvariantCulture);

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
