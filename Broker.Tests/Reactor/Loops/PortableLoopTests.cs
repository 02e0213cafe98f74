using Broker.Core.Upgrade;
using Broker.Reactor.Loops;
using Microsoft.Extensions.Time.Testing;

namespace Broker.Tests.Reactor.Loops;

public sealed class PortableLoopTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Fact]
    public void What_is_posted_runs_in_order_on_the_thread_of_the_loop()
    {
        using PortableLoop loop = Make(TimeProvider.System);
        List<int> ran = [];
        for (int i = 0; i < 100; i++) loop.Post(state => ran.Add((int)state), i);

        loop.RunOnce(0);

        Assert.Equal(Enumerable.Range(0, 100), ran);
    }

    [Fact]
    public void What_a_turn_posts_itself_runs_in_the_same_turn()
    {
        using PortableLoop loop = Make(TimeProvider.System);
        bool ran = false;
        loop.Post(_ => EventLoop.Current!.Post(_ => ran = true, ""), "");

        loop.RunOnce(0);

        Assert.True(ran);
        Assert.Null(EventLoop.Current);
    }

    [Fact]
    public async Task A_sleeping_loop_is_woken_by_every_post()
    {
        using PortableLoop loop = Make(TimeProvider.System);
        var thread = new Thread(loop.Run) { IsBackground = true };
        thread.Start();

        for (int i = 0; i < 1000; i++)
        {
            var ran = new TaskCompletionSource<EventLoop?>(TaskCreationOptions.RunContinuationsAsynchronously);
            loop.Post(state => ((TaskCompletionSource<EventLoop?>)state).SetResult(EventLoop.Current), ran);
            Assert.Same(loop, await ran.Task.WaitAsync(Limit));
        }

        loop.Stop();
        Assert.True(thread.Join(Limit));
    }

    [Fact]
    public void A_sleep_ends_at_the_next_deadline()
    {
        using PortableLoop loop = Make(TimeProvider.System);
        var due = new Due();
        due.ArmIn(loop, 1);

        while (due.Calls == 0) loop.RunOnce(-1);

        Assert.Equal(1, due.Calls);
    }

    [Fact]
    public void Deadlines_follow_the_clock_that_the_loop_was_given()
    {
        var time = new FakeTimeProvider();
        using PortableLoop loop = Make(time);
        var due = new Due();
        due.ArmIn(loop, 1000);

        time.Advance(TimeSpan.FromMilliseconds(999));
        loop.RunOnce(0);
        Assert.Equal(0, due.Calls);

        time.Advance(TimeSpan.FromMilliseconds(65));
        loop.RunOnce(0);
        Assert.Equal(1, due.Calls);
    }

    [Fact]
    public void Work_that_fails_is_reported_and_ends_nothing()
    {
        using PortableLoop loop = Make(TimeProvider.System);
        List<string> failures = [];
        loop.WorkFailed += failure => failures.Add(failure.Message);
        loop.Post(_ => throw new InvalidOperationException("one"), "");
        loop.Post(_ => throw new InvalidOperationException("two"), "");

        loop.RunOnce(0);

        Assert.Equal(["one", "two"], failures);
    }

    private static PortableLoop Make(TimeProvider time) => new(0, new ReactorSettings(), new NoAcceptor(), time);

    private sealed class Due : ITimerOwner
    {
        private TimerEntry _entry;

        public ref TimerEntry Timer => ref _entry;

        public int Calls { get; private set; }

        public void ArmIn(EventLoop loop, long milliseconds) => loop.Timers.Schedule(this, loop.NowMilliseconds + milliseconds);

        public void OnDue(long nowMilliseconds)
        {
            Calls++;
        }
    }
}

/// <summary>Admits the one that was admitted already, and puts nothing above them but what a test attaches.</summary>
internal sealed class NoAcceptor : IConnectionAcceptor
{
    public List<Connection> OpenedOnes { get; } = [];

    public List<Closure> Closures { get; } = [];

    public WebSocketEndpoint? Find(UpgradeRequest request) => null;

    public bool MayOpen(out TimeSpan retryAfter)
    {
        retryAfter = default;
        return true;
    }

    public bool TryHandOver(Func<HandedOver> take) => false;

    public void Opened(Connection connection, UpgradeRequest request) => OpenedOnes.Add(connection);

    public void Ended(Connection connection, Closure closure) => Closures.Add(closure);
}
