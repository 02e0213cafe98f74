using System.Diagnostics;
using System.Text;

namespace Broker.Tests.EndToEnd.CommandLine;

/// <summary>One run of the real executable as a client, with pipes for its standard streams.</summary>
internal sealed class BrokerProgram : IAsyncDisposable
{
    private readonly Process _process;

    private BrokerProgram(Process process) => _process = process;

    public static BrokerProgram Start(Uri? url, params IReadOnlyList<string> arguments)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.Latin1,       // A character a byte, whatever they are.
        };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "broker.dll"));
        foreach (string word in arguments) start.ArgumentList.Add(word);
        if (url is not null) start.Environment["BROKER_URL"] = url.ToString();
        return new BrokerProgram(Process.Start(start)!);
    }

    /// <summary>Runs to the end.</summary>
    /// <param name="url">Of the hub, as the variable that the commands read.</param>
    /// <param name="input">Standard input.</param>
    /// <param name="arguments">The command line.</param>
    public static async Task<(int Code, string Output, string Error)> RunAsync(
        Uri? url, byte[]? input, params IReadOnlyList<string> arguments)
    {
        await using BrokerProgram program = Start(url, arguments);
        using var limit = new CancellationTokenSource(HostProcess.Patience);
        Task<string> output = program._process.StandardOutput.ReadToEndAsync(limit.Token), error =
            program._process.StandardError.ReadToEndAsync(limit.Token);
        try
        {
            if (input is not null) await program._process.StandardInput.BaseStream.WriteAsync(input, limit.Token);
            program._process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has ended without reading its input.
        }

        int code = await program.WaitAsync();
        return (code, await output, await error);
    }

    public void SendInterrupt() => HostProcess.SendInterrupt(_process);

    public void SendTerminate() => HostProcess.SendTerminate(_process);

    /// <summary>Writes to its standard input, which stays open.</summary>
    public async Task WriteInputAsync(byte[] bytes)
    {
        await _process.StandardInput.BaseStream.WriteAsync(bytes);
        await _process.StandardInput.BaseStream.FlushAsync();
    }

    /// <summary>Reads its standard output no longer, as a program behind a pipe that has ended.</summary>
    public void CloseOutput() => _process.StandardOutput.Close();

    public async Task<string?> ReadOutputAsync() => await ReadAsync(_process.StandardOutput);

    public async Task<string?> ReadErrorAsync() => await ReadAsync(_process.StandardError);

    public async Task<int> WaitAsync()
    {
        using var limit = new CancellationTokenSource(HostProcess.Patience);
        await _process.WaitForExitAsync(limit.Token);
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync() => await HostProcess.EndAsync(_process);

    private static async Task<string?> ReadAsync(StreamReader reader)
    {
        using var limit = new CancellationTokenSource(HostProcess.Patience);
        return await reader.ReadLineAsync(limit.Token);
    }
}
