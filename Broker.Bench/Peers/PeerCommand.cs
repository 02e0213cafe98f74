using System.CommandLine;
using System.Net;

namespace Broker.Bench.Peers;

/// <summary><c>peer NAME --port N</c>: one peer server in this process, on loopback, until it is stopped.</summary>
internal static class PeerCommand
{
    private static readonly Dictionary<string, IPeerServer> s_servers = new()
    {
        ["kestrel-echo"] = new KestrelEcho(),
        ["kestrel-hub"] = new KestrelHub(),
        ["signalr"] = new SignalRPeer(),
    };

    public static Command Create()
    {
        var name = new Argument<string>("name") { Description = "Which peer." };
        name.AcceptOnlyFromAmong([.. s_servers.Keys]);
        var port = new Option<int>("--port") { Description = "Port on 127.0.0.1.", Required = true };
        port.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < 1 or > ushort.MaxValue) result.AddError("A port is 1 to 65535.");
        });
        var compression = new Option<bool>("--compression") { Description = "Accept permessage-deflate." };

        var command = new Command("peer", "Runs one peer server in this process.") { name, port, compression };
        command.SetAction((parsed, stop) => RunAsync(
            parsed.GetRequiredValue(name), parsed.GetValue(port), parsed.GetValue(compression), stop));
        return command;
    }

    private static async Task<int> RunAsync(string name, int port, bool compression, CancellationToken stop)
    {
        IPeerServer server = s_servers[name];
        if (compression && !server.CanCompress)
        {
            await Console.Error.WriteLineAsync($"{name} has no compression to switch on.");
            return 1;
        }

        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(IPAddress.Loopback, port);
        });
        server.AddServices(builder.Services);

        await using WebApplication app = builder.Build();
        app.UseWebSockets();
        server.Map(app, compression);
        await app.StartAsync(stop);
        await app.WaitForShutdownAsync(stop);
        return 0;
    }
}
