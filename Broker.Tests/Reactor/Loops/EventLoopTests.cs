using Broker.Core.Framing;
using Broker.Reactor;
using Broker.Reactor.Loops;
using Broker.Tests.Reactor.Sockets;
using Broker.Tests.Support;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Broker.Tests.Reactor.Loops;

public abstract class EventLoopTests(ReactorBackend backend) : BackendTest(backend)
{
    [Fact]
    public void Work_from_other_threads_runs_once_and_in_each_threads_order()
    {
        const int Threads = 4, Each = 2000;
        using var harness = NewHarness();
        var ran = new List<(int Thread, int Number)>();
        var threads = Enumerable.Range(0, Threads).Select(thread => new Thread(() =>
        {
            for (int number = 0; number < Each; number++) harness.Loop.Post(state => ran.Add(((int, int))state), (thread, number));
        })).ToList();

        foreach (Thread thread in threads) thread.Start();
        harness.Until(() => ran.Count == Threads * Each);
        foreach (Thread thread in threads) thread.Join();
        harness.Settle();

        Assert.Equal(Threads * Each, ran.Count);
        for (int thread = 0; thread < Threads; thread++)
        {
            Assert.Equal(Enumerable.Range(0, Each), ran.Where(work => work.Thread == thread).Select(work => work.Number));
        }
    }

    [Fact]
    public void Work_that_the_loop_posts_to_itself_runs_in_the_same_turn_and_in_order()
    {
        using var harness = NewHarness();
        var ran = new List<int>();
        harness.Loop.Post(_ =>
        {
            for (int number = 0; number < 3; number++) harness.Loop.Post(state => ran.Add((int)state), number);
        }, "");

        harness.Loop.RunOnce(0);

        Assert.Equal([0, 1, 2], ran);
    }

    [Fact]
    public void A_batch_posted_to_a_sleeping_loop_wakes_it_once()
    {
        var loop = new ScriptedLoop();
        int ran = 0;
        loop.WhileAsleep = () => OnAnotherThread(() =>
        {
            for (int i = 0; i < 100; i++) loop.Post(_ => ran++, "");
        });

        loop.RunOnce(-1);

        Assert.Equal((1, 100), (loop.Wakes, ran));
    }

    [Fact]
    public void A_loop_that_is_awake_is_not_woken()
    {
        var loop = new ScriptedLoop();
        int ran = 0;
        OnAnotherThread(() => loop.Post(_ => ran++, ""));

        loop.RunOnce(-1);

        Assert.Equal((0, 1), (loop.Wakes, ran));
        Assert.Equal([0], loop.Waits);
    }

    [Fact]
    public void A_loop_woken_once_can_be_woken_again()
    {
        var loop = new ScriptedLoop();
        loop.WhileAsleep = () => OnAnotherThread(() => loop.Post(_ => { }, ""));

        for (int turn = 0; turn < 5; turn++) loop.RunOnce(-1);

        Assert.Equal(5, loop.Wakes);
    }

    [Fact]
    public void A_turn_with_no_wait_never_waits()
    {
        var loop = new ScriptedLoop();
        for (int turn = 0; turn < 5; turn++) loop.RunOnce(0);

        Assert.Equal([0, 0, 0, 0, 0], loop.Waits);
    }

    [Fact]
    public void A_loop_sleeps_no_longer_than_to_its_next_deadline()
    {
        var loop = new ScriptedLoop();
        var pause = new Sleeper();
        pause.Set(loop.Timers, 1000);

        loop.RunOnce(-1);
        loop.RunOnce(100);

        Assert.Equal([0, 1024, 0, 100], loop.Waits);
    }

    [Fact]
    public void A_loop_does_not_sleep_while_its_own_work_waits()
    {
        var loop = new ScriptedLoop();
        int ran = 0;
        loop.TurnEnding += () => { if (ran == 0) loop.Post(_ => ran++, ""); };

        loop.RunOnce(0);
        Assert.Equal(0, ran);
        loop.RunOnce(-1);

        Assert.Equal(1, ran);
        Assert.DoesNotContain(-1, loop.Waits);
    }

    [Fact]
    public void Work_that_fails_is_reported_and_what_follows_runs()
    {
        using var harness = NewHarness();
        bool ran = false;
        harness.Loop.Post(_ => throw new InvalidOperationException("one"), "");
        harness.Loop.Post(_ => ran = true, "");

        harness.Loop.RunOnce(0);

        Assert.True(ran);
        Assert.Equal("one", Assert.Single(harness.TakeFailures()).Message);
    }

