using System.Globalization;
using Microsoft.AspNetCore.Http.Connections;
using Microsoft.AspNetCore.SignalR;

namespace Broker.Bench.Peers;

/// <summary>ASP.NET Core SignalR with its JSON and its MessagePack protocol; a topic is a group.</summary>
internal sealed class SignalRPeer : IPeerServer
{
    public bool CanCompress => false;

    public void AddServices(IServiceCollection services) => services.AddSignalR(options =>
    {
        // The generator's subscribers only listen; the default would close them after 30 s.
        options.ClientTimeoutInterval = TimeSpan.FromHours(1);
        options.HandshakeTimeout = TimeSpan.FromMinutes(5);
    }).AddMessagePackProtocol();

    public void Map(WebApplication app, bool compression)
    {
        app.MapHub<TopicHub>("/hub", options => options.Transports = HttpTransportType.WebSockets);
        app.MapHub<ChurnHub>("/churn", options =>
        {
            options.Transports = HttpTransportType.WebSockets;
            options.AllowStatefulReconnects = true;
        });
        app.MapPost("/publish", static async (HttpContext context, IHubContext<ChurnHub> hub) =>
        {
            using var reader = new StreamReader(context.Request.Body);
            await hub.Clients.All.SendAsync("publication", int.Parse(await reader.ReadToEndAsync(), CultureInfo.InvariantCulture));
            await context.Response.WriteAsync("{}");
        });
    }
}

/// <summary>The hub of <see cref="SignalRPeer"/> whose clients reconnect with their state; its publications come by HTTP.</summary>
internal sealed class ChurnHub : Hub;

/// <summary>The hub of <see cref="SignalRPeer"/>.</summary>
internal sealed class TopicHub : Hub
{
    public Task Subscribe(string topic) => Groups.AddToGroupAsync(Context.ConnectionId, topic);

#pragma warning disable CA1822 // SignalR finds methods of instances only.
    public string Same(string data) => data;

    public byte[] Bytes(byte[] data) => data;
#pragma warning restore CA1822

    public Task Publish(string topic, string data) => Clients.Group(topic).SendAsync("message", data);
}
