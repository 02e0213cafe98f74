using Akka.Actor.Setup;
using Broker.Reactor.Loops;

namespace Broker.Actors.Runtime;

/// <summary>Hands the process's event loops to the actor system, so that its dispatchers can run on them.</summary>
/// <param name="loops">The loops, each at the place of its number.</param>
public sealed class LoopSetup(IReadOnlyList<EventLoop> loops) : Setup
{
    /// <summary>The loops, each at the place of its number.</summary>
    public IReadOnlyList<EventLoop> Loops { get; } = loops;

    /// <summary>The id of the dispatcher that runs on a loop's thread.</summary>
    public static string DispatcherOf(int loop) => $"broker.loop-{loop}";

    /// <summary>The configuration of all loops' dispatchers.</summary>
    public string ToHocon() => string.Join('\n', Loops.Select(loop =>
        $$"""
        {{DispatcherOf(loop.Number)}} {
          type = Dispatcher
          executor = "{{typeof(LoopExecutor).FullName}}, {{typeof(LoopExecutor).Assembly.GetName().Name}}"
          throughput = 64
          throughput-deadline-time = 0ms
          shutdown-timeout = 1s
          mailbox-type = "{{typeof(LoopMailbox).FullName}}, {{typeof(LoopMailbox).Assembly.GetName().Name}}"
          loop = {{loop.Number}}
        }
        """));
}