    [Fact]
    public void A_deadline_that_fails_is_reported_and_keeps_no_other_from_its_time()
    {
        using var harness = NewHarness();
        Sleeper[] sleepers = [new(), new(), new()];
        foreach (Sleeper sleeper in sleepers)
        {
            sleeper.Fails = true;
            sleeper.Set(harness.Loop.Timers, 100);
        }

        harness.Pass(TimeSpan.FromMilliseconds(100));
        harness.Settle();

        Assert.All(sleepers, sleeper => Assert.Equal(1, sleeper.Fired));
        Assert.Equal(3, harness.TakeFailures().Count);
    }

    [Fact]
    public void A_listener_of_failures_that_fails_stops_nothing()
    {
        using var harness = NewHarness();
        bool ran = false;
        harness.Loop.WorkFailed += _ => throw new InvalidOperationException("the listener");
        harness.Loop.Post(_ => throw new InvalidOperationException("one"), "");
        harness.Loop.Post(_ => ran = true, "");

        harness.Loop.RunOnce(0);

        Assert.True(ran);
        Assert.Single(harness.TakeFailures());
    }

    [Fact]
    public void One_listener_of_a_turns_end_that_fails_does_not_keep_it_from_the_next()
    {
        using var harness = NewHarness();
        bool received = false;
        harness.Loop.TurnEnding += () => throw new InvalidOperationException("one");
        harness.Loop.TurnEnding += () => received = true;

        harness.Loop.RunOnce(0);

        Assert.True(received);
        Assert.Equal("one", Assert.Single(harness.TakeFailures()).Message);
    }

    [Fact]
    public void What_is_written_while_a_turn_ends_leaves_with_that_turn()
    {
        using var harness = NewHarness();
        (LoopClient client, RecordingHandler handler) = harness.Open();
        harness.Settle();
        harness.Loop.TurnEnding += () => handler.Connection.Write(FrameWriter.Frame(Opcode.Text, "hi"u8));

        harness.Loop.RunOnce(0);

        Assert.Equal(0, handler.Connection.QueuedBytes);
        Assert.True(client.ReadSome());
    }

    [Fact]
    public void The_current_loop_is_known_only_to_its_own_work()
    {
        using var harness = NewHarness();
        EventLoop? seen = null;
        harness.Loop.Post(_ => seen = EventLoop.Current, "");

        harness.Loop.RunOnce(0);

        Assert.Same(harness.Loop, seen);
        Assert.Null(EventLoop.Current);
    }

    [Fact]
    public async Task A_running_loop_is_woken_by_a_post_and_stopped_by_another_thread()
    {
        var acceptor = new RecordingAcceptor(LoopHarness.Endpoint);
        using var loop = ReactorFactory.Create(0, new ReactorSettings(), acceptor, TimeProvider.System);
        Task running = Task.Factory.StartNew(loop.Run, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        var ran = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

        loop.Post(_ => ran.SetResult(), "");
        await ran.Task.WaitAsync(TimeSpan.FromSeconds(60));
        loop.Stop();

        await running.WaitAsync(TimeSpan.FromSeconds(60));
    }

    private static void OnAnotherThread(ThreadStart action)
    {
        var thread = new Thread(action);
        thread.Start();
        thread.Join();
    }

    private sealed class Sleeper : ITimerOwner
    {
        private TimerEntry _entry;

        public ref TimerEntry Timer => ref _entry;

        public void Set(TimerWheel wheel, long due) => wheel.Schedule(this, due);

        public bool Fails { get; set; }

        public int Fired { get; private set; }

        public void OnDue(long nowMilliseconds)
        {
            Fired++;
            if (Fails) throw new InvalidOperationException("mine");
        }
    }

    /// <summary>A loop without sockets, whose sleeps a test fills.</summary>
    private sealed class ScriptedLoop()
        : EventLoop(0, new ReactorSettings(), new RecordingAcceptor(LoopHarness.Endpoint), new FakeTimeProvider())
    {
        public List<int> Waits { get; } = [];

        public int Wakes { get; private set; }

        public Action? WhileAsleep { get; set; }

        private protected override bool Poll(int waitMilliseconds)
        {
            Waits.Add(waitMilliseconds);
            if (waitMilliseconds != 0) WhileAsleep?.Invoke();
            return false;
        }

        private protected override void Wake() => Wakes++;
    }
}

public sealed class EpollEventLoopTests() : EventLoopTests(ReactorBackend.Epoll);

public sealed class RingEventLoopTests() : EventLoopTests(ReactorBackend.IoUring);
