using System.CommandLine;

namespace Broker.Bench.Memory;

/// <summary>
/// <c>memory connections</c>, <c>memory channels</c> and <c>memory history</c>: what very many of them hold, in this process and without
/// sockets.
/// </summary>
internal static class MemoryCommand
{
    public static Command Create()
    {
        var connections = new Option<int>("--count") { Description = "Connections.", DefaultValueFactory = _ => 100_000 };
        var centrifuge =
            new Option<bool>("--centrifuge") { Description = "Clients of Centrifuge JSON that have said connect, in place of echo." };
        var channels = new Option<int>("--count") { Description = "Channels.", DefaultValueFactory = _ => 1_000_000 };
        var ofConnections =
            new Command("connections", "Idle connections over carriers in memory, each with its session actor and its stream.")
                { connections, centrifuge };
        var ofChannels =
            new Command("channels", "Channels with one listener each, subscribed through their home and their loop's fan-out.")
                { channels };
        var ofHistory = new Command("history", "Channels with a history of one publication of 100 B each, and no subscriber.") { channels };
        ofConnections.SetAction(
            (parsed, stop) => ConnectionsRun.RunAsync(parsed.GetRequiredValue(connections), parsed.GetValue(centrifuge), stop));
        ofChannels.SetAction((parsed, stop) => ChannelsRun.RunAsync(parsed.GetRequiredValue(channels), stop));
        ofHistory.SetAction(parsed => HistoryRun.Run(parsed.GetRequiredValue(channels)));
        return new Command("memory", "What idle connections and channels hold.") { ofConnections, ofChannels, ofHistory };
    }
}
