using System.Net.WebSockets;

namespace Broker.Bench.Peers;

/// <summary>Kestrel and System.Net.WebSockets: every message on <c>/echo</c> goes back whole, in one frame.</summary>
internal sealed class KestrelEcho : IPeerServer
{
    public bool CanCompress => true;

    public void AddServices(IServiceCollection services)
    {
    }

    public void Map(WebApplication app, bool compression) => app.Map("/echo", async context =>
    {
        if (!context.WebSockets.IsWebSocketRequest)
        {
            context.Response.StatusCode = StatusCodes.Status426UpgradeRequired;
            return;
        }

        var accept = new WebSocketAcceptContext { DangerousEnableCompression = compression };
        using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync(accept);
        await EchoAsync(socket, context.RequestAborted);
    });

    private static async Task EchoAsync(WebSocket socket, CancellationToken stop)
    {
        using var reader = new MessageReader(socket);
        try
        {
            while (true)
            {
                var (type, bytes) = await reader.ReadAsync(stop);
                if (type == WebSocketMessageType.Close) break;
                await socket.SendAsync(bytes, type, endOfMessage: true, stop);
            }
            if (socket.State == WebSocketState.CloseReceived)
                await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, stop);
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException)
        {
            // The client is gone, or the server stops.
        }
    }
}
