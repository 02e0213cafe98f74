using Broker.Actors;
using Broker.Host;
using Broker.Host.Commands;

HubFactory makeHub = (settings, akka) => new ActorHub(new Hub(settings, akka, TimeProvider.System));
return await new BrokerCommand(makeHub, Environment.GetEnvironmentVariables(), Console.Out, Console.Error).RunAsync(args);
