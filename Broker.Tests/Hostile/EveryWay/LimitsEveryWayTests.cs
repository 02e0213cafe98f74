using System.Globalization;
using Broker.Tests.EndToEnd;

namespace Broker.Tests.Hostile.EveryWay;

/// <summary>The rows of docs/ERRORS.md that a clock or a count decides, by every entry point.</summary>
public sealed class LimitsEveryWayTests
{
    [Fact]
    public async Task Limits_of_time_answer_alike_by_every_entry_point()
    {
        await using var streams = new StreamEntryPoints();
        await streams.StartAsync(
            ("REACTOR_HANDSHAKE_LIMIT", "10s"), ("HTTP_HEAD_LIMIT", "10s"), ("CENTRIFUGE_CONNECT_LIMIT", "10s"),
                ("CENTRIFUGE_PING_INTERVAL", "1s"), ("CENTRIFUGE_PONG_LIMIT", "100ms"));
        using var limit = new CancellationTokenSource(2 * HostProcess.Patience);

        EveryEntryPoint entryPoints = streams.EntryPoints;

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

        async Task<int> StreamEndAsync(EntryPoint entry, string message)
        {
            await using Lines lines = await streams.OpenAsync(entry, message, limit.Token);
            return await lines.ReadEndAsync(limit.Token);
        }

        await ForAllAsync(async entry =>
        {
            Task<string> head = HalfHeadAsync(entry);
            Task<int> stranger = EndAsync(entry, AttackedHost.HubPath, null, Task.FromResult), native =
                EndAsync(entry, HostileNativeClient.Path, "v3.broker", Task.FromResult);
            Task<int> silent = EndAsync(entry, AttackedHost.HubPath, null, client => client.SendConnectAsync(limit.Token));
            Task<int> binary = EndAsync(entry, HostileNativeClient.Path, "v3.broker", client => client.SendHelloAsync(limit.Token));
            Task<int> stale = StreamEndAsync(entry, "{}"), unanswered = StreamEndAsync(entry, """{"id":1,"connect":{}}""");
            return $"{await head} {await stranger} {await native} {await silent} {await binary} {await stale} {await unanswered}";
        }, "HTTP/1.1 408 3502 3502 3012 3012 3502 3012");
    }

    [Fact]
    public async Task Limits_of_number_transfers_and_the_stop_answer_alike_by_every_entry_point()
    {
        const int PerHost = 8;
        DirectoryInfo folder = Directory.CreateTempSubdirectory("broker-limits-");
        var open = new List<(EntryPoint Entry, Attacker Client)>();
        var talks = new Dictionary<EntryPoint, NativeTalk>();
        try
        {
            await using EveryEntryPoint entryPoints = await EveryEntryPoint.OpenAsync(
                ("LISTEN_CONNECTIONS_MAX", $"{PerHost}"), ("LISTEN_PROXIES_FORWARDED", "127.0.0.1"),
                ("LISTEN_ADDRESS_CONNECTIONS_MAX", "2"), ("LIMITS_ADDRESS_CONNECTS", "5"), ("CENTRIFUGE_PING_INTERVAL", "1h"),
                ("STORE_PATH", Path.Combine(folder.FullName, EveryEntryPoint.HostMark)), ("STORE_STREAMS_MAX", "8"),
                ("STORE_STREAM_IDLE_LIMIT", "1s"), ("NATIVE_STREAMS_IDLE_LIMIT", "1s"));
            using var limit = new CancellationTokenSource(3 * HostProcess.Patience);

            // As many on each host as it takes, in both dialects by each of its ways, and two of one address.
            foreach (IGrouping<HostProcess, EntryPoint> ways in EveryEntryPoint.All.GroupBy(entryPoints.HostOf))
            {
                EntryPoint[] each = [.. ways];
                for (int i = 0; i < PerHost; i++)
                {
                    EntryPoint entry = each[i / 2 % each.Length];
                    (string, string) from = ("X-Forwarded-For", string.Create(CultureInfo.InvariantCulture, $"192.0.2.{i / 2}"));
                    bool isNative = i % 2 == 1;
                    Attacker client = await entryPoints.OpenAsync(
                        entry, isNative ? HostileNativeClient.Path : AttackedHost.HubPath, isNative ? "v3.broker" : null, limit.Token,
                            from);
                    open.Add((entry, client));
                    if (isNative) talks[entry] = await NativeTalk.BeginAsync(client, limit.Token);
                    else await client.SendConnectAsync(limit.Token);
                }
            }

            await ForAllAsync(entry => AskAsync(entryPoints, entry, "198.51.100.1", limit.Token), "503 True");
            await ForAllAsync(entry => AskAsync(entryPoints, entry, "192.0.2.0", limit.Token), "429 True");
            await ForAllAsync(async entry =>
            {
                // Ten at once are within the rate; more come until one is not.
                string from = string.Create(CultureInfo.InvariantCulture, $"203.0.113.{(int)entry}");
                string[] answers = [];
                while (!answers.Contains("429 True"))
                    answers = await Task.WhenAll(Enumerable.Range(0, 15).Select(_ => AskAsync(entryPoints, entry, from, limit.Token)));
                return string.Join(" or ", answers.Distinct().Order(StringComparer.Ordinal));
            }, "429 True or 503 True", "429 True");

            await ForAllAsync(entry => TryTransfersAsync(talks[entry]), "");
            foreach (EntryPoint entry in EveryEntryPoint.All) await TryStreamsAsync(talks[entry]);

            HostProcess[] hosts = [.. EveryEntryPoint.All.Select(entryPoints.HostOf).Distinct()];
            Task<int[]> ends = Task.WhenAll(open.Select(each => each.Client.ReadToEndAsync(limit.Token)));
            foreach (HostProcess host in hosts) host.SendTerminate();
            Assert.All(await ends, static code => Assert.Equal(3001, code));
            foreach (HostProcess host in hosts) await host.ExpectGracefulEndAsync(HostProcess.Patience);
        }
        finally
        {
            foreach ((_, Attacker client) in open) client.Dispose();
            folder.Delete(recursive: true);
        }
    }

