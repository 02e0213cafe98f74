using System.Diagnostics;

namespace Broker.Bench.Load;

/// <summary>A process that this run started, on the cores it was given; ended, with all its children, when disposed of.</summary>
internal sealed class ChildProcess : IAsyncDisposable
{
    private const int LinesKept = 20;

    private readonly Process _process;
    private readonly Queue<string> _lastLines = new();
    private readonly Lock _gate = new();

    private ChildProcess(Process process)
    {
        _process = process;
        _process.OutputDataReceived += (_, e) => Keep(e.Data);
        _process.ErrorDataReceived += (_, e) => Keep(e.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>Starts a command under <c>taskset</c>, which becomes the command: the process id is the command's own.</summary>
    public static ChildProcess Start(IReadOnlyList<string> command, string cores)
    {
        var start = new ProcessStartInfo("taskset")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string word in (string[])["-c", cores, .. command]) start.ArgumentList.Add(word);
        return new ChildProcess(Process.Start(start)!);
    }

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>What it last wrote to its outputs.</summary>
    public string LastLines
    {
        get
        {
            lock (_gate) return string.Join('\n', _lastLines);
        }
    }

    /// <summary>Waits for the process's own end and for the last of its output.</summary>
    public async Task<int> WaitForExitAsync(CancellationToken stop)
    {
        await _process.WaitForExitAsync(stop);
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5));
            try
            {
                await _process.WaitForExitAsync(limit.Token);
            }
            catch (OperationCanceledException)
            {
                await Console.Error.WriteLineAsync($"Process {_process.Id} does not end.");
            }
        }
        _process.Dispose();
    }

    private void Keep(string? line)
    {
        if (line is null) return;
        lock (_gate)
        {
            if (_lastLines.Count == LinesKept) _lastLines.Dequeue();
            _lastLines.Enqueue(line);
        }
    }
}
