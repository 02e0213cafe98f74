using Broker.Client;
using Spectre.Console;

namespace Broker.Cli.Terminal;

/// <summary>Shows on standard error how far long work is: a bar where a person looks, and nothing in a pipe.</summary>
internal sealed class ProgressView(Streams streams)
{
    // Work that is done sooner needs no bar, and a bar that flashes only disturbs.
    private const long ShownBytes = 1024 * 1024;

    /// <summary>Runs work whose size in bytes is known, or told as it goes.</summary>
    /// <param name="title">What is being done.</param>
    /// <param name="bytes">How much there is to do, or -1 while unknown.</param>
    /// <param name="work">The work; reports how far it is.</param>
    public Task<T> RunAsync<T>(string title, long bytes, Func<IProgress<TransferProgress>?, Task<T>> work)
    {
        if (!streams.ShowsProgress || (bytes >= 0 && bytes < ShownBytes)) return work(null);
        return MakeProgress(
            new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new DownloadedColumn(), new TransferSpeedColumn())
            .StartAsync(context =>
            {
                ProgressTask task = context.AddTask(Markup.Escape(title), maxValue: Math.Max(1, bytes));
                task.IsIndeterminate = bytes < 0;
                return work(new Reports(task));
            });
    }

    /// <summary>Runs work of which only a count is known.</summary>
    public Task<T> CountAsync<T>(string title, Func<Action<long>?, Task<T>> work)
    {
        if (!streams.ShowsProgress) return work(null);
        return MakeProgress(new SpinnerColumn(), new TaskDescriptionColumn(), new ElapsedTimeColumn())
            .StartAsync(context =>
            {
                ProgressTask task = context.AddTask(Markup.Escape(title));
                task.IsIndeterminate = true;
                return work(count => task.Description = Markup.Escape($"{title}: {count:n0}"));
            });
    }

    private Progress MakeProgress(params ProgressColumn[] columns) => AnsiConsole
        .Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(streams.Error) })
        .Progress()
        .AutoClear(true)
        .Columns(columns);

    private sealed class Reports(ProgressTask task) : IProgress<TransferProgress>
    {
        public void Report(TransferProgress value)
        {
            if (value.Total > 0) task.MaxValue = value.Total;
            task.IsIndeterminate = value.Total < 0;
            task.Value = value.Bytes;
        }
    }
}
