using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Broker.Tests.Support;

namespace Broker.Tests.EndToEnd;

/// <summary>The real host process, on a free port, as a user would start it.</summary>
/// <remarks>
/// What runs is the <c>broker.dll</c> that the build puts beside the tests with its runtimeconfig: the very bytes that were
/// just built, in the same configuration. The process is ended by its id, whatever becomes of the tests: a guard waits for
/// the end of this process and kills the host then.
/// </remarks>
internal sealed partial class HostProcess : IAsyncDisposable
{
    private const string ClusterAnnouncement = "cluster node at ";
    private const string Announcement = "listening on http://127.0.0.1:", TlsAnnouncement = "listening on https://127.0.0.1:";
    private const string TlsPortVariable = "BROKER_TLS_PORT";
    private const int Hangup = 1, Interrupt = 2, Quit = 3, Terminate = 15;

    private readonly IReadOnlyList<string> _arguments;
    private readonly Dictionary<string, string> _environment;
    private readonly StringBuilder _log = new();
    private readonly Lock _gate = new();
    private Process _process = null!;
    private Process _guard = null!;

    private readonly int? _filesMax;

    private HostProcess(IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string> environment, int? filesMax = null)
    {
        _filesMax = filesMax;
        _arguments = arguments;
        _environment = environment.ToDictionary();
        if (_environment.GetValueOrDefault(TlsPortVariable) == "0")
            _environment[TlsPortVariable] = FreePorts.Take().ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>How long anything outside this process may take on a busy machine before a test gives up.</summary>
    public static TimeSpan Patience { get; } = TimeSpan.FromSeconds(120);

    /// <summary>The port that it listens on; the same after a restart.</summary>
    public int Port { get; private set; }

    /// <summary>The port for https and wss, if the settings say that there is one; the same after a restart.</summary>
    public int TlsPort { get; private set; }

    /// <summary>HOST:PORT for other nodes, if it was started with <c>--cluster</c>.</summary>
    public string ClusterAddress { get; private set; } = "";

    /// <summary>The id of the process that runs now.</summary>
    public int Id => _process.Id;

    /// <summary>Where clients connect.</summary>
    public Uri WebSocketUri => new($"ws://127.0.0.1:{Port}/connection/websocket");

    /// <summary>Where native clients connect.</summary>
    public Uri NativeUri => new($"ws://127.0.0.1:{Port}/ws");

    /// <summary>Where messages come back.</summary>
    public Uri EchoUri => new($"ws://127.0.0.1:{Port}/echo");

    /// <summary>The page, and what else is asked by HTTP.</summary>
    public Uri HttpUri => new($"http://127.0.0.1:{Port}/");

    /// <summary>Where a client connects that comes in so; for a Unix socket, what stands in its request.</summary>
    public Uri UriOf(WayIn way, string path) =>
        way is WayIn.Tls or WayIn.Http2 ? new($"wss://127.0.0.1:{TlsPort}{path}") : new($"ws://127.0.0.1:{Port}{path}");

    /// <summary>Everything that it wrote to standard error so far.</summary>
    public string Log
    {
        get
        {
            lock (_gate) return _log.ToString();
        }
    }

    /// <summary>Each line that it writes to standard error, as it comes.</summary>
    public event Action<string>? Logged;

    /// <summary>Whether the process still runs.</summary>
    public bool IsAlive => !_process.HasExited;

    /// <summary>Starts the host and waits until it listens.</summary>
    /// <param name="environment">Settings, as variables.</param>
    /// <param name="arguments">What follows <c>serve --port</c>.</param>
    public static async Task<HostProcess> StartAsync(
        IReadOnlyDictionary<string, string>? environment = null, params IReadOnlyList<string> arguments)
    {
        var host = new HostProcess(arguments, environment ?? new Dictionary<string, string>());
        await host.StartAsync(FreePorts.Take());
        return host;
    }

    /// <summary>Starts it with so many file descriptors, and waits until it listens or has ended.</summary>
    /// <param name="filesMax">The hard limit too; null leaves this process's own.</param>
    /// <param name="environment">Settings, as variables.</param>
    public static async Task<HostProcess> StartLimitedAsync(int? filesMax, IReadOnlyDictionary<string, string> environment)
    {
        var host = new HostProcess([], environment, filesMax);
        await host.StartAsync(port: 0);
        return host;
    }

    private async Task StartAsync(int port)
    {
        string program = Path.Combine(AppContext.BaseDirectory, "broker.dll");
        Assert.True(File.Exists(program), $"{program} is not there: the build puts it beside the tests.");
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        string[] command = [program, "serve", "--port", port.ToString(CultureInfo.InvariantCulture)];
        if (_filesMax is { } files)
        {
            // The shell replaces itself, so that the process has the id that is known here.
            foreach (string word in (string[])["-c", $"ulimit -n {files} && exec \"$@\"", "sh", start.FileName])
                start.ArgumentList.Add(word);
            start.FileName = "/bin/sh";
        }

        foreach (string word in command.Concat(_arguments)) start.ArgumentList.Add(word);
        foreach ((string name, string value) in _environment) start.Environment[name] = value;

        _process = Process.Start(start)!;
        _guard = StartGuard(_process.Id);
        _process.ErrorDataReceived += (_, line) => Keep(line.Data);
        _process.BeginErrorReadLine();
        Port = await ReadPortAsync(Announcement);
        if (_arguments.Contains("--cluster")) ClusterAddress = await ReadAsync(ClusterAnnouncement);
        if (!_environment.ContainsKey(TlsPortVariable)) return;
        TlsPort = await ReadPortAsync(TlsAnnouncement);
    }

    /// <summary>Starts what kills a process at the end of this one: the guard's standard input ends then, however it does.</summary>
    internal static Process StartGuard(int id)
    {
        var start = new ProcessStartInfo("/bin/sh") { RedirectStandardInput = true };
        foreach (string word in (string[])["-c", $"read -r line; kill -9 {id} 2> /dev/null"]) start.ArgumentList.Add(word);
        return Process.Start(start)!;
    }

    private async Task<int> ReadPortAsync(string announcement) => int.Parse(await ReadAsync(announcement), CultureInfo.InvariantCulture);

    private async Task<string> ReadAsync(string announcement)
    {
        using var limit = new CancellationTokenSource(Patience);
        string? line = null;
        try
        {
            line = await _process.StandardOutput.ReadLineAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            // Told below, with the log.
        }

        Assert.True(
            line is not null && line.StartsWith(announcement, StringComparison.Ordinal),
            $"The host does not listen; it wrote \"{line}\" and logged:\n{Log}");
        return line[announcement.Length..];
    }

    private void Keep(string? line)
    {
        if (line is null) return;
        lock (_gate) _log.AppendLine(line);
        Logged?.Invoke(line);
    }

    /// <summary>Asks it to stop as an operator does.</summary>
    public void SendTerminate() => Send(Terminate);

    /// <summary>Asks it to stop as a keyboard does.</summary>
    public void SendInterrupt() => Send(Interrupt);

    /// <summary>Asks it to read its settings again.</summary>
    public void SendHangup() => Send(Hangup);

    /// <summary>Asks it to stop as a keyboard's other key does.</summary>
    public void SendQuit() => Send(Quit);

    /// <summary>Waits until its log holds a text, which a line that is still to come may bring.</summary>
    public async Task ExpectLogAsync(string text)
    {
        var found = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        void Look(string line)
        {
            if (line.Contains(text, StringComparison.Ordinal)) found.TrySetResult();
        }

        Logged += Look;
        try
        {
            if (Log.Contains(text, StringComparison.Ordinal)) return;
            await found.Task.WaitAsync(Patience);
        }
        catch (TimeoutException)
        {
            Assert.Fail($"The log does not say \"{text}\":\n{Log}");
        }
        finally
        {
            Logged -= Look;
        }
    }

    /// <summary>Kills it at once (SIGKILL), and waits for its end.</summary>
    public async Task CrashAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>Sends a keyboard's signal to a process that was started here.</summary>
    internal static void SendInterrupt(Process process) => Assert.Equal(0, Kill(process.Id, Interrupt));

    /// <summary>Sends what asks a process to stop to one that was started here.</summary>
    internal static void SendTerminate(Process process) => Assert.Equal(0, Kill(process.Id, Terminate));
    /// <summary>Sends a signal to a process that was started here.</summary>
    /// <returns>0 if it was sent.</returns>
    internal static int Signal(int process, int signal) => Kill(process, signal);

    private void Send(int signal) => Assert.Equal(0, Kill(_process.Id, signal));

    /// <summary>Waits for its end after a signal, which must be a graceful one.</summary>
    /// <param name="within">The longest that it may take.</param>
    public async Task ExpectGracefulEndAsync(TimeSpan within)
    {
        using var limit = new CancellationTokenSource(within);
        try
        {
            await _process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"The host has not ended {within.TotalSeconds} s after the signal. Its log:\n{Log}");
        }

        Assert.True(_process.ExitCode == 0, $"The host ended with {_process.ExitCode}. Its log:\n{Log}");
    }

    /// <summary>Stops it with SIGTERM, which must end it gracefully.</summary>
    public async Task StopAsync()
    {
        SendTerminate();
        await ExpectGracefulEndAsync(Patience);
    }

    /// <summary>Starts it again on the same port, after it has ended.</summary>
    public async Task StartAgainAsync()
    {
        Assert.True(_process.HasExited);
        await EndAsync();
        await StartAsync(Port);
    }

    /// <summary>Processor time that it has used, its user and system part together.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <summary>Bytes of memory that it holds in RAM.</summary>
    public long ResidentBytes
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64;
        }
    }

    /// <summary>Ends the process, if it still runs, and its guard.</summary>
    public async ValueTask DisposeAsync() => await EndAsync();

    private async Task EndAsync()
    {
        // The guard first: once the process is gone, its id may be another's.
        await EndAsync(_guard);
        await EndAsync(_process);
    }

    /// <summary>Ends a process that was started here, and waits for its end.</summary>
    internal static async Task EndAsync(Process process)
    {
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int process, int signal);
}
