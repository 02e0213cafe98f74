using Broker.Actors.Runtime;
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Configuration;
using Broker.Reactor.Loops;
using Broker.Tests.Support;
using Xunit;

namespace Broker.Tests.Loops;

public class LoopExecutorTests
{
    private sealed class Witness(List<(object Message, EventLoop? Loop, int Thread)> seen) : UntypedActor
    {
        protected override void OnReceive(object message) => seen.Add((message, EventLoop.Current, Environment.CurrentManagedThreadId));
    }

    [Fact]
    public void Actors_of_a_loops_dispatcher_run_on_that_loops_thread_and_only_in_its_turns()
    {
        using var harness = new TurnedLoop(new FakeLoop(0), new FakeLoop(1));
        var seen = new List<(object Message, EventLoop? Loop, int Thread)>();
        IActorRef[] witnesses = [.. harness.Loops.Select(loop => harness.Start(loop.Number, Props.Create(() => new Witness(seen))))];

        witnesses[0].Tell("zero");
        witnesses[1].Tell("one");
        Assert.Empty(seen);
        harness.Loops[1].RunOnce(0);
        harness.Loops[0].RunOnce(0);

        int here = Environment.CurrentManagedThreadId;
        Assert.Equal([("one", harness.Loops[1], here), ("zero", harness.Loops[0], here)], seen);
    }

    [Fact]
    public void A_message_between_actors_of_a_loop_arrives_in_the_same_turn()
    {
        using var harness = new TurnedLoop(new FakeLoop());
        var seen = new List<(object Message, EventLoop? Loop, int Thread)>();
        IActorRef witness = harness.Start(loop: 0, Props.Create(() => new Witness(seen)));
        IActorRef relay = harness.Start(loop: 0, Props.Create(() => new Relay(witness)));

        relay.Tell("hello");
        harness.Loops[0].RunOnce(0);

        Assert.Equal("hello", Assert.Single(seen).Message);
    }

    private sealed class Relay(IActorRef next) : UntypedActor
    {
        protected override void OnReceive(object message) => next.Tell(message);
    }

    [Fact]
    public async Task Without_loops_the_dispatcher_names_what_is_missing()
    {
        Config config =
            ConfigurationFactory.ParseString(new LoopSetup([new FakeLoop()]).ToHocon())
                .WithFallback("akka { loglevel = OFF, stdout-loglevel = OFF }");
        ActorSystem system = ActorSystem.Create("test", BootstrapSetup.Create().WithConfig(config));

        var failure = Assert.ThrowsAny<Exception>(() => system.Dispatchers.Lookup(LoopSetup.DispatcherOf(0)).Schedule(() => { }));

        Assert.Contains(
            "The dispatcher broker.loop-0 runs on an event loop, but the actor system was made without a LoopSetup.", failure.ToString(),
                StringComparison.Ordinal);
        await system.Terminate();
    }
}
