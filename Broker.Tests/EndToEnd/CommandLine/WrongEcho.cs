using System.Net.WebSockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Broker.Tests.EndToEnd.CommandLine;

/// <summary>A server in this process that echoes, but for the third message of a connection: its path says what becomes of that.</summary>
internal sealed class WrongEcho : IAsyncDisposable
{
    private const int Wronged = 2, BytesMax = 4096;

    private readonly WebApplication _application;
    private readonly TaskCompletionSource _firstMessage;

    private WrongEcho(WebApplication application, TaskCompletionSource firstMessage) =>
        (_application, _firstMessage) = (application, firstMessage);

    /// <summary>Ends when the first message of all connections has come.</summary>
    public Task FirstMessage => _firstMessage.Task.WaitAsync(HostProcess.Patience);

    public static async Task<WrongEcho> StartAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        WebApplication application = builder.Build();
        var firstMessage = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        application.UseWebSockets();
        application.Run(async context =>
        {
            using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
            await EchoAsync(socket, context.Request.Path.Value![1..], firstMessage);
        });
        await application.StartAsync();
        return new WrongEcho(application, firstMessage);
    }

    /// <summary>Where it is wrong in that way: twice, late, spoilt, withheld or closed; not at all, if it is asked for another.</summary>
    public string UriOf(string how) => $"{_application.Urls.Single().Replace("http:", "ws:", StringComparison.Ordinal)}/{how}";

    public async ValueTask DisposeAsync() => await _application.DisposeAsync();

    private static async Task EchoAsync(WebSocket socket, string how, TaskCompletionSource firstMessage)
    {
        byte[] buffer = new byte[BytesMax];
        byte[] held = [];
        for (int number = 0; ; number++)
        {
            ValueWebSocketReceiveResult read = await socket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None);
            if (read.MessageType == WebSocketMessageType.Close) return;
            Assert.True(read.EndOfMessage);
            firstMessage.TrySetResult();
            Memory<byte> message = buffer.AsMemory(0, read.Count);
            if (number == Wronged && how == "closed")
            {
                // What is not read makes the system reset the connection, and the close frame is gone with it.
                await socket.CloseOutputAsync(WebSocketCloseStatus.InternalServerError, "enough", CancellationToken.None);
                while ((await socket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None)).MessageType != WebSocketMessageType.Close) { }
                return;
            }

            if (number == Wronged && how == "spoilt") message.Span[^1] ^= 1;
            if (number == Wronged && how == "twice") await SendAsync(message);
            if (number == Wronged && how == "late") held = message.ToArray();
            else if (number != Wronged || how != "withheld") await SendAsync(message);
            if (number == Wronged + 1 && how == "late") await SendAsync(held);
        }

        ValueTask SendAsync(ReadOnlyMemory<byte> message) =>
            socket.SendAsync(message, WebSocketMessageType.Binary, endOfMessage: true, CancellationToken.None);
    }
}
