using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using Broker.Tests.Hostile;
using Xunit.Sdk;

namespace Broker.Tests.EndToEnd;

/// <summary>
/// Connections up to the limit of open files: the process lives, says so once, answers the one that comes, and serves all again afterwards.
/// </summary>
[Collection(EndToEndDefinition.Name)]
public sealed class DescriptorTests
{
    private const int PerHolderMax = 10_000;
    private const string Short = "File descriptors are used up", Over = "File descriptors are free again";

    // Connects, tells how many it has, and holds them until its input ends.
    private const string Holder = """
        import socket, sys
        held = []
        for _ in range(int(sys.argv[2])):
            one = socket.socket()
            one.settimeout(30)
            try: one.connect(("127.0.0.1", int(sys.argv[1])))
            except OSError: break
            held.append(one)
        print(len(held), flush=True)
        sys.stdin.read()
        """;

    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(5);

    [Theory, InlineData(512), InlineData(4096), InlineData(null)]
    public async Task Idle_connections_at_the_limit_of_files_end_no_process(int? filesMax)
    {
        using var limit = new CancellationTokenSource(s_limit);
        await using HostProcess host =
            await HostProcess.StartLimitedAsync(filesMax, new Dictionary<string, string> { ["BROKER_REACTOR_HANDSHAKE_LIMIT"] = "10m" });
        using var lines = new LogLines(host);
        using LightClient early = await LightClient.ConnectAsync(host.Port, limit.Token);
        await early.SubscribeAsync("before", limit.Token);
        using var http = new HttpClient { BaseAddress = host.HttpUri };
        Assert.Contains("ok", await http.GetStringAsync("health", limit.Token), StringComparison.Ordinal);

        var holders = new List<Process>();
        try
        {
            for (int left = FilesOf(host.Id) + 64; left > 0; left -= PerHolderMax)
                holders.Add(await HoldAsync(host.Port, Math.Min(left, PerHolderMax), limit.Token));
            await lines.WaitForAsync(Short, limit.Token);

            // Much is compiled anew while nothing can be opened: commands and requests on the connections that stand.
            for (int round = 0; round < 2000; round++)
            {
                await early.CallAsync("\"publish\":{\"channel\":\"other\",\"data\":{}}", limit.Token);
                if (round % 10 == 0) Assert.NotEmpty(await http.GetStringAsync("metrics", limit.Token));
            }

            Assert.Contains("broker_descriptors_short 1", await http.GetStringAsync("metrics", limit.Token), StringComparison.Ordinal);

            // No caller waits for those who say nothing: a probe and a client come in on new connections.
            using var probe = new HttpClient { BaseAddress = host.HttpUri };
            Assert.Contains("ok", await probe.GetStringAsync("health", limit.Token), StringComparison.Ordinal);
            using LightClient during = await ConnectWhenThereIsRoomAsync(host.Port, limit.Token);
            await during.SubscribeAsync("during", limit.Token);
            Assert.True(host.IsAlive, host.Log);
            Assert.Equal(1, lines.Count(Short));
        }
        finally
        {
            foreach (Process holder in holders) await HostProcess.EndAsync(holder);
        }

        await lines.WaitForAsync(Over, limit.Token);
        using LightClient late = await LightClient.ConnectAsync(host.Port, limit.Token);
        await late.SubscribeAsync("after", limit.Token);
        using var other = new HttpClient { BaseAddress = host.HttpUri };
        Assert.Equal(HttpStatusCode.OK, (await other.GetAsync("ready", limit.Token)).StatusCode);
        Assert.Equal((1, 1), (lines.Count(Short), lines.Count(Over)));
    }

    [Fact]
    public async Task Open_WebSockets_at_the_limit_of_files_leave_probes_answered()
    {
        using var limit = new CancellationTokenSource(s_limit);
        using var entryPoints = new EntryPoints();
        await using HostProcess host = await HostProcess.StartLimitedAsync(1024, entryPoints.Settings);
        using var lines = new LogLines(host);
        var open = new List<Attacker>();
        try
        {
            // The first refusal is the answer to one that found no descriptor.
            string head = "HTTP/1.1 101 ";
            while (head.StartsWith("HTTP/1.1 101 ", StringComparison.Ordinal))
            {
                Attacker client = await Attacker.ConnectAsync(host.Port, limit.Token);
                open.Add(client);
                await client.TrySendAsync(HostileClient.Upgrade(AttackedHost.HubPath), limit.Token);
                head = await client.ReadHeadAsync(limit.Token);
            }

            Assert.StartsWith("HTTP/1.1 503 ", head, StringComparison.Ordinal);
            Assert.Contains("Retry-After: ", head, StringComparison.Ordinal);
            await lines.WaitForAsync(Short, limit.Token);

            // More than there are spares, one after the other, by the reactor and by Kestrel.
            for (int i = 0; i < 40; i++)
            {
                using Attacker probe = await Attacker.ConnectAsync(host.Port, limit.Token);
                Assert.StartsWith("HTTP/1.1 200 ", await AskAsync(probe, "/health", limit.Token), StringComparison.Ordinal);
                using Attacker secret = await Attacker.ConnectTlsAsync(host.TlsPort, entryPoints, limit.Token);
                Assert.StartsWith("HTTP/1.1 200 ", await AskAsync(secret, "/ready", limit.Token), StringComparison.Ordinal);
            }

            using Attacker page = await Attacker.ConnectAsync(host.Port, limit.Token);
            Assert.StartsWith("HTTP/1.1 503 ", await AskAsync(page, "/", limit.Token), StringComparison.Ordinal);
            using Attacker behindTls = await Attacker.ConnectTlsAsync(host.TlsPort, entryPoints, limit.Token);
            await behindTls.TrySendAsync(HostileClient.Upgrade(AttackedHost.HubPath), limit.Token);
            Assert.StartsWith("HTTP/1.1 503 ", await behindTls.ReadHeadAsync(limit.Token), StringComparison.Ordinal);
            Assert.True(host.IsAlive, host.Log);
        }
        finally
        {
            foreach (Attacker client in open) client.Dispose();
        }

        await lines.WaitForAsync(Over, limit.Token);
        using LightClient late = await LightClient.ConnectAsync(host.Port, limit.Token);
        await late.SubscribeAsync("after", limit.Token);
    }

