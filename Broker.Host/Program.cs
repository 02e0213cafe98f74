using Broker.Host;
using Broker.Host.Commands;

HubFactory makeHub = (settings, akka) => throw new InvalidOperationException("This build has no hub in it.");
return await new BrokerCommand(makeHub, Environment.GetEnvironmentVariables(), Console.Out, Console.Error).RunAsync(args);
