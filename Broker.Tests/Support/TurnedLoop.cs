using Broker.Actors.Runtime;
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Configuration;
using Akka.TestKit;
using Akka.TestKit.Xunit2;
using Broker.Reactor.Loops;
using Xunit;

namespace Broker.Tests.Support;

/// <summary>An actor system whose loops the test's thread drives, turn by turn; nothing of theirs runs elsewhere.</summary>
/// <remarks>What Akka itself does on other threads is waited for inside a turn, as a loop waits for its sockets.</remarks>
internal class TurnedLoop : IDisposable
{
    // Both: a loop that is never idle takes its turns in no time, and another thread may have got none by then.
    private const int TurnsMax = 5_000;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly TestKit _kit;

    public TurnedLoop(params IReadOnlyList<EventLoop> loops)
    {
        Loops = loops;
        foreach (EventLoop loop in loops) loop.WorkFailed += Failures.Add;
        var setup = new LoopSetup(loops);
        Config config = ConfigurationFactory.ParseString(setup.ToHocon())
            .WithFallback("akka { loglevel = OFF, stdout-loglevel = OFF, log-dead-letters = off }")
            .WithFallback("akka.scheduler.implementation = \"Akka.TestKit.TestScheduler, Akka.TestKit\"")
            .WithFallback(TestKitBase.DefaultConfig);
        System = ActorSystem.Create("test", BootstrapSetup.Create().WithConfig(config).And(setup));
        _kit = new TestKit(System);
    }

    public IReadOnlyList<EventLoop> Loops { get; }

    public ActorSystem System { get; }

    /// <summary>Akka's clock, which stands until a test moves it.</summary>
    public TestScheduler Scheduler => (TestScheduler)System.Scheduler;

    /// <summary>What work on the loops let escape.</summary>
    public List<Exception> Failures { get; } = [];

    public TestProbe CreateProbe() => _kit.CreateTestProbe();

    /// <summary>
    /// Starts an actor on a loop, and waits until it takes messages: Akka starts those at the top on a thread of its own.
    /// </summary>
    public IActorRef Start(int loop, Props props, string? name = null)
    {
        var actor = (RepointableActorRef)System.ActorOf(props.WithDispatcher(LoopSetup.DispatcherOf(loop)), name);
        RunUntil(() => actor.IsStarted, $"the actor {actor.Path.Name} starts");
        return actor;
    }

    /// <summary>Turns of all loops, one after the other, without waiting.</summary>
    public void Turn(int turns = 1)
    {
        for (int turn = 0; turn < turns; turn++)
        {
            foreach (EventLoop loop in Loops) loop.RunOnce(0);
        }
    }

    /// <summary>Turns of all loops until something is so.</summary>
    public void RunUntil(Func<bool> condition, string what)
    {
        long start = Environment.TickCount64;
        for (int turn = 0; turn < TurnsMax || Environment.TickCount64 - start < s_patience.TotalMilliseconds; turn++)
        {
            if (condition()) return;
            foreach (EventLoop loop in Loops) loop.RunOnce(turn < 16 ? 0 : 1);
        }

        Assert.Fail($"In {s_patience.TotalSeconds} s it did not come to this: {what}. {string.Join('\n', Failures)}");
    }

    public virtual void Dispose()
    {
        Task terminated = System.Terminate();
        RunUntil(() => terminated.IsCompleted, "the actor system ends");
        _kit.Dispose();
        foreach (EventLoop loop in Loops) (loop as IDisposable)?.Dispose();
    }
}
