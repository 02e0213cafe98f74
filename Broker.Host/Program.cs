using Broker.Actors.Calls.Methods;
using Broker.Actors;
using Broker.Host.Commands;
using Broker.Host.Hosting;
using Broker.Host.Store;
using Broker.Store.History;

HubFactory makeHub = (settings, akka, methods, access) =>
{
    DurableHistories? histories = HistoryService.Open(settings.History, TimeProvider.System);
    var hub =
        new Hub(settings.Hub, akka, TimeProvider.System, Broker.Dialects.StandardDialects.Of(settings), access) { Histories = histories };
    foreach (IMethodSource source in methods) hub.Methods.AddFrom(source);
    return new ActorHub(hub, histories);
};
return await new BrokerCommand(makeHub, Environment.GetEnvironmentVariables(), Console.Out, Console.Error).RunAsync(args);
