using Broker.Actors;
using Broker.Actors.Rpc;
using Broker.Host.Commands;
using Broker.Host.Hosting;

HubFactory makeHub = (settings, akka, methods, access) =>
{
    var hub = new Hub(settings, akka, TimeProvider.System, Broker.Actors.Dialects.StandardDialects.Of(settings), access);
    foreach (IMethodSource source in methods) hub.Methods.AddFrom(source);
    return new ActorHub(hub);
};
return await new BrokerCommand(makeHub, Environment.GetEnvironmentVariables(), Console.Out, Console.Error).RunAsync(args);
