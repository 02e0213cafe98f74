using System.CommandLine;
using Broker.Bench.Load;

namespace Broker.Bench.Channels;

/// <summary><c>channels SCENARIO</c>: what channels promise, against a host in a process of its own; and <c>tokens</c>.</summary>
internal static class ChannelsCommand
{
    public static Command Create() =>
        new("channels", "Churn, recovery of many, and slow readers. The host runs on core 0, the clients on the others.")
        {
            CreateChurn(),
            CreateRecovery(),
            CreateSlow(),
        };

    private static Command CreateChurn()
    {
        Option<int> clients = Number("--clients", 200, "Clients.");
        Option<int> seconds = Number("--seconds", 60, "How long publications flow.");
        Option<int> seed = Number("--seed", 20261129, "Of the cuts: the same seed is the same cuts.");
        var servers = new Option<string[]>("--servers")
        {
            Description = "Which servers, in this order.",
            DefaultValueFactory = _ => ChurnRun.Servers,
            AllowMultipleArgumentsPerToken = true,
        };
        servers.AcceptOnlyFromAmong(ChurnRun.Servers);
        var churn = new Command("churn", "Clients that are cut at random while publications flow, beside Socket.IO and SignalR.")
        {
            clients, seconds, seed, servers,
        };
        churn.SetAction((parsed, stop) => TryAsync(ChurnRun.RunAsync(
            parsed.GetRequiredValue(servers), parsed.GetRequiredValue(clients), parsed.GetRequiredValue(seconds),
            parsed.GetRequiredValue(seed), stop)));
        return churn;
    }

    private static Command CreateRecovery()
    {
        Option<int> clients = Number("--clients", 10_000, "Clients.");
        Option<int> missed = Number("--publications", 300, "Publications that each of them missed.");
        Option<int> bytes = Number("--bytes", 100, "Of each publication's data.");
        Option<int> rounds = Number("--rounds", 3, "How often.");
        var recovery = new Command("recovery", "Clients that come back at once, and recover what they missed.")
        {
            clients, missed, bytes, rounds,
        };
        recovery.SetAction((parsed, stop) => TryAsync(RecoveryRun.RunAsync(
            parsed.GetRequiredValue(clients), parsed.GetRequiredValue(missed), parsed.GetRequiredValue(bytes),
            parsed.GetRequiredValue(rounds), stop)));
        return recovery;
    }

    private static Command CreateSlow()
    {
        var generator = new Option<string>("--generator")
        {
            Description = "The wsload program, which is not part of this repository.",
            Required = true,
        };
        Option<int> rounds = Number("--rounds", 3, "How often, for each policy.");
        Option<int> seconds = Number("--secs", 8, "Measured seconds of each turn.");
        var slow = new Command("slow", "One subscriber that never reads among 1,000, for each policy.") { generator, rounds, seconds };
        slow.SetAction((parsed, stop) => TryAsync(SlowRun.RunAsync(
            Path.GetFullPath(parsed.GetRequiredValue(generator)), parsed.GetRequiredValue(rounds), parsed.GetRequiredValue(seconds),
            stop)));
        return slow;
    }

    /// <summary><c>tokens</c>.</summary>
    public static Command CreateTokens()
    {
        Option<int> seconds = Number("--seconds", 3, "Of each algorithm.");
        var tokens = new Command("tokens", "How many JWTs one thread verifies in a second.") { seconds };
        tokens.SetAction((parsed, stop) => TokensRun.RunAsync(parsed.GetRequiredValue(seconds), stop));
        return tokens;
    }

    private static Option<int> Number(string name, int otherwise, string description) =>
        new(name) { Description = description, DefaultValueFactory = _ => otherwise };

    private static async Task<int> TryAsync(Task<int> run)
    {
        try
        {
            return await run;
        }
        catch (LoadException e)
        {
            await Console.Error.WriteLineAsync(e.Message);
            return 2;
        }
    }
}
