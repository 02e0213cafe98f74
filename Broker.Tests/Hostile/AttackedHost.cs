using System.Diagnostics;
using System.Globalization;
using Broker.Tests.EndToEnd;
using Xunit.Abstractions;

namespace Broker.Tests.Hostile;

/// <summary>
/// A fresh host, a witness beside the attack, and what has to be true at its end: the process lives, its peak of memory is
/// under a ceiling, the witness was served, every connection ended by one cause, and the host stops gracefully.
/// </summary>
internal sealed class AttackedHost : IAsyncDisposable
{
    public const string HubPath = "/connection/websocket", EchoPath = "/echo";

    /// <summary>
    /// The witness's median at most, from its publication to its own receipt of it: a hundred times of what it is. The longest of them
    /// are the machine's as much as the host's, and are only reported.
    /// </summary>
    private static readonly TimeSpan s_witnessBound = TimeSpan.FromMilliseconds(500);

    private const int MiB = 1024 * 1024;

    /// <summary>Gibibytes that a run by hand moves of each kind (BROKER_TESTS_TRANSFER_GIB); 0 in a usual run.</summary>
    public static double LongRunGiB { get; } =
        double.Parse(Environment.GetEnvironmentVariable("BROKER_TESTS_TRANSFER_GIB") ?? "0", CultureInfo.InvariantCulture);

    private readonly CancellationTokenSource _limit = new(TimeSpan.FromSeconds(300) + (TimeSpan.FromSeconds(60) * LongRunGiB));
    private readonly List<Attacker> _attackers = [];
    private readonly Lock _gate = new();
    private readonly ITestOutputHelper _output;
    private readonly WayIn _way;
    private readonly EntryPoints _entryPoints;
    private readonly long _residentBefore;
    private readonly Witness _witness;
    private readonly long _start = Stopwatch.GetTimestamp();

    private AttackedHost(HostProcess host, WayIn way, EntryPoints entryPoints, ITestOutputHelper output)
    {
        Host = host;
        _way = way;
        _entryPoints = entryPoints;
        _output = output;
        Causes = new CauseCount(host);
        _witness = Witness.Start(host.Port);
        File.WriteAllText($"/proc/{host.Id}/clear_refs", "5");      // The peak counts from here.
        _residentBefore = ReadStatus("VmRSS");
    }

    public HostProcess Host { get; }

    public CauseCount Causes { get; }

    public CancellationToken Stop => _limit.Token;

    /// <summary>Starts a host with the echo endpoint, and with settings as variables; attackers come by the reactor's port.</summary>
    public static Task<AttackedHost> BeginAsync(ITestOutputHelper output, params IReadOnlyList<(string Name, string Value)> settings) =>
        BeginAsync(output, WayIn.Reactor, settings);

    /// <summary>The same, by another way in. The witness comes by the reactor's port in any case.</summary>
    public static async Task<AttackedHost> BeginAsync(
        ITestOutputHelper output, WayIn way, params IReadOnlyList<(string Name, string Value)> settings)
    {
        var entryPoints = new EntryPoints();
        Dictionary<string, string> environment = entryPoints.SettingsFor(way);
        (environment["BROKER_ECHO_ENABLED"], environment["BROKER_LOG_LEVEL"]) = ("on", "debug");
        foreach ((string name, string value) in settings) environment[name] = value;
        HostProcess? host = null;
        try
        {
            host = await HostProcess.StartAsync(environment);
            return new AttackedHost(host, way, entryPoints, output);
        }
        catch
        {
            if (host is not null) await host.DisposeAsync();
            entryPoints.Dispose();
            throw;
        }
    }

    /// <summary>One more that comes in and says nothing.</summary>
    /// <param name="receiveBytes">Size of its receive buffer in the kernel: small for one who will not read.</param>
    public Task<Attacker> ConnectAsync(int? receiveBytes = null) => _way == WayIn.Tls
        ? Attacker.ConnectTlsAsync(Host.TlsPort, _entryPoints, Stop, receiveBytes)
        : Attacker.ConnectAsync(Host.Port, Stop, receiveBytes);

    /// <summary>One more that has upgraded.</summary>
    public async Task<Attacker> OpenAsync(string path, int? receiveBytes = null, string moreFields = "") =>
        await (await ConnectAsync(receiveBytes)).UpgradeAsync(path, moreFields, Stop);

    /// <summary>One more that has said connect in the JSON dialect.</summary>
    public async Task<Attacker> EnterAsync(int? receiveBytes = null) =>
        await (await OpenAsync(HubPath, receiveBytes)).SendConnectAsync(Stop);

