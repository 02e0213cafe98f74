using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Broker.Tests.Hostile;
using Broker.Tests.Support;

namespace Broker.Tests.EndToEnd;

/// <summary>The hub does not depend on who started it: on whether anyone reads its log, or has left it an output at all.</summary>
public sealed class StandardStreamsTests
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(4);

    [Theory, InlineData("text"), InlineData("json")]
    public async Task An_unread_log_stops_neither_replies_nor_the_drain(string format)
    {
        using var limit = new CancellationTokenSource(s_limit);
        int port = FreePorts.Take();
        using Process host =
            Start(port, "exec \"$@\"", ("BROKER_LOG_LEVEL", "debug"), ("BROKER_LOG_FORMAT", format), ("BROKER_SHUTDOWN_GRACE", "1s"),
                ("BROKER_LOG_QUEUE_BYTES_MAX", "64KiB"));
        using Process guard = HostProcess.StartGuard(host.Id);
        try
        {
            Assert.StartsWith("listening on", await host.StandardOutput.ReadLineAsync(limit.Token), StringComparison.Ordinal);

            // Far more than a pipe and the queue hold; standard error is a pipe that this process never reads.
            for (int i = 0; i < 2000; i++) await UpgradeAsync(port, limit.Token);
            Assert.StartsWith("HTTP/1.1 200", await AskHealthAsync(port, limit.Token), StringComparison.Ordinal);

            Assert.Equal(0, HostProcess.Signal(host.Id, 15));
            await host.WaitForExitAsync(limit.Token);
            Assert.Equal(0, host.ExitCode);
        }
        finally
        {
            await HostProcess.EndAsync(guard);
            if (!host.HasExited) await HostProcess.EndAsync(host);
        }
    }

    [Theory]
    [InlineData("exec \"$@\" >&-")]
    [InlineData("exec \"$@\" 2>&-")]
    [InlineData("exec \"$@\" <&- >&- 2>&-")]
    [InlineData("exec \"$@\" >/dev/full")]
    [InlineData("exec \"$@\" 2>/dev/full")]
    public async Task A_standard_stream_that_is_closed_or_full_keeps_the_hub_up(string script)
    {
        using var limit = new CancellationTokenSource(s_limit);
        int port = FreePorts.Take();
        using Process host = Start(port, script);
        using Process guard = HostProcess.StartGuard(host.Id);
        try
        {
            string answer = "";
            while (answer.Length == 0)
            {
                Assert.False(host.HasExited, $"The host has ended with {(host.HasExited ? host.ExitCode : 0)}.");
                answer = await AskHealthAsync(port, limit.Token);
            }

            Assert.StartsWith("HTTP/1.1 200", answer, StringComparison.Ordinal);
            Assert.Equal(0, HostProcess.Signal(host.Id, 15));
            await host.WaitForExitAsync(limit.Token);
            Assert.Equal(0, host.ExitCode);
        }
        finally
        {
            await HostProcess.EndAsync(guard);
            if (!host.HasExited) await HostProcess.EndAsync(host);
        }
    }

    [Theory, InlineData("debug"), InlineData("verbose"), InlineData("information")]
    public async Task Standard_output_has_the_line_of_each_way_in_and_no_other(string level)
    {
        using var limit = new CancellationTokenSource(s_limit);
        int port = FreePorts.Take();
        using Process host = Start(port, "exec \"$@\" 2>/dev/null", ("BROKER_LOG_LEVEL", level));
        using Process guard = HostProcess.StartGuard(host.Id);
        try
        {
            string first = await host.StandardOutput.ReadLineAsync(limit.Token) ?? "";
            await UpgradeAsync(port, limit.Token);
            Assert.Equal(0, HostProcess.Signal(host.Id, 15));
            await host.WaitForExitAsync(limit.Token);

            Assert.Equal($"listening on http://127.0.0.1:{port}", first);
            Assert.Equal("", await host.StandardOutput.ReadToEndAsync(limit.Token));
        }
        finally
        {
            await HostProcess.EndAsync(guard);
            if (!host.HasExited) await HostProcess.EndAsync(host);
        }
    }

    [Theory, InlineData("text"), InlineData("json")]
    public async Task A_close_reason_forges_no_log_line(string format)
    {
        using var limit = new CancellationTokenSource(s_limit);
        await using HostProcess host =
            await HostProcess.StartAsync(new Dictionary<string, string> { ["BROKER_LOG_LEVEL"] = "debug", ["BROKER_LOG_FORMAT"] = format });
        using (Attacker client = await Attacker.OpenAsync(host.Port, AttackedHost.HubPath, limit.Token))
        {
            byte[] reason = Encoding.UTF8.GetBytes("bye\n2026-01-01T00:00:00.000Z FTL forged\u001b[31m\u009b1m\u2028end");
            byte[] frame = [0x88, (byte)(0x80 | (reason.Length + 2)), 0, 0, 0, 0, 0x0f, 0xa1, .. reason];
            Assert.True(await client.TrySendAsync(frame, limit.Token));
            await client.ReadToEndAsync(limit.Token);
        }

        string escape = format == "json" ? "\\u001B" : "\\u001b";     // JSON's writer has its own digits.
        await host.ExpectLogAsync($"forged{escape}[31m\\u009b1m\\u2028end");
        await host.StopAsync();
        Assert.DoesNotContain(host.Log.Split('\n'), line => line.StartsWith("2026-01-01", StringComparison.Ordinal));
        Assert.DoesNotContain(host.Log, letter => letter is '\u001b' or '\u009b' or '\u2028');
    }

    private static Process Start(int port, string script, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo("/bin/sh")
            { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        string[] words =
        [
            "-c", script, "sh", Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet",
                Path.Combine(AppContext.BaseDirectory, "broker.dll"),
            "serve", "--port", port.ToString(CultureInfo.InvariantCulture),
        ];
        foreach (string word in words) start.ArgumentList.Add(word);
        foreach ((string name, string value) in environment) start.Environment[name] = value;
        return Process.Start(start)!;
    }

    private static async Task UpgradeAsync(int port, CancellationToken stop)
    {
        using Attacker client = await Attacker.OpenAsync(port, AttackedHost.HubPath, stop);
    }

    private static async Task<string> AskHealthAsync(int port, CancellationToken stop)
    {
        using var client = new TcpClient();
        try
        {
            await client.ConnectAsync(IPAddress.Loopback, port, stop);
            await client.GetStream().WriteAsync("GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"u8.ToArray(), stop);
            using var reader = new StreamReader(client.GetStream());
            return await reader.ReadToEndAsync(stop);
        }
        catch (SocketException)
        {
            return "";
        }
        catch (IOException)
        {
            return "";
        }
    }
}
