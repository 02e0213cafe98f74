using Broker.Tests.EndToEnd;

namespace Broker.Tests.Hostile.EveryWay;

/// <summary>The rows of docs/ERRORS.md that a clock or a count decides, by every entry point.</summary>
public sealed class LimitsEveryWayTests
{
    [Fact]
    public async Task Limits_of_time_answer_alike_by_every_entry_point()
    {
        using var limit = new CancellationTokenSource(2 * HostProcess.Patience);
        await using EveryEntryPoint entryPoints = await EveryEntryPoint.OpenAsync(
            ("REACTOR_HANDSHAKE_LIMIT", "10s"), ("HTTP_HEAD_LIMIT", "10s"), ("CENTRIFUGE_CONNECT_LIMIT", "10s"),
                ("CENTRIFUGE_PING_INTERVAL", "1s"), ("CENTRIFUGE_PONG_LIMIT", "100ms"));

        // Half a head; an upgrade and nothing else, in each dialect; and a client that answers no ping. The limits leave those that
        // keep them all the time that they need on a busy machine; all are waited for at once.
        async Task<string> HalfHeadAsync(EntryPoint entry)
        {
            if (entry == EntryPoint.Http2) return "HTTP/1.1 408";       // Its library sends whole heads only.
            using Attacker client = await entryPoints.ConnectAsync(entry, limit.Token);
            await client.TrySendAsync(HostileClient.Upgrade(AttackedHost.HubPath).AsMemory(0, 60), limit.Token);
            return (await client.ReadHeadAsync(limit.Token))[..12];
        }

        async Task<int> EndAsync(EntryPoint entry, string path, string? subprotocol, Func<Attacker, Task<Attacker>> begin)
        {
            using Attacker client = await begin(await entryPoints.OpenAsync(entry, path, subprotocol, limit.Token));
            return await client.ReadToEndAsync(limit.Token);
        }

        await ForAllAsync(async entry =>
        {
            Task<string> head = HalfHeadAsync(entry);
            Task<int> stranger = EndAsync(entry, AttackedHost.HubPath, null, Task.FromResult), native =
                EndAsync(entry, HostileNativeClient.Path, "v3.broker", Task.FromResult);
            Task<int> silent = EndAsync(entry, AttackedHost.HubPath, null, client => client.SendConnectAsync(limit.Token));
            Task<int> binary = EndAsync(entry, HostileNativeClient.Path, "v3.broker", client => client.SendHelloAsync(limit.Token));
            return $"{await head} {await stranger} {await native} {await silent} {await binary}";
        }, "HTTP/1.1 408 3502 3502 3012 3012");
    }

    [Fact]
    public async Task Limits_of_number_and_the_stop_answer_alike_by_every_entry_point()
    {
        using var limit = new CancellationTokenSource(2 * HostProcess.Patience);
        await using EveryEntryPoint entryPoints = await EveryEntryPoint.OpenAsync(("LISTEN_CONNECTIONS_MAX", "4"));
        var open = new List<(EntryPoint Entry, Attacker Client)>();
        try
        {
            // Four on each host, whichever ways that has.
            foreach (IGrouping<HostProcess, EntryPoint> ways in EveryEntryPoint.All.GroupBy(entryPoints.HostOf))
            {
                EntryPoint[] each = [.. ways];
                for (int i = 0; i < 4; i++)
                {
                    EntryPoint entry = each[i % each.Length];
                    open.Add((entry,
                        await (await entryPoints.OpenAsync(entry, AttackedHost.HubPath, null, limit.Token)).SendConnectAsync(limit.Token)));
                }
            }

            await ForAllAsync(async entry =>
            {
                if (entry == EntryPoint.Http2)
                {
                    using HttpResponseMessage answer =
                        await entryPoints.SendConnectAsync(AttackedHost.HubPath, null, new Dictionary<string, string>(), limit.Token);
                    return $"{(int)answer.StatusCode} {answer.Headers.RetryAfter is not null}";
                }

                using Attacker client = await entryPoints.ConnectAsync(entry, limit.Token);
                await client.TrySendAsync(HostileClient.Upgrade(AttackedHost.HubPath), limit.Token);
                string head = await client.ReadHeadAsync(limit.Token);
                return $"{head[9..12]} {head.Contains("Retry-After: ", StringComparison.Ordinal)}";
            }, "503 True");

            HostProcess[] hosts = [.. EveryEntryPoint.All.Select(entryPoints.HostOf).Distinct()];
            Task<int[]> ends = Task.WhenAll(open.Select(each => each.Client.ReadToEndAsync(limit.Token)));
            foreach (HostProcess host in hosts) host.SendTerminate();
            Assert.All(await ends, static code => Assert.Equal(3001, code));
            foreach (HostProcess host in hosts) await host.ExpectGracefulEndAsync(HostProcess.Patience);
        }
        finally
        {
            foreach ((_, Attacker client) in open) client.Dispose();
        }
    }

    private static async Task ForAllAsync(Func<EntryPoint, Task<string>> ask, string expected)
    {
        string[] received = await Task.WhenAll(EveryEntryPoint.All.Select(async entry => $"{entry}: {await ask(entry)}"));
        Assert.Equal(EveryEntryPoint.All.Select(entry => $"{entry}: {expected}"), received);
    }
}
