using System.Diagnostics;
using System.Text;
using Broker.Tests.Support;

namespace Broker.Tests.EndToEnd;

/// <summary>A client in another language: a script of <c>clients/</c> that says what it sees, one line of JSON each.</summary>
/// <remarks>Its standard input ends when this process does, however it does, and every script ends with it.</remarks>
internal sealed class ClientScript : IForeignClient
{
    private readonly Process _process;
    private readonly StringBuilder _errors = new();
    private readonly Lock _gate = new();

    private ClientScript(Process process)
    {
        _process = process;
        _process.ErrorDataReceived += (_, line) => Keep(line.Data);
        _process.BeginErrorReadLine();
    }

    /// <summary>Starts a script.</summary>
    /// <param name="interpreter">The program that runs it.</param>
    /// <param name="script">Its name.</param>
    /// <param name="arguments">What it is given.</param>
    public static ClientScript Start(string interpreter, string script, params IReadOnlyList<string> arguments) =>
        Start(interpreter, script, new Dictionary<string, string>(), arguments);

    /// <summary>Starts a script with variables of its own.</summary>
    public static ClientScript Start(
        string interpreter, string script, IReadOnlyDictionary<string, string> environment, params IReadOnlyList<string> arguments)
    {
        string folder = Path.Combine(ProjectFolder.Path, "EndToEnd", "clients");   // Where npm puts their packages.
        Assert.True(
            Path.GetExtension(script) != ".js" || Directory.Exists(Path.Combine(folder, "node_modules")),
            $"The clients' packages are not installed: run ./test, or `npm ci` in {folder}.");
        var start = new ProcessStartInfo(interpreter)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
            WorkingDirectory = folder,
        };
        foreach (string word in (string[])[script, .. arguments]) start.ArgumentList.Add(word);
        foreach ((string name, string value) in environment) start.Environment[name] = value;
        return new ClientScript(Process.Start(start)!);
    }

    private void Keep(string? line)
    {
        if (line is null) return;
        lock (_gate) _errors.AppendLine(line);
    }

    private string Errors
    {
        get
        {
            lock (_gate) return _errors.ToString();
        }
    }

    /// <inheritdoc/>
    public async Task<string> NextAsync(CancellationToken stop)
    {
        try
        {
            return await _process.StandardOutput.ReadLineAsync(stop) ?? $"the end; and it wrote: {Errors}";
        }
        catch (OperationCanceledException)
        {
            return $"nothing in time; and it wrote: {Errors}";
        }
    }

    /// <inheritdoc/>
    public async Task OnHostBackAsync()
    {
        await _process.StandardInput.WriteLineAsync("again");
        await _process.StandardInput.FlushAsync();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}
