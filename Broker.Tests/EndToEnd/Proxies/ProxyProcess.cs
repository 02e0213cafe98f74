using System.Diagnostics;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Text;
using Broker.Tests.Support;

namespace Broker.Tests.EndToEnd.Proxies;

/// <summary>A proxy in the foreground, on a free port of this machine alone, ended by its id.</summary>
internal sealed class ProxyProcess : IAsyncDisposable
{
    private const int AttemptsMax = 3;

    private readonly Process _process;
    private readonly Process _guard;
    private readonly string _folder;

    private ProxyProcess(Process process, string folder, int port)
    {
        _process = process;
        _guard = HostProcess.StartGuard(process.Id);
        _folder = folder;
        Port = port;
    }

    /// <summary>The port that it listens on.</summary>
    public int Port { get; }

    /// <summary>Starts a proxy before a hub, and waits until it listens.</summary>
    public static async Task<ProxyProcess> StartAsync(ProxyKind kind, int hubPort)
    {
        Assert.True(File.Exists(kind.Program), $"{kind.Program} is not installed: run ./test.");

        // A port that is free now may be taken a moment later.
        for (int attempt = 1; ; attempt++)
        {
            (ProxyProcess proxy, Task<string> errors) = Start(kind, hubPort, FreePorts.Take());
            Assert.True(SpinWait.SpinUntil(() => proxy.IsListening || proxy._process.HasExited, HostProcess.Patience),
                "The proxy does not listen.");
            if (!proxy._process.HasExited) return proxy;

            await proxy.DisposeAsync();
            Assert.True(attempt < AttemptsMax, $"The proxy ended: {await errors}");
        }
    }

    private static (ProxyProcess Proxy, Task<string> Errors) Start(ProxyKind kind, int hubPort, int port)
    {
        string folder = Directory.CreateTempSubdirectory("broker-proxy-").FullName;
        string configuration = kind.Configuration
            .With("127.0.0.1:8000", $"127.0.0.1:{hubPort}")
            .With(kind.IsNginx ? "listen 8080;" : "bind :8080", kind.IsNginx ? $"listen 127.0.0.1:{port};" : $"bind 127.0.0.1:{port}");
        string file = Path.Combine(folder, "proxy.conf");
        File.WriteAllText(file, kind.IsNginx ? Framed(configuration, folder) : configuration);

        var start = new ProcessStartInfo(kind.Program) { RedirectStandardError = true, RedirectStandardOutput = true };
        string[] words = kind.IsNginx ? ["-p", folder, "-c", file, "-e", "stderr"] : ["-db", "-f", file];
        foreach (string word in words) start.ArgumentList.Add(word);
        Process process = Process.Start(start)!;
        process.OutputDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        return (new ProxyProcess(process, folder, port), process.StandardError.ReadToEndAsync());
    }

    // One process, so that ending it ends all of it, and nothing written outside the folder.
    private static string Framed(string configuration, string folder)
    {
        var frame = new StringBuilder(
            $"daemon off;\nmaster_process off;\nerror_log stderr;\npid {folder}/pid;\nevents {{}}\nhttp {{\naccess_log off;\n");
        foreach (string kind in (string[])["client_body", "proxy", "fastcgi", "uwsgi", "scgi"])
            frame.Append(System.Globalization.CultureInfo.InvariantCulture, $"{kind}_temp_path {folder}/{kind};\n");
        return frame.Append(configuration).Append("}\n").ToString();
    }

    private bool IsListening =>
        IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners().Contains(new IPEndPoint(IPAddress.Loopback, Port));

    /// <summary>Ends it, and takes its folder away.</summary>
    public async ValueTask DisposeAsync()
    {
        // The guard first: once the process is gone, its id may be another's.
        await HostProcess.EndAsync(_guard);
        await HostProcess.EndAsync(_process);
        Directory.Delete(_folder, recursive: true);
    }
}
