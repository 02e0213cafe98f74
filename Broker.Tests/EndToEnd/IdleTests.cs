using System.Diagnostics;
using System.Globalization;
using Xunit.Abstractions;

namespace Broker.Tests.EndToEnd;

/// <summary>Ten thousand clients that say nothing cost next to no processor time.</summary>
[Collection(EndToEndDefinition.Name)]
public sealed class IdleTests(ITestOutputHelper output)
{
    private const int ClientsCount = 10_000;
    private const int FilesBeside = 600;            // What a process opens besides its connections.
    private const double ShareMax = 0.02;           // Of one core.

    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(5);

    /// <remarks>
    /// The pings are the only events there are, so they are the clock: the hub pings each client once in 25 seconds, spread
    /// evenly, so 10,000 clients see 400 a second, whatever the machine does. 2,000 pings let the runtime finish compiling
    /// what the rush of connects made hot; then the processor time is taken over windows of 2,000, which include what those
    /// cost. The quietest window counts: neighbours on the machine make each event dearer for a while, but a hub that does
    /// needless work does it in every window. On a machine so slow that the share says nothing, the hub takes at least less than its
    /// clients, which do as much for each ping as it does.
    /// </remarks>
    [Fact]
    public async Task Ten_thousand_idle_clients_take_less_than_a_fiftieth_of_a_core()
    {
        const int settling = 2000, windowsMax = 12;
        using var limit = new CancellationTokenSource(s_limit);
        await using HostProcess host = await HostProcess.StartAsync();
        ExpectFiles("self");
        ExpectFiles(host.Id.ToString(CultureInfo.InvariantCulture));
        long residentBefore = host.ResidentBytes;

        var pings = new PingClock();
        using var group = new ClientGroup();
        await group.ConnectAsync(ClientsCount, host.Port, channel: null, client => LiveAsync(client, pings, limit.Token), limit.Token);

        await pings.WaitForAsync(settling, limit.Token);
        (double share, double ofClients) = (double.MaxValue, 0);
        for (int windows = 0; windows < windowsMax && share >= Math.Max(ShareMax, ofClients); windows++)
            (share, ofClients) = await SharesOfACoreAsync(host, pings, limit.Token);

        long bytesEach = (host.ResidentBytes - residentBefore) / ClientsCount;
        output.WriteLine($"{host.ResidentBytes / (1024 * 1024)} MiB resident, {bytesEach} bytes for each connection");
        Assert.All(group.Clients, client => Assert.Equal((0, ""), (client.CloseCode, client.CloseReason)));
        Assert.True(
            share < Math.Max(ShareMax, ofClients),
            $"{share:P2} of a core for {ClientsCount} idle clients, which take {ofClients:P2} themselves");

        host.SendTerminate();
        await group.WhenAllHaveLived();
        Assert.All(group.Clients, client => Assert.Equal(3001, client.CloseCode));
        await host.ExpectGracefulEndAsync(HostProcess.Patience);
    }

    private async Task<(double Host, double Clients)> SharesOfACoreAsync(HostProcess host, PingClock pings, CancellationToken stop)
    {
        const int measured = 2000;
        TimeSpan usedBefore = host.ProcessorTime, ownBefore = Environment.CpuUsage.TotalTime;
        long start = Stopwatch.GetTimestamp();
        await pings.WaitForAsync(measured, stop);
        TimeSpan window = Stopwatch.GetElapsedTime(start);
        TimeSpan used = host.ProcessorTime - usedBefore;

        double share = used / window, own = (Environment.CpuUsage.TotalTime - ownBefore) / window;
        output.WriteLine(
            $"{ClientsCount} idle clients: {used.TotalMilliseconds:F0} ms of processor time in {window.TotalSeconds:F1} s, {share:P2} of a "
                + $"core; the clients {own:P2}");
        return (share, own);
    }

    // .NET raises its soft limit to the hard one by itself, and children inherit that.
    private static void ExpectFiles(string process)
    {
        string line = File.ReadLines($"/proc/{process}/limits").First(each => each.StartsWith("Max open files", StringComparison.Ordinal));
        string soft = line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[3];
        Assert.True(
            soft == "unlimited" || int.Parse(soft, CultureInfo.InvariantCulture) >= ClientsCount + FilesBeside,
            $"Process {process} may open {soft} files, and this test needs {ClientsCount + FilesBeside}: raise the hard limit (ulimit "
                + $"-Hn).");
    }

    private static Task LiveAsync(LightClient client, PingClock pings, CancellationToken stop)
    {
        client.OnPing = pings.Tick;
        return client.IdleAsync(stop);
    }

    /// <summary>A clock that the pings of many clients drive.</summary>
    private sealed class PingClock
    {
        private readonly Lock _gate = new();
        private TaskCompletionSource? _waiting;
        private int _left;

        public void Tick()
        {
            lock (_gate)
            {
                if (_waiting is not null && --_left == 0) _waiting.SetResult();
            }
        }

        /// <summary>Done after so many pings from now.</summary>
        public Task WaitForAsync(int pings, CancellationToken stop)
        {
            lock (_gate)
            {
                _waiting = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                _left = pings;
                return _waiting.Task.WaitAsync(stop);
            }
        }
    }
}
