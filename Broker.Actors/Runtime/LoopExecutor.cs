using Akka.Configuration;
using Akka.Dispatch;
using Broker.Reactor.Loops;

namespace Broker.Actors.Runtime;

/// <summary>
/// Makes the executor of a dispatcher whose thread is an event loop: actors and streams of that dispatcher run on the thread
/// that owns their sockets, without lock, hop or wake-up between.
/// </summary>
/// <remarks>Akka finds it by the name in the dispatcher's <c>executor</c>, and the loop by the number beside it.</remarks>
public sealed class LoopExecutor(Config config, IDispatcherPrerequisites prerequisites) : ExecutorServiceConfigurator(config, prerequisites)
{
    /// <inheritdoc />
    public override ExecutorService Produce(string id)
    {
        LoopSetup setup = Prerequisites.Settings.Setup.Get<LoopSetup>().Value
            ?? throw new ConfigurationException(
            $"The dispatcher {id} runs on an event loop, but the actor system was made without a {nameof(LoopSetup)}.");
        return new Service(id, setup.Loops[Config.GetInt("loop")]);
    }

    private sealed class Service(string id, EventLoop loop) : ExecutorService(id)
    {
        private static readonly Action<object> s_run = static work => ((IRunnable)work).Run();

        public override void Execute(IRunnable run) => loop.Post(s_run, run);

        // The loop outlives the actor system: it ends when its last connection has gone.
        public override void Shutdown()
        {
        }
    }
}
