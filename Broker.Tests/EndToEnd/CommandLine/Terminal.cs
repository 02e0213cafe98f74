using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;

namespace Broker.Tests.EndToEnd.CommandLine;

/// <summary>One run of the real executable in a terminal of its own, made by <c>script</c>: what a person sees, and a keyboard.</summary>
internal sealed class Terminal : IAsyncDisposable
{
    private const string ControlC = "\u0003";

    private readonly Process _process;
    private readonly StringBuilder _screen = new();
    private readonly char[] _read = new char[4096];

    private Terminal(Process process) => _process = process;

    /// <summary>Everything that was written to it so far, with the sequences that move its cursor.</summary>
    public string Screen => _screen.ToString();

    public static Terminal Start(params IReadOnlyList<string> arguments)
    {
        string dotnet = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";
        IEnumerable<string> command = [dotnet, Path.Combine(AppContext.BaseDirectory, "broker.dll"), .. arguments];
        var start = new ProcessStartInfo("script")
            { RedirectStandardInput = true, RedirectStandardOutput = true, StandardOutputEncoding = Encoding.UTF8 };
        foreach (string word in (string[])[
            "--quiet", "--return", "--command", "exec " + string.Join(' ', command.Select(word => $"'{word}'")),
                "/dev/null"]) start.ArgumentList.Add(word);
        start.Environment["TERM"] = "xterm";
        return new Terminal(Process.Start(start)!);
    }

    /// <summary>Waits until a text is written.</summary>
    /// <param name="text">It stands in one line and one colour.</param>
    public Task SeeAsync(string text) => SeeMatchAsync(Regex.Escape(text));

    /// <summary>Waits until something is written that matches a pattern.</summary>
    /// <param name="pattern">What matches stands in one line and one colour.</param>
    public async Task SeeMatchAsync(string pattern)
    {
        while (!Regex.IsMatch(Screen, pattern))
            Assert.True(await ReadAsync(), $"\"{pattern}\" was never shown, but:\n{Screen}");
    }

    public async Task PressControlCAsync()
    {
        await _process.StandardInput.WriteAsync(ControlC);
        await _process.StandardInput.FlushAsync();
    }

    /// <summary>Reads on to the end.</summary>
    /// <returns>The program's exit code.</returns>
    public async Task<int> WaitAsync()
    {
        while (await ReadAsync()) { }
        using var limit = new CancellationTokenSource(HostProcess.Patience);
        await _process.WaitForExitAsync(limit.Token);
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync() => await HostProcess.EndAsync(_process);

    private async Task<bool> ReadAsync()
    {
        using var limit = new CancellationTokenSource(HostProcess.Patience);
        try
        {
            int length = await _process.StandardOutput.ReadAsync(_read, limit.Token);
            _screen.Append(_read, 0, length);
            return length > 0;
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"Nothing more was shown within {HostProcess.Patience.TotalSeconds:0} s than:\n{Screen}");
        }
    }
}
