using System.Net;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;

namespace Broker.Tests.EndToEnd;

/// <summary>.NET's own <see cref="ClientWebSocket"/>, speaking the protocol by hand.</summary>
internal sealed class DotNetClient : IForeignClient
{
    private readonly Uri _uri;
    private readonly string _channel;
    private readonly Version _version;
    private readonly HttpMessageInvoker _http;
    private readonly Channel<string> _seen = Channel.CreateUnbounded<string>();
    private readonly TaskCompletionSource _again = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _end = new();
    private readonly Task _journey;

    /// <summary>Begins the journey.</summary>
    /// <param name="uri">Where the host is.</param>
    /// <param name="channel">Where the client talks.</param>
    /// <param name="version">Of HTTP, and no other: 2.0 asks by extended CONNECT.</param>
    /// <param name="http">Connects, and looks at the host's certificate where there is one.</param>
    public DotNetClient(Uri uri, string channel, Version version, HttpMessageInvoker http)
    {
        _uri = uri;
        _channel = channel;
        _version = version;
        _http = http;
        _journey = Task.Run(TravelAsync);
    }

    /// <inheritdoc/>
    public async Task<string> NextAsync(CancellationToken stop) => await _seen.Reader.ReadAsync(stop);

    /// <inheritdoc/>
    public Task OnHostBackAsync()
    {
        _again.SetResult();
        return Task.CompletedTask;
    }

    private async Task TravelAsync()
    {
        try
        {
            using (ClientWebSocket socket = await ConnectAsync())
            {
                await CallAsync(socket, 2, $"\"subscribe\":{{\"channel\":\"{_channel}\"}}", publications: 0, "subscribed");
                await CallAsync(socket, 3, $"\"publish\":{{\"channel\":\"{_channel}\",\"data\":\"one\"}}", publications: 1);
                await CallAsync(socket, 4, $"\"unsubscribe\":{{\"channel\":\"{_channel}\"}}", publications: 0, "unsubscribed");
                await CallAsync(socket, 5, $"\"publish\":{{\"channel\":\"{_channel}\",\"data\":\"two\"}}", publications: 0);
                await CallAsync(socket, 6, $"\"subscribe\":{{\"channel\":\"{_channel}\"}}", publications: 0, "subscribed");
                await CallAsync(socket, 7, $"\"publish\":{{\"channel\":\"{_channel}\",\"data\":\"three\"}}", publications: 1);
                await ReadToEndAsync(socket);
            }

            await _again.Task.WaitAsync(_end.Token);
            using (ClientWebSocket socket = await ConnectAsync())
            {
                await CallAsync(socket, 2, $"\"subscribe\":{{\"channel\":\"{_channel}\"}}", publications: 0, "subscribed");
                await ReadToEndAsync(socket);
            }
        }
        catch (Exception failure)
        {
            _seen.Writer.Complete(failure);
        }
    }

    private async Task<ClientWebSocket> ConnectAsync()
    {
        var socket = new ClientWebSocket();
        socket.Options.HttpVersion = _version;
        socket.Options.HttpVersionPolicy = HttpVersionPolicy.RequestVersionExact;
        socket.Options.CollectHttpResponseDetails = true;
        await socket.ConnectAsync(_uri, _http, _end.Token);

        // An extended CONNECT succeeds with 200, RFC 8441 section 4; an upgrade switches protocols.
        Assert.Equal(_version.Major == 2 ? HttpStatusCode.OK : HttpStatusCode.SwitchingProtocols, socket.HttpStatusCode);
        await CallAsync(socket, 1, "\"connect\":{}", publications: 0, "connected");
        return socket;
    }

    // Until the reply and so many publications have come, in whichever order.
    private async Task CallAsync(ClientWebSocket socket, int id, string command, int publications, string? saw = null)
    {
        await SendAsync(socket, $"{{\"id\":{id},{command}}}");
        bool answered = false;
        while (!answered || publications > 0)
        {
            foreach (JsonElement line in await ReadAsync(socket))
            {
                if (line.TryGetProperty("push", out _)) publications--;
                else answered |= line.GetProperty("id").GetInt32() == id && !line.TryGetProperty("error", out _);
            }
        }

        if (saw is not null) Send($"{{\"saw\":\"{saw}\"}}");
    }

    private async Task<IReadOnlyList<JsonElement>> ReadAsync(ClientWebSocket socket)
    {
        var frame = new MemoryStream();
        byte[] part = new byte[4096];
        ValueWebSocketReceiveResult got;
        do
        {
            got = await socket.ReceiveAsync(part.AsMemory(), _end.Token);
            if (got.MessageType == WebSocketMessageType.Close) return [];
            frame.Write(part.AsSpan(0, got.Count));
        }
        while (!got.EndOfMessage);

        var lines = new List<JsonElement>();
        foreach (string text in Encoding.UTF8.GetString(frame.ToArray()).Split('\n'))
        {
            if (text == "{}")
            {
                await SendAsync(socket, "{}");
                continue;
            }

            JsonElement line = JsonElement.Parse(text);
            if (line.TryGetProperty("push", out JsonElement push))
                Send($"{{\"saw\":\"received\",\"data\":{push.GetProperty("pub").GetProperty("data").GetRawText()}}}");
            lines.Add(line);
        }

        return lines;
    }

    private async Task ReadToEndAsync(ClientWebSocket socket)
    {
        while (socket.State == WebSocketState.Open) await ReadAsync(socket);
        Send($"{{\"saw\":\"disconnected\",\"code\":{(int)socket.CloseStatus!},\"reason\":\"{socket.CloseStatusDescription}\"}}");
        await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, _end.Token);
    }

    private Task SendAsync(ClientWebSocket socket, string line) =>
        socket.SendAsync(Encoding.UTF8.GetBytes(line), WebSocketMessageType.Text, endOfMessage: true, _end.Token);

    private void Send(string observation) => _seen.Writer.TryWrite(observation);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _journey;
        _end.Dispose();
    }
}
