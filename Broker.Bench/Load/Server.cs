using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Broker.Bench.Load;

/// <summary>A contestant that runs and listens; it ends when disposed of.</summary>
internal sealed class Server : IAsyncDisposable
{
    private static readonly TimeSpan s_startLimit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_quietLimit = TimeSpan.FromSeconds(5);

    private readonly ChildProcess _process;
    private readonly DirectoryInfo _folder;

    private Server(ChildProcess process, DirectoryInfo folder, int port)
    {
        _process = process;
        _folder = folder;
        Port = port;
    }

    public int Port { get; }

    public int ProcessId => _process.Id;

    /// <summary>Starts the contestant on a free port and waits until it listens and is done with starting.</summary>
    public static async Task<Server> StartAsync(Contestant contestant, string cores, CancellationToken stop)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("broker-bench-");
        ChildProcess? process = null;
        try
        {
            int port = FreePort();
            process = ChildProcess.Start(contestant.Command(new LaunchSite(port, folder.FullName)), cores);
            var server = new Server(process, folder, port);
            await server.ListeningAsync(contestant.Name, stop);
            await server.QuietAsync(stop);
            return server;
        }
        catch
        {
            if (process is not null) await process.DisposeAsync();
            folder.Delete(recursive: true);
            throw;
        }
    }

    /// <summary>Waits until the server uses less than a tenth of a core: connections of the run before are gone.</summary>
    public async Task QuietAsync(CancellationToken stop)
    {
        const int TicksASecond = 100;
        long started = Stopwatch.GetTimestamp();
        long before = CpuTicks();
        while (Stopwatch.GetElapsedTime(started) < s_quietLimit)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(300), stop);
            long now = CpuTicks();
            if (now - before < 0.3 * TicksASecond / 10) return;
            before = now;
        }
    }

    /// <summary>Resident memory in KiB.</summary>
    public long ResidentKiB()
    {
        string? line = ReadProcess("status").Split('\n').FirstOrDefault(l => l.StartsWith("VmRSS:", StringComparison.Ordinal));
        return line is null ? 0 : long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    private async Task ListeningAsync(string name, CancellationToken stop)
    {
        long started = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(started) < s_startLimit)
        {
            if (_process.HasExited)
            {
                int code = await _process.WaitForExitAsync(stop);
                throw new LoadException($"{name} ended with {code} before it listened. {_process.LastLines}".TrimEnd());
            }
            using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                await probe.ConnectAsync(IPAddress.Loopback, Port, stop);
                return;
            }
            catch (SocketException)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(50), stop);
            }
        }
        throw new LoadException($"{name} did not listen within {s_startLimit.TotalSeconds} s. {_process.LastLines}".TrimEnd());
    }

    /// <summary>User and system time of the process, in the kernel's ticks.</summary>
    private long CpuTicks()
    {
        // After the name, which is in parentheses and may hold anything: field 14 is utime and field 15 is stime.
        string stat = ReadProcess("stat");
        string[] fields = stat[(stat.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return fields.Length < 13
            ? 0
            : long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture);
    }

    private string ReadProcess(string file)
    {
        try
        {
            return File.ReadAllText($"/proc/{_process.Id}/{file}");
        }
        catch (IOException)
        {
            return "";    // It has ended; the generator's run will tell.
        }
    }

    private static int FreePort()
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)probe.LocalEndPoint!).Port;
    }
}
