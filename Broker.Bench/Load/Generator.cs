namespace Broker.Bench.Load;

/// <summary>The load generator: a program that is given, not part of this repository.</summary>
internal sealed class Generator(string program, string cores)
{
    /// <summary>Runs it once against a server.</summary>
    /// <param name="limit">How long it may take before it is ended.</param>
    /// <exception cref="LoadException">It took too long, or printed no figures.</exception>
    public Task<Reading> RunAsync(Server server, string label, IEnumerable<string> arguments, TimeSpan limit, CancellationToken stop) =>
        RunAsync(server.Port, server.ProcessId, label, arguments, limit, stop);

    /// <summary>Runs it once against the server on a port.</summary>
    /// <param name="processId">Whose processor time and memory it reads.</param>
    /// <exception cref="LoadException">It took too long, or printed no figures.</exception>
    public async Task<Reading> RunAsync(
        int port, int processId, string label, IEnumerable<string> arguments, TimeSpan limit, CancellationToken stop)
    {
        string[] command =
            [program, .. arguments, "--port", $"{port}", "--pid", $"{processId}", "--label", label];
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop);
        either.CancelAfter(limit);

        await using ChildProcess process = ChildProcess.Start(command, cores);
        try
        {
            int code = await process.WaitForExitAsync(either.Token);
            return Reading.Parse(process.LastLines)
                ?? throw new LoadException($"The generator ended with {code}. {process.LastLines}");
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            throw new LoadException($"The generator took more than {limit.TotalSeconds:0} s. {process.LastLines}");
        }
    }
}