    /// <summary>One more that has said hello in the native protocol.</summary>
    public async Task<Attacker> EnterNativeAsync(int? receiveBytes = null) =>
        await (await OpenAsync(HostileNativeClient.Path, receiveBytes, HostileNativeClient.Offer("v3.broker"))).SendHelloAsync(Stop);

    /// <summary>Makes so many attackers, some at once, lets each do its worst, and waits until all are done.</summary>
    /// <param name="count">How many.</param>
    /// <param name="connect">How each comes in.</param>
    /// <param name="attack">What each does then.</param>
    public async Task AttackAsync(int count, Func<Task<Attacker>> connect, Func<Attacker, int, Task> attack)
    {
        var attacks = new Task[count];
        var options = new ParallelOptions { MaxDegreeOfParallelism = 32, CancellationToken = Stop };
        await Parallel.ForAsync(0, count, options, async (number, _) =>
        {
            Attacker attacker = await connect();
            lock (_gate) _attackers.Add(attacker);
            attacks[number] = attack(attacker, number);
        });
        await Task.WhenAll(attacks);
    }

    public Task AttackAsync(int count, string path, Func<Attacker, int, Task> attack) =>
        AttackAsync(count, () => OpenAsync(path), attack);

    /// <summary>The attack is over: looks at the peak, asks the witness, and ends everything.</summary>
    /// <param name="attack">What it was, for the report.</param>
    /// <param name="ceilingMiB">How much the resident memory may have grown at its peak.</param>
    /// <param name="others">Connections that came and went beside the attackers.</param>
    /// <param name="quietCeilingMiB">How much may be left of it once all are gone; none to not look.</param>
    public async Task EndAsync(string attack, int ceilingMiB, int others = 0, int? quietCeilingMiB = null)
    {
        Assert.True(Host.IsAlive, $"The host died. Its log:\n{Host.Log}");
        long grown = (ReadStatus("VmHWM") - _residentBefore) / MiB;
        IReadOnlyList<double> samples = await _witness.StopAsync(Stop);
        double median = samples[samples.Count / 2], p99 = samples[(int)(samples.Count * 0.99)];
        _output.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                    $"| {_way} | {attack} | {_attackers.Count} | {_residentBefore / MiB} | +{grown} | {ceilingMiB} | "
                        + $"{median:F1} | {p99:F1} | {samples[^1]:F1} | {samples.Count} | "
                        + $"{Stopwatch.GetElapsedTime(_start).TotalSeconds:F1} |"));

        foreach (Attacker attacker in _attackers) attacker.Dispose();
        _witness.Dispose();
        await Causes.WaitForAsync(_attackers.Count + others + 1, Stop);
        _output.WriteLine($"  ended by: {Causes}");
        Assert.True(grown < ceilingMiB, $"{attack}: the host grew by {grown} MiB, the ceiling is {ceilingMiB} MiB.");
        Assert.True(median < s_witnessBound.TotalMilliseconds,
            $"{attack}: the witness's median was {median:F0} ms of {samples.Count} samples, "
                + $"the bound is {s_witnessBound.TotalMilliseconds} ms.");
        if (quietCeilingMiB is { } quiet) await WaitForQuietAsync(attack, quiet);
        Assert.DoesNotContain(" ERR ", Host.Log, StringComparison.Ordinal);
        Assert.Equal(0, Causes["SessionFailed"]);
        await Host.StopAsync();
    }

    // The host gives memory back once it is quiet; until then is nothing to be learned of it but the figure itself.
    private async Task WaitForQuietAsync(string attack, int ceilingMiB)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        long left;
        do
        {
            left = (ReadStatus("VmRSS") - _residentBefore) / MiB;
        }
        while (left >= ceilingMiB && !_limit.IsCancellationRequested && await timer.WaitForNextTickAsync());

        _output.WriteLine($"  left when quiet: +{left} MiB of {ceilingMiB}");
        Assert.True(left < ceilingMiB, $"{attack}: {left} MiB are left when all is quiet, the ceiling is {ceilingMiB} MiB.");
    }

    private long ReadStatus(string field)
    {
        string line = File.ReadLines($"/proc/{Host.Id}/status").First(each => each.StartsWith(field + ":", StringComparison.Ordinal));
        return 1024 * long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (Attacker attacker in _attackers) attacker.Dispose();
        _witness.Dispose();
        await Host.DisposeAsync();
        _entryPoints.Dispose();
        _limit.Dispose();
    }
}
