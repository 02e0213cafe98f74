using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Broker.Bench.Load;

namespace Broker.Bench.Native;

/// <summary>
/// A server, a <see cref="NativeHub"/> unless another is asked for, in a process of its own, on core 0, and what the kernel counts of it.
/// </summary>
internal sealed class HubProcess : IAsyncDisposable
{
    private const double TicksASecond = 100;

    private readonly ChildProcess _process;

    private HubProcess(ChildProcess process, int port)
    {
        _process = process;
        Port = port;
    }

    public int Port { get; }

    public int ProcessId => _process.Id;

    public Uri Url => new($"ws://127.0.0.1:{Port}/ws");

    /// <summary>Starts a command of this program; the hub of the scenarios unless another is named.</summary>
    public static Task<HubProcess> StartAsync(CancellationToken stop, params string[] command) =>
        StartAsync(typeof(HubProcess).Assembly.Location, stop, command.Length == 0 ? ["native", "hub"] : command);

    /// <summary>Starts a program of .NET that takes <c>--port</c>, and waits until it listens.</summary>
    public static Task<HubProcess> StartAsync(string program, CancellationToken stop, params string[] command) =>
        StartCommandAsync(["dotnet", program, .. command], stop);

    /// <summary>Starts a command that takes <c>--port</c>, and waits until it listens.</summary>
    public static async Task<HubProcess> StartCommandAsync(IReadOnlyList<string> command, CancellationToken stop)
    {
        // The clients on the other cores, if there are any.
        if (Environment.ProcessorCount > 1 && OperatingSystem.IsLinux())
            System.Diagnostics.Process.GetCurrentProcess().ProcessorAffinity = (nint)((1L << Environment.ProcessorCount) - 2);
        int port = FreePort();
        var hub = new HubProcess(ChildProcess.Start([.. command, "--port", $"{port}"], "0"), port);
        for (int i = 0; i < 600; i++)
        {
            using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                await probe.ConnectAsync(IPAddress.Loopback, port, stop);
                return hub;
            }
            catch (SocketException)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(50), stop);
            }
        }

        await hub.DisposeAsync();
        throw new LoadException($"The hub did not listen. {hub._process.LastLines}");
    }

    /// <summary>User and system time so far, in seconds.</summary>
    public double CpuSeconds()
    {
        // After the name, which is in parentheses and may hold anything: field 14 is utime and field 15 is stime.
        string stat = File.ReadAllText($"/proc/{_process.Id}/stat");
        string[] fields = stat[(stat.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return (long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture)) / TicksASecond;
    }

    /// <summary>Resident memory in KiB: now, or at its peak since <see cref="ResetPeak"/>.</summary>
    public long ResidentKiB(bool peak)
    {
        string name = peak ? "VmHWM:" : "VmRSS:";
        string line = File.ReadLines($"/proc/{_process.Id}/status").First(l => l.StartsWith(name, StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }

    public void ResetPeak() => File.WriteAllText($"/proc/{_process.Id}/clear_refs", "5");

    public ValueTask DisposeAsync() => _process.DisposeAsync();

    private static int FreePort()
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)probe.LocalEndPoint!).Port;
    }
}