    // The rows that are tried here, for the test of the whole page.
    internal static readonly string[] Rows =
    [
        "a head that is not whole within handshake-limit", "one connection over connections-max",
        "one connection over limits.address.connects", "one connection over listen.address-connections-max",
        "no connect within connect-limit, in a stream", "no pong, by a client that can send one",
        "no connect within connect-limit", "no hello within connect-limit", "no traffic within pong-limit of a ping",
        "no traffic within pong-limit of a native ping", "nothing: the hub stops", "nothing, and the hub stops on the native path",
        Idle, NotTaken, NoProgress, StreamsMax, "no whole head within http.head-limit",
    ];

    private const string Idle = "no further chunk of a transfer within streams.idle-limit", NotTaken = "whose result is not taken",
        NoProgress = "of the store with items, without progress", StreamsMax = "that is one more than store.streams-max";

    // What an address is answered that asks for a WebSocket, and whether it is told when to come back.
    private static async Task<string> AskAsync(EveryEntryPoint entryPoints, EntryPoint entry, string from, CancellationToken stop)
    {
        if (entry == EntryPoint.Http2)
        {
            using HttpResponseMessage answer = await entryPoints.SendConnectAsync(
                AttackedHost.HubPath, null, new Dictionary<string, string> { ["X-Forwarded-For"] = from }, stop);
            return $"{(int)answer.StatusCode} {answer.Headers.RetryAfter is not null}";
        }

        using Attacker client = await entryPoints.ConnectAsync(entry, stop);
        await client.TrySendAsync(HostileClient.Upgrade(AttackedHost.HubPath, $"X-Forwarded-For: {from}\r\n"), stop);
        string head = await client.ReadHeadAsync(stop);
        return $"{head[9..12]} {head.Contains("Retry-After: ", StringComparison.Ordinal)}";
    }

    // A transfer, a result and a write that stand still, and end so.
    private static async Task<string> TryTransfersAsync(NativeTalk talk)
    {
        await talk.SendAsync(HostileNativeClient.Chunk(0, 0, 2, [1]));
        if (!await talk.WaitForAsync($"error {ErrorPage.Answer(Idle)}")) return "the transfer";
        await talk.SendAsync(StoreCalls.Write(1, new byte[300_000]));
        if (!await talk.WaitForAsync("result")) return "the write";
        await talk.SendAsync(StoreCalls.ReadMany(2, times: 2));
        if (!await talk.WaitForAsync($"fault {ErrorPage.Answer(NotTaken)}")) return "the result";
        talk.Clear();
        await talk.SendAsync(StoreCalls.OpenWrite(3));
        return await talk.WaitForAsync($"fault {ErrorPage.Answer(NoProgress)}") ? "" : "the items";
    }

    private static async Task TryStreamsAsync(NativeTalk talk)
    {
        talk.Clear();
        uint[] calls = [.. Enumerable.Range(4, 9).Select(static call => (uint)call)];
        await talk.SendAsync([.. calls.Select(static call => StoreCalls.OpenWrite(call))]);
        Assert.True(await talk.WaitForAsync($"fault {ErrorPage.Answer(StreamsMax)}"));
        await talk.SendAsync([.. calls.Select(HostileNativeClient.CancelCall), HostileNativeClient.Ping(1)]);
        Assert.True(await talk.WaitForAsync("pong"));
    }

    private static async Task ForAllAsync(Func<EntryPoint, Task<string>> ask, params string[] expected)
    {
        (EntryPoint Entry, string Answer)[] received =
            await Task.WhenAll(EveryEntryPoint.All.Select(async entry => (entry, await ask(entry))));
        Assert.Equal([], received.Where(each => !expected.Contains(each.Answer)));
    }
}
