using Broker.Dialects;
using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Broker.Actors;
using Broker.Actors.Dialects;
using Broker.Actors.Settings;
using Broker.AspNetCore;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace Broker.Tests.AspNetCore;

/// <summary>An application with a hub in it, on a real Kestrel: one plain port, and one with a certificate made here.</summary>
internal sealed class HubInKestrel : IAsyncDisposable
{
    /// <summary>How long a step may take on a busy machine before a test gives up.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private static readonly X509Certificate2 s_certificate = MakeCertificate();

    private readonly WebApplication _app;
    private readonly FakeTimeProvider? _time;
    private readonly SocketsHttpHandler _handler;
    private readonly HttpMessageInvoker _invoker;

    private HubInKestrel(WebApplication app, FakeTimeProvider? time)
    {
        _app = app;
        _time = time;
        _handler = new SocketsHttpHandler
        {
            ResponseDrainTimeout = TimeSpan.Zero,       // A client that leaves a stream is gone at once.
            SslOptions = { RemoteCertificateValidationCallback = static (_, shown, _, _) => shown!.Equals(s_certificate) },
        };
        _invoker = new HttpMessageInvoker(_handler);
    }

    /// <summary>Trusts the certificate that was made here.</summary>
    public HttpMessageInvoker Http => _invoker;

    public Hub Hub => _app.Services.GetRequiredService<Hub>();

    public Uri Plain => new(_app.Urls.First(url => url.StartsWith("http:", StringComparison.Ordinal)));

    public Uri Secured => new(_app.Urls.First(url => url.StartsWith("https:", StringComparison.Ordinal)));

    public static Task<HubInKestrel> StartAsync(StandardSettings? settings = null, params IReadOnlyList<IDialectFactory> dialects) =>
        StartAsync(settings ?? new StandardSettings(), time: null, dialects);

    /// <summary>A hub whose time stands still until <see cref="AdvanceAsync"/> moves it. Kestrel keeps the real time.</summary>
    public static Task<HubInKestrel> StartWithManualTimeAsync(StandardSettings settings) =>
        StartAsync(settings, new FakeTimeProvider(DateTimeOffset.UtcNow), []);

    private static async Task<HubInKestrel> StartAsync(
        StandardSettings settings, FakeTimeProvider? time, IReadOnlyList<IDialectFactory> dialects)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http1);
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(s_certificate));
        });
        if (time is not null) builder.Services.AddSingleton<TimeProvider>(time);
        foreach (IDialectFactory dialect in dialects) builder.Services.AddSingleton(dialect);
        builder.Services.AddBroker(settings with { Reactors = 2, Echo = settings.Echo with { Enabled = true } });
        WebApplication app = builder.Build();
        app.MapBroker();
        app.MapGroup("/api").MapBroker();
        await app.StartAsync();
        return new HubInKestrel(app, time);
    }

    private static X509Certificate2 MakeCertificate()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }

    /// <summary>Moves the time of the hub, and returns when each loop has fired the timers that are due.</summary>
    public async Task AdvanceAsync(TimeSpan by)
    {
        _time!.Advance(by);

        // Every loop answers; the first answer may be of a turn that began before the time moved, the second is not.
        for (int i = 0; i < 2; i++) await Hub.Api.InfoAsync();
    }

    public Uri UriOf(Way way, string path) =>
        new UriBuilder(way == Way.Plain ? Plain : Secured) { Scheme = way == Way.Plain ? "ws" : "wss", Path = path }.Uri;

    public async Task<ClientWebSocket> ConnectAsync(Way way, string path, Action<ClientWebSocketOptions>? options = null)
    {
        var client = new ClientWebSocket();
        client.Options.HttpVersion = way == Way.Http2 ? HttpVersion.Version20 : HttpVersion.Version11;
        client.Options.HttpVersionPolicy = HttpVersionPolicy.RequestVersionExact;
        client.Options.CollectHttpResponseDetails = true;
        options?.Invoke(client.Options);
        using var limit = new CancellationTokenSource(Limit);
        try
        {
            await client.ConnectAsync(UriOf(way, path), _invoker, limit.Token);
        }
        catch (WebSocketException refused)
        {
            throw new RequestRejectedException(client.HttpStatusCode, refused);
        }

        return client;
    }

    /// <summary>A client that goes no further than its upgrade, for what no library would do.</summary>
    public async Task<Socket> ConnectRawAsync(string path, int receiveBytes = 64 * 1024)
    {
        var socket =
            new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
                { ReceiveBufferSize = receiveBytes, NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, Plain.Port);
        await socket.SendAsync(Encoding.ASCII.GetBytes(
            $"GET {path} HTTP/1.1\r\nHost: {Plain.Authority}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: "
                + $"13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"));
        var head = new StringBuilder();
        byte[] one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            Assert.Equal(1, await socket.ReceiveAsync(one));
            head.Append((char)one[0]);
        }

        Assert.StartsWith("HTTP/1.1 101 ", head.ToString(), StringComparison.Ordinal);
        Assert.Contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n", head.ToString(), StringComparison.Ordinal);
        return socket;
    }

    public Task StopAsync() => _app.StopAsync();

    public async ValueTask DisposeAsync()
    {
        _invoker.Dispose();
        _handler.Dispose();
        await _app.DisposeAsync();
    }
}

/// <summary>How a client comes in.</summary>
public enum Way
{
    /// <summary>HTTP/1.1 without TLS.</summary>
    Plain,

    /// <summary>HTTP/1.1 over TLS.</summary>
    Tls,

    /// <summary>A stream of HTTP/2 over TLS.</summary>
    Http2,
}

/// <summary>The handshake was answered, but with no WebSocket.</summary>
internal sealed class RequestRejectedException(HttpStatusCode status, Exception inner) : Exception($"{(int)status}", inner)
{
    public HttpStatusCode Status => status;
}

internal static class ClientSteps
{
    public static Task SendTextAsync(this ClientWebSocket client, string text) =>
        client.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, true, Limited());

    public static async Task<(WebSocketMessageType Type, byte[] Bytes)> ReceiveWholeAsync(this ClientWebSocket client)
    {
        var whole = new MemoryStream();
        byte[] part = new byte[16 * 1024];
        while (true)
        {
            ValueWebSocketReceiveResult result = await client.ReceiveAsync(part.AsMemory(), Limited());
            whole.Write(part, 0, result.Count);
            if (result.EndOfMessage) return (result.MessageType, whole.ToArray());
        }
    }

    public static CancellationToken Limited() => new CancellationTokenSource(HubInKestrel.Limit).Token;
}
