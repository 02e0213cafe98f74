using System.Net;
using System.Text;
using System.Text.Json;

namespace Broker.Tests.AspNetCore.Streams;

/// <summary>The client's end of a stream: what the server sends, a line or an event at a time.</summary>
internal sealed class StreamClient : IAsyncDisposable
{
    private readonly HttpResponseMessage _response;
    private readonly StreamReader _reader;
    private readonly bool _isEvents;

    private StreamClient(HttpResponseMessage response, Stream body, bool isEvents)
    {
        _response = response;
        _reader = new StreamReader(body, Encoding.UTF8);
        _isEvents = isEvents;
    }

    public HttpResponseMessage Response => _response;

    /// <summary>The session and the node that the answer to connect has named.</summary>
    public string Session { get; private set; } = "";

    public string Node { get; private set; } = "";

    /// <summary>Opens a stream and reads the answer to its connect.</summary>
    public static async Task<StreamClient> ConnectAsync(
        HubInKestrel hub, Way way, string transport, string commands = """{"id":1,"connect":{}}""")
    {
        StreamClient client = await OpenAsync(hub, way, transport, commands);
        using JsonDocument reply = JsonDocument.Parse(await client.NextAsync());
        JsonElement connect = reply.RootElement.GetProperty("connect");
        client.Session = connect.GetProperty("session").GetString()!;
        client.Node = connect.TryGetProperty("node", out JsonElement node) ? node.GetString()! : "";
        return client;
    }

    /// <summary>Opens a stream.</summary>
    public static async Task<StreamClient> OpenAsync(HubInKestrel hub, Way way, string transport, string message)
    {
        using HttpRequestMessage request = RequestOf(hub, way, transport, message);
        HttpResponseMessage response = await hub.Http.SendAsync(request, ClientSteps.Limited());
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var client =
            new StreamClient(response, await response.Content.ReadAsStreamAsync(), transport.EndsWith("sse", StringComparison.Ordinal));
        if (client._isEvents) Assert.Equal("", await client._reader.ReadLineAsync(ClientSteps.Limited()));
        return client;
    }

    public static HttpRequestMessage RequestOf(HubInKestrel hub, Way way, string transport, string message)
    {
        bool isGet = transport.EndsWith("sse", StringComparison.Ordinal);
        string path = $"/connection/{transport}" + (isGet && message.Length > 0 ? "?cf_connect=" + Uri.EscapeDataString(message) : "");
        return new HttpRequestMessage(isGet ? HttpMethod.Get : HttpMethod.Post, new Uri(way == Way.Plain ? hub.Plain : hub.Secured, path))
        {
            Version = way == Way.Http2 ? HttpVersion.Version20 : HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = isGet ? null : new StringContent(message),
        };
    }

    /// <summary>The next reply or push; null at the end of the stream.</summary>
    public async Task<string?> NextOrEndAsync()
    {
        string? line = await _reader.ReadLineAsync(ClientSteps.Limited());
        if (line is null || !_isEvents) return line;
        Assert.StartsWith("data: ", line, StringComparison.Ordinal);
        Assert.Equal("", await _reader.ReadLineAsync(ClientSteps.Limited()));
        return line[6..];
    }

    /// <summary>The next reply or push.</summary>
    public async Task<string> NextAsync() => await NextOrEndAsync() ?? throw new InvalidOperationException("The stream has ended.");

    /// <summary>Reads on until something says this.</summary>
    public async Task<string> ReceiveAsync(string part)
    {
        while (true)
        {
            string line = await NextAsync();
            if (line.Contains(part, StringComparison.Ordinal)) return line;
        }
    }

    public async ValueTask DisposeAsync()
    {
        _reader.Dispose();
        _response.Dispose();
        await Task.CompletedTask;
    }
}
