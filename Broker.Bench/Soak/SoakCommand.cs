using System.CommandLine;
using System.Diagnostics;
using System.Globalization;

namespace Broker.Bench.Soak;

/// <summary><c>soak</c>: random frames through the frame engine, every byte of what comes out compared.</summary>
internal static class SoakCommand
{
    private static readonly TimeSpan s_progress = TimeSpan.FromSeconds(10);

    public static Command Create()
    {
        var frames = new Option<long>("--frames") { Description = "How many frames at least.", DefaultValueFactory = _ => 100_000_000 };
        var seed = new Option<ulong>("--seed")
            { Description = "Of the random numbers: the same seed is the same run.",
                DefaultValueFactory = _ => (ulong)Random.Shared.NextInt64() };
        var command =
            new Command("soak",
                "Random frames of random sizes, kinds, fragments and cuts through the frame engine; ends with 1 at the first wrong byte or "
                    + "lost buffer.")
        {
            frames,
            seed,
        };
        command.SetAction(parsed => Run(parsed.GetRequiredValue(frames), parsed.GetRequiredValue(seed), Console.Out));
        return command;
    }

    private static int Run(long framesWanted, ulong seed, TextWriter output)
    {
        output.WriteLine(Text($"soak --frames {framesWanted} --seed {seed}"));
        var run = new SoakRun(seed);
        long start = Stopwatch.GetTimestamp();
        TimeSpan reported = default;
        try
        {
            while (run.Frames < framesWanted)
            {
                run.RunConnection();
                TimeSpan elapsed = Stopwatch.GetElapsedTime(start);
                if (elapsed - reported < s_progress) continue;
                reported = elapsed;
                output.WriteLine(Progress(run, elapsed));
            }
        }
        catch (SoakException failure)
        {
            output.WriteLine(Text($"Failed at frame {run.Frames} of seed {seed}: {failure.Message}"));
            return 1;
        }

        output.WriteLine(Progress(run, Stopwatch.GetElapsedTime(start)));
        output.WriteLine("All of it came out as it went in, and every buffer came back.");
        return 0;
    }

    private static string Progress(SoakRun run, TimeSpan elapsed) => Text(
        $"{elapsed.TotalSeconds,6:F0} s  {run.Frames,12:N0} frames  {run.Frames / elapsed.TotalSeconds / 1e6:F2} M/s  {run.Bytes / 1e9:F1} "
            + $"GB  {run.Reads:N0} reads  {run.Connections:N0} connections  {Environment.WorkingSet / (1024 * 1024)} MiB resident, "
            + $"{GC.GetTotalMemory(forceFullCollection: false) / (1024 * 1024)} MiB managed");

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

/// <summary>Something came out that did not go in.</summary>
internal sealed class SoakException(string message) : Exception(message);
