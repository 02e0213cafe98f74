using System.Net.WebSockets;
using System.Threading.Channels;
using Broker.Core.Framing;
using Broker.Core.Protocol;
using Broker.Core.Protocol.Messages;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Broker.Tests.Client;

/// <summary>A hub of which each test plays the server's part, message by message.</summary>
internal sealed class ScriptedHub : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly WebApplication _app;
    private readonly Channel<HubSide> _accepted = Channel.CreateUnbounded<HubSide>();

    private ScriptedHub()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _app = builder.Build();
        _app.UseWebSockets();
        _app.Run(ServeAsync);
    }

    /// <summary>Refuses the one that comes with this status instead.</summary>
    public int? Refusal { get; set; }

    /// <summary>What is agreed on, of what the client offers.</summary>
    public string? Subprotocol { get; set; } = NativeProtocol.Batched;

    public Uri Url => new(_app.Urls.Single().Replace("http:", "ws:", StringComparison.Ordinal) + "/ws");

    public static async Task<ScriptedHub> StartAsync()
    {
        var hub = new ScriptedHub();
        await hub._app.StartAsync();
        return hub;
    }

    /// <summary>The next client.</summary>
    public async Task<HubSide> AcceptAsync() => await _accepted.Reader.ReadAsync().AsTask().WaitAsync(Patience);

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private async Task ServeAsync(HttpContext context)
    {
        if (Refusal is { } status)
        {
            context.Response.StatusCode = status;
            return;
        }

        using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync(Subprotocol);
        var side = new HubSide(socket, Subprotocol == NativeProtocol.Batched, context.WebSockets.WebSocketRequestedProtocols);
        _accepted.Writer.TryWrite(side);
        await side.Over.Task;
    }
}

/// <summary>The hub's end of one connection.</summary>
internal sealed class HubSide(WebSocket socket, bool batched, IList<string> offered)
{
    private readonly Queue<byte[]> _received = new();

    public IList<string> Offered => offered;

    public TaskCompletionSource Over { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public static NativeKind KindOf(byte[] message) => (NativeKind)message[0];

    /// <summary>Receives hello and says welcome.</summary>
    public async Task WelcomeAsync(NativeLimits? limits = null)
    {
        Assert.Equal(NativeKind.Hello, KindOf(await ReceiveAsync()));
        await SendAsync(NativeWriter.Message(new Welcome { Version = 1, Limits = limits ?? NativeLimits.Default, Client = "c7"u8 }));
    }

    /// <summary>The messages of the next frame, each with its head.</summary>
    public async Task<IReadOnlyList<byte[]>> ReceiveFrameAsync()
    {
        using var payload = new MemoryStream();
        var buffer = new byte[64 * 1024];
        ValueWebSocketReceiveResult received;
        do
        {
            received = await socket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None).AsTask().WaitAsync(ScriptedHub.Patience);
            Assert.Equal(WebSocketMessageType.Binary, received.MessageType);
            payload.Write(buffer, 0, received.Count);
        }
        while (!received.EndOfMessage);
        return Split(payload.ToArray());
    }

    /// <summary>The next message, in whichever frame it comes.</summary>
    public async Task<byte[]> ReceiveAsync()
    {
        while (_received.Count == 0)
        {
            foreach (byte[] message in await ReceiveFrameAsync()) _received.Enqueue(message);
        }

        return _received.Dequeue();
    }

    /// <summary>The Close frame that comes next.</summary>
    public async Task<int> ReceiveCloseAsync()
    {
        ValueWebSocketReceiveResult received =
            await socket.ReceiveAsync(new byte[1024].AsMemory(), CancellationToken.None).AsTask().WaitAsync(ScriptedHub.Patience);
        Assert.Equal(WebSocketMessageType.Close, received.MessageType);
        return (int)socket.CloseStatus!;
    }

    /// <summary>Says messages in one frame.</summary>
    public Task SendAsync(params byte[][] messages) => SendRawAsync([0, .. messages.SelectMany(message => message)]);

    /// <summary>Says a whole payload.</summary>
    public Task SendRawAsync(byte[] payload) =>
        socket.SendAsync(payload, WebSocketMessageType.Binary, endOfMessage: true, CancellationToken.None);

    public async Task CloseAsync(int code, string text)
    {
        await socket.CloseOutputAsync((WebSocketCloseStatus)code, text, CancellationToken.None);
        Over.TrySetResult();
    }

    /// <summary>Ends the connection without a word.</summary>
    public void Abort()
    {
        socket.Abort();
        Over.TrySetResult();
    }

    private List<byte[]> Split(byte[] payload)
    {
        var messages = new List<byte[]>();
        var reader = new NativeReader(payload, Side.Server, batched);
        int at = 0;
        while (reader.Read(out NativeMessage message) == System.Buffers.OperationStatus.Done)
        {
            messages.Add(payload[at..(at + message.Bytes)]);
            at += message.Bytes;
        }

        Assert.Equal(NativeFault.None, reader.Fault);
        return messages;
    }
}
