using System.Collections.Concurrent;
using Broker.Client;

namespace Broker.Tests.Client;

public sealed class ListenersTests
{
    private event Action? Told;

    [Fact]
    public void What_a_listener_throws_keeps_nothing_from_the_next_and_is_told_as_what_no_task_awaits()
    {
        string mark = Guid.NewGuid().ToString();
        var unobserved = new ConcurrentQueue<string>();
        EventHandler<UnobservedTaskExceptionEventArgs> hear = (_, what) => unobserved.Enqueue(what.Exception.ToString());
        TaskScheduler.UnobservedTaskException += hear;
        int heard = 0;
        Told += () => throw new InvalidOperationException($"event {mark}");
        Told += () => heard++;

        Told.Notify(static listener => listener());
        new Breaking(mark).Notify(1, 2);

        for (int i = 0; i < 100 && unobserved.Count(text => text.Contains(mark, StringComparison.Ordinal)) < 2; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        TaskScheduler.UnobservedTaskException -= hear;
        Assert.Equal(1, heard);
        Assert.Contains(unobserved, text => text.Contains($"event {mark}", StringComparison.Ordinal));
        Assert.Contains(unobserved, text => text.Contains($"progress {mark}", StringComparison.Ordinal));
    }

    private sealed class Breaking(string mark) : IProgress<TransferProgress>
    {
        public void Report(TransferProgress value) => throw new InvalidOperationException($"progress {mark}");
    }
}
