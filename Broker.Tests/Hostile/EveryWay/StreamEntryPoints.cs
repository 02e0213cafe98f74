using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Broker.Tests.EndToEnd;

namespace Broker.Tests.Hostile.EveryWay;

/// <summary>Hosts that serve the Centrifuge dialect over HTTP, and requests to them by every entry point.</summary>
public sealed class StreamEntryPoints : IAsyncLifetime, IAsyncDisposable
{
    private readonly Dictionary<EntryPoint, HttpClient> _clients = [];
    private EveryEntryPoint? _entryPoints;

    /// <summary>The running hosts.</summary>
    internal EveryEntryPoint EntryPoints => _entryPoints!;

    /// <inheritdoc/>
    public Task InitializeAsync() => StartAsync();

    /// <summary>Starts the hosts with these settings too.</summary>
    internal async Task StartAsync(params IReadOnlyList<(string Name, string Value)> settings)
    {
        _entryPoints = await EveryEntryPoint.OpenAsync([("CENTRIFUGE_HTTP_STREAM_ENABLED", "on"), ("CENTRIFUGE_SSE_ENABLED", "on"),
            ("CENTRIFUGE_UNI_HTTP_STREAM_ENABLED", "on"), .. settings]);
        foreach (EntryPoint entry in EveryEntryPoint.All)
        {
            var handler = new SocketsHttpHandler
            {
                UseProxy = false,
                SslOptions = { RemoteCertificateValidationCallback = (_, shown, _, _) => _entryPoints.Trusts(shown) },
            };
            if (entry == EntryPoint.Unix) handler.ConnectCallback = (_, stop) => ConnectAsync(_entryPoints.UnixSocket, stop);
            _clients[entry] = new HttpClient(handler);
        }
    }

    /// <summary>Sends requests by an entry point.</summary>
    internal HttpClient ClientOf(EntryPoint entry) => _clients[entry];

    /// <summary>A request.</summary>
    internal HttpRequestMessage RequestTo(EntryPoint entry, HttpMethod method, string target, string body)
    {
        HostProcess host = EntryPoints.HostOf(entry);
        string root = entry is EntryPoint.Tls or EntryPoint.Http2 ? $"https://127.0.0.1:{host.TlsPort}" : $"http://127.0.0.1:{host.Port}";
        return new HttpRequestMessage(method, new Uri(root + target))
        {
            Version = entry == EntryPoint.Http2 ? HttpVersion.Version20 : HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = body.Length == 0 ? null : new StringContent(body),
        };
    }

    /// <summary>Opens a stream with a message.</summary>
    internal async Task<Lines> OpenAsync(EntryPoint entry, string message, CancellationToken stop)
    {
        using HttpRequestMessage request = RequestTo(entry, HttpMethod.Post, "/connection/http_stream", message);
        HttpResponseMessage answer = await ClientOf(entry).SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stop);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return new Lines(answer, await answer.Content.ReadAsStreamAsync(stop));
    }

    private static async ValueTask<Stream> ConnectAsync(string path, CancellationToken stop)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), stop);
        return new NetworkStream(socket, ownsSocket: true);
    }

    /// <inheritdoc/>
    public async Task DisposeAsync()
    {
        foreach (HttpClient client in _clients.Values) client.Dispose();
        if (_entryPoints is not null) await _entryPoints.DisposeAsync();
    }

    /// <inheritdoc/>
    async ValueTask IAsyncDisposable.DisposeAsync() => await DisposeAsync();
}

/// <summary>The answer of a stream, a line at a time.</summary>
/// <param name="answer">Its head.</param>
/// <param name="body">Its content.</param>
internal sealed class Lines(HttpResponseMessage answer, Stream body) : IAsyncDisposable
{
    private readonly StreamReader _reader = new(body);

    /// <summary>The next line; null at the end.</summary>
    internal async Task<string?> NextAsync(CancellationToken stop) => await _reader.ReadLineAsync(stop);

    /// <summary>Reads to the end.</summary>
    /// <returns>The code of the disconnect before it, or 0.</returns>
    internal async Task<int> ReadEndAsync(CancellationToken stop)
    {
        int code = 0;
        while (await NextAsync(stop) is { } line)
        {
            using JsonDocument json = JsonDocument.Parse(line);
            if (json.RootElement.TryGetProperty("push", out JsonElement push) && push.TryGetProperty("disconnect", out JsonElement end))
                code = end.GetProperty("code").GetInt32();
        }

        return code;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await body.DisposeAsync();
        answer.Dispose();
    }
}
