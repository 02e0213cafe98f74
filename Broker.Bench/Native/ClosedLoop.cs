using System.Globalization;

namespace Broker.Bench.Native;

/// <summary>One connection that asks, and counts what it is answered.</summary>
internal interface IAsker : IDisposable
{
    /// <summary>Sends so many requests, together.</summary>
    ValueTask AskAsync(int requests, CancellationToken stop);

    /// <summary>Waits for one answer at least.</summary>
    /// <returns>How many came.</returns>
    ValueTask<int> AnswersAsync(CancellationToken stop);
}

/// <summary>What a server did in a measured time.</summary>
/// <param name="PerSecond">Answers a second.</param>
/// <param name="PerCpuSecond">Answers for each second of the server's processor time.</param>
internal readonly record struct Pace(double PerSecond, double PerCpuSecond)
{
    public override string ToString() =>
        string.Create(
            CultureInfo.InvariantCulture,
                $"{PerSecond,9:N0}/s   {1e6 / PerCpuSecond,6:F2} µs of the server each   {PerCpuSecond,9:N0} per CPU second");
}

/// <summary>Many in flight on each connection: whatever is answered is asked again at once.</summary>
internal static class ClosedLoop
{
    internal const int InFlight = 64;

    public static async Task<Pace> MeasureAsync(
        HubProcess server, Func<int, CancellationToken, Task<IAsker>> connect, int connections, TimeSpan warm, TimeSpan measured,
            CancellationToken stop)
    {
        var askers = new List<IAsker>();
        for (int i = 0; i < connections; i++) askers.Add(await connect(server.Port, stop));
        long answered = 0;
        bool over = false;
        Task[] running = [.. askers.Select(asker => Task.Run(() => RunAsync(asker), stop))];
        await Task.Delay(warm, stop);

        long before = Volatile.Read(ref answered);
        double cpu = server.CpuSeconds();
        long began = TimeProvider.System.GetTimestamp();
        await Task.Delay(measured, stop);
        double answers = Volatile.Read(ref answered) - before;
        cpu = server.CpuSeconds() - cpu;
        double took = TimeProvider.System.GetElapsedTime(began).TotalSeconds;
        Volatile.Write(ref over, true);
        await Task.WhenAll(running);
        foreach (IAsker asker in askers) asker.Dispose();
        return new Pace(answers / took, answers / cpu);

        async Task RunAsync(IAsker asker)
        {
            int free = InFlight;
            while (!Volatile.Read(ref over))
            {
                await asker.AskAsync(free, stop);
                free = await asker.AnswersAsync(stop);
                Interlocked.Add(ref answered, free);
            }
        }
    }
}