    // Those who say nothing give way once they have been silent for a second; until then a client is answered 503, and comes back.
    private static async Task<LightClient> ConnectWhenThereIsRoomAsync(int port, CancellationToken stop)
    {
        while (true)
        {
            stop.ThrowIfCancellationRequested();
            try
            {
                return await LightClient.ConnectAsync(port, stop);
            }
            catch (Xunit.Sdk.StartsWithException refused) when (refused.Message.Contains(" 503 ", StringComparison.Ordinal))
            {
                // Not yet.
            }
        }
    }

    private static async Task<string> AskAsync(Attacker client, string path, CancellationToken stop)
    {
        await client.TrySendAsync(System.Text.Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"), stop);
        return await client.ReadHeadAsync(stop);
    }

    [Fact]
    public async Task A_limit_without_room_for_clients_is_refused_at_the_start()
    {
        var refused =
            await Assert.ThrowsAnyAsync<XunitException>(() => HostProcess.StartLimitedAsync(256, new Dictionary<string, string>()));

        Assert.Contains("The limit of open files is 256", refused.Message, StringComparison.Ordinal);

        // What it names does, and so does a soft limit of 256, which the runtime raises to the hard one.
        Match named = Regex.Match(refused.Message, @"at least (\d+) are needed");
        Assert.True(named.Success, refused.Message);
        int enough = int.Parse(named.Groups[1].ValueSpan, CultureInfo.InvariantCulture);
        using var limit = new CancellationTokenSource(2 * HostProcess.Patience);
        foreach ((int files, bool isSoft) in ((int, bool)[])[(enough, false), (256, true)])
        {
            await using HostProcess host =
                await HostProcess.StartLimitedAsync(files, new Dictionary<string, string>(), isSoft);
            var clients = new List<Attacker>();
            try
            {
                for (int i = 0; i < 32; i++) clients.Add(await Attacker.EnterAsync(host.Port, limit.Token));
            }
            finally
            {
                foreach (Attacker client in clients) client.Dispose();
            }

            await host.StopAsync();
        }
    }

    private static async Task<Process> HoldAsync(int port, int count, CancellationToken stop)
    {
        var start = new ProcessStartInfo("/usr/bin/python3") { RedirectStandardInput = true, RedirectStandardOutput = true };
        foreach (string word in (string[])[
            "-c", Holder, port.ToString(CultureInfo.InvariantCulture),
                count.ToString(CultureInfo.InvariantCulture)]) start.ArgumentList.Add(word);
        Process holder = Process.Start(start)!;
        Assert.Equal(count.ToString(CultureInfo.InvariantCulture), await holder.StandardOutput.ReadLineAsync(stop));
        return holder;
    }

    private static int FilesOf(int process)
    {
        string line =
            File.ReadLines($"/proc/{process}/limits").First(static each => each.StartsWith("Max open files", StringComparison.Ordinal));
        return int.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[3], CultureInfo.InvariantCulture);
    }

    /// <summary>The host's log, as it grows.</summary>
    private sealed class LogLines : IDisposable
    {
        private readonly HostProcess _host;
        private readonly SemaphoreSlim _more = new(0);

        public LogLines(HostProcess host)
        {
            _host = host;
            _host.Logged += OnLogged;
        }

        public int Count(string text) => _host.Log.Split(text).Length - 1;

        public async Task WaitForAsync(string text, CancellationToken stop)
        {
            while (Count(text) == 0) await _more.WaitAsync(stop);
        }

        public void Dispose()
        {
            _host.Logged -= OnLogged;
            _more.Dispose();
        }

        private void OnLogged(string line) => _more.Release();
    }
}
