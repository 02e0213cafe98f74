using System.Collections.Concurrent;
using System.Net.WebSockets;

namespace Broker.Bench.Peers;

/// <summary>
/// A plain hub over Kestrel: who connects to <c>/sub/{topic}</c> receives what is sent on <c>/pub/{topic}</c>.
/// A publication is copied once and its bytes are shared; each subscriber has a bounded queue and a writer loop.
/// </summary>
internal sealed class KestrelHub : IPeerServer
{
    private readonly ConcurrentDictionary<string, HubTopic> _topics = new();

    public bool CanCompress => true;

    public void AddServices(IServiceCollection services)
    {
    }

    public void Map(WebApplication app, bool compression)
    {
        var accept = new WebSocketAcceptContext { DangerousEnableCompression = compression };
        app.Map("/sub/{topic}", (HttpContext context, string topic) => ServeAsync(context, accept, topic, SubscribeAsync));
        app.Map("/pub/{topic}", (HttpContext context, string topic) => ServeAsync(context, accept, topic, PublishAsync));
    }

    private async Task ServeAsync(
        HttpContext context,
        WebSocketAcceptContext accept,
        string topicName,
        Func<WebSocket, HubTopic, CancellationToken, Task> serve)
    {
        if (!context.WebSockets.IsWebSocketRequest)
        {
            context.Response.StatusCode = StatusCodes.Status426UpgradeRequired;
            return;
        }

        using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync(accept);
        HubTopic topic = _topics.GetOrAdd(topicName, _ => new HubTopic());
        try
        {
            await serve(socket, topic, context.RequestAborted);
            if (socket.State == WebSocketState.CloseReceived)
                await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, context.RequestAborted);
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException)
        {
            // The client is gone, or the server stops.
        }
    }

    private static async Task SubscribeAsync(WebSocket socket, HubTopic topic, CancellationToken stop)
    {
        var subscriber = new HubSubscriber(socket);
        topic.Add(subscriber);
        Task writing = subscriber.WriteAsync(stop);
        try
        {
            using var reader = new MessageReader(socket);
            while ((await reader.ReadAsync(stop)).Type != WebSocketMessageType.Close)
            {
                // A subscriber has nothing to say; its end is what is waited for.
            }
        }
        finally
        {
            topic.Remove(subscriber);
            subscriber.Complete();
            await writing;
        }
    }

    private static async Task PublishAsync(WebSocket socket, HubTopic topic, CancellationToken stop)
    {
        using var reader = new MessageReader(socket);
        while (true)
        {
            var (type, bytes) = await reader.ReadAsync(stop);
            if (type == WebSocketMessageType.Close) return;
            await topic.PublishAsync(new HubMessage(type, bytes.ToArray()), stop);
        }
    }
}
