using System.Globalization;
using Broker.Client;
using Broker.Core.Protocol.Store;

namespace Broker.Tests.EndToEnd.Native;

/// <summary>The host is killed while clients write batches over the wire: what was acknowledged is there, and no half of a batch.</summary>
public sealed class StoreCrashTests : StoreHost
{
    /// <summary>Set to a number to kill the host as many times.</summary>
    private const string KillsVariable = "BROKER_TESTS_HOST_KILLS";

    private const int Writers = 4, KeysPerBatch = 5;

    [Fact]
    public async Task Killed_at_any_moment_all_that_was_acknowledged_is_there_and_no_half_of_a_batch()
    {
        int kills = int.Parse(Environment.GetEnvironmentVariable(KillsVariable) ?? "3", CultureInfo.InvariantCulture);
        var random = new Random(20261122);
        int[] acknowledged = [.. Enumerable.Repeat(-1, Writers)];
        for (int kill = 0; kill < kills; kill++)
        {
            await WriteAndCrashAsync(acknowledged, answersBefore: random.Next(1, 60));
            await Host.StartAgainAsync();
            await using BrokerClient client = await ConnectAsync();
            await CheckAsync(new StoreClient(client), acknowledged);
        }
    }

    private async Task WriteAndCrashAsync(int[] acknowledged, int answersBefore)
    {
        var enough = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        BrokerClient[] clients = await Task.WhenAll(Enumerable.Range(0, Writers).Select(_ => ConnectAsync()));
        int answers = 0;
        Task[] writing = [.. Enumerable.Range(0, Writers).Select(WriteAsync)];
        await Task.WhenAny(enough.Task, Task.WhenAll(writing)).WaitAsync(Patience);
        Assert.True(enough.Task.IsCompleted, "The writers ended by themselves.");
        await Host.CrashAsync();
        await Task.WhenAll(writing).WaitAsync(Patience);
        foreach (BrokerClient client in clients) await client.DisposeAsync();

        async Task WriteAsync(int writer)
        {
            var store = new StoreClient(clients[writer]);
            try
            {
                for (int round = acknowledged[writer] + 1; ; round++)
                {
                    await store.WriteAsync(BatchOf(writer, round), Durability.Disk);
                    acknowledged[writer] = round;
                    if (Interlocked.Increment(ref answers) == answersBefore) enough.TrySetResult();
                }
            }
            catch (ConnectionLostException)
            {
                // The host is dead. What was on its way is there, or is not.
            }
        }
    }

    private static List<KeyChange> BatchOf(int writer, int round)
    {
        var changes = new List<KeyChange> { new(Bytes($"w{writer}/last"), Bytes($"{round}")) };
        for (int i = 0; i < KeysPerBatch; i++) changes.Add(new KeyChange(Bytes($"w{writer}/{round}/{i}"), new byte[100 * i]));
        return changes;
    }

    private static async Task CheckAsync(StoreClient store, int[] acknowledged)
    {
        ulong expected = 0;
        for (int writer = 0; writer < Writers; writer++)
        {
            int last = int.Parse(Text(await store.ReadAsync(Bytes($"w{writer}/last"))) ?? "-1", CultureInfo.InvariantCulture);
            Assert.True(last >= acknowledged[writer], $"Writer {writer} was told of round {acknowledged[writer]}, and {last} is there.");
            var rounds = new Dictionary<string, int>();
            await foreach (KeyValue entry in store.ScanAsync(Bytes($"w{writer}/"), keysOnly: true))
            {
                string round = Text(entry.Key)!.Split('/')[1];
                rounds[round] = rounds.GetValueOrDefault(round) + 1;
            }

            if (last >= 0) Assert.True(rounds.Remove("last"));
            Assert.Equal(Enumerable.Range(0, last + 1).Select(round => $"{round}").Order(), rounds.Keys.Order());
            Assert.All(rounds.Values, keys => Assert.Equal(KeysPerBatch, keys));
            expected += last < 0 ? 0 : 1 + (KeysPerBatch * ((ulong)last + 1));

            // What was not acknowledged may be there all the same; the writer goes on behind it.
            acknowledged[writer] = last;
        }

        Assert.Equal(expected, await store.CountAsync());
    }
}
