using System.Collections.Concurrent;
using Broker.Client;

namespace Broker.Tests.Client;

public sealed class ListenersTests
{
    private event Action? Notified;

    [Fact]
    public void A_throwing_listener_is_reported_as_an_unobserved_exception()
    {
        string mark = Guid.NewGuid().ToString();
        var unobserved = new ConcurrentQueue<string>();
        EventHandler<UnobservedTaskExceptionEventArgs> receive = (_, what) => unobserved.Enqueue(what.Exception.ToString());
        TaskScheduler.UnobservedTaskException += receive;
        int received = 0;
        Notified += () => throw new InvalidOperationException($"event {mark}");
        Notified += () => received++;

        Notified.Notify(static listener => listener());
        new Breaking(mark).Notify(1, 2);

        // A task that has failed is found when it is collected, once its thread has let go of it.
        SpinWait.SpinUntil(() =>
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            return unobserved.Count(text => text.Contains(mark, StringComparison.Ordinal)) >= 2;
        }, ScriptedHub.Patience);

        TaskScheduler.UnobservedTaskException -= receive;
        Assert.Equal(1, received);
        Assert.Contains(unobserved, text => text.Contains($"event {mark}", StringComparison.Ordinal));
        Assert.Contains(unobserved, text => text.Contains($"progress {mark}", StringComparison.Ordinal));
    }

    private sealed class Breaking(string mark) : IProgress<TransferProgress>
    {
        public void Report(TransferProgress value) => throw new InvalidOperationException($"progress {mark}");
    }
}
