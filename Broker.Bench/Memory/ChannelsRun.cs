using Broker.Actors.Calls.Methods;
using Broker.Actors.Channels.Delivery;
using Broker.Actors.Channels.Relay;
using Broker.Actors.Metrics;
using Broker.Dialects;
using System.Diagnostics;
using System.Globalization;
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Configuration;
using Broker.Actors;
using Broker.Actors.Channels;
using Broker.Actors.Channels.FanOut;
using Broker.Actors.Dialects;
using Broker.Actors.Runtime;
using Broker.Actors.Settings;
using Broker.Reactor.Loops;

namespace Broker.Bench.Memory;

/// <summary>Subscribes one client to each of very many channels, through the channels' home and the fan-out of one loop.</summary>
internal static class ChannelsRun
{
    private const int AtFirst = 1000, AtOnce = 10_000;

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    public static async Task<int> RunAsync(int count, CancellationToken stop)
    {
        var settings = new StandardSettings();
        DialectRegistry dialects = Hub.RegistryOf(settings.Hub, StandardDialects.Of(settings), new MethodRegistry());
        var loop = new PortableLoop(0, settings.Reactor, new HubAcceptor(settings.Hub, new HubCounters(), dialects), TimeProvider.System);
        var thread = new Thread(loop.Run) { IsBackground = true };
        var setup = new LoopSetup([loop]);
        Config config = ConfigurationFactory.ParseString(setup.ToHocon()).WithFallback("akka { loglevel = WARNING }");
        ActorSystem system = ActorSystem.Create("memory", BootstrapSetup.Create().WithConfig(config).And(setup));
        thread.Start();

        IActorRef fanOut = Start(LoopFanOutActor.PropsFor(new LoopTurn(loop), dialects.Formats, settings.Routing));
        IActorRef home =
            Start(ChannelHomeActor.PropsFor(0, new ChannelContext([fanOut], dialects.Formats, settings.Routing), loop.Counters));
        var client = new CountingWriter(dialects.Formats[0]);
        Subscribe(0, AtFirst);
        Footprint before = Footprint.Collected(out _);
        long start = Stopwatch.GetTimestamp();
        Subscribe(AtFirst, AtFirst + count);
        Footprint.Print("channel with one listener, its name of 17 characters included", count, Stopwatch.GetElapsedTime(start), before);

        await system.Terminate();
        loop.Stop();
        thread.Join();
        loop.Dispose();
        return 0;

        IActorRef Start(Props props) => system.ActorOf(props.WithDispatcher(LoopSetup.DispatcherOf(0)));

        void Subscribe(int from, int to)
        {
            for (int number = from; number < to; number++)
            {
                string channel = string.Create(CultureInfo.InvariantCulture, $"channel:{number:D9}");
                home.Tell(new ChannelProtocol.Subscribe(new Subscription(channel, loop: 0, ActorRefs.Nobody, client), Id: 1, Bytes: 100),
                    ActorRefs.NoSender);
                if ((number + 1) % AtOnce == 0 || number + 1 == to) Await(number + 1);
            }
        }

        void Await(int channels)
        {
            stop.ThrowIfCancellationRequested();
            if (!SpinWait.SpinUntil(() => client.Channels >= channels, s_patience))
                throw new InvalidOperationException($"Of {channels} channels {client.Channels} came to be.");
        }
    }
}
