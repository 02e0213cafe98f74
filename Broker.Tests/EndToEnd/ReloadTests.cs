using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;

namespace Broker.Tests.EndToEnd;

/// <summary>What a running host takes without a restart: changed settings at SIGHUP, and a renewed certificate by itself.</summary>
public sealed class ReloadTests
{
    private static readonly string[] s_offered = ["https://new.example"];

    [Fact]
    public async Task SIGHUP_takes_origins_hosts_and_levels_and_keeps_every_client()
    {
        using var limit = new CancellationTokenSource(2 * HostProcess.Patience);
        string file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, "broker.listen.origins = [\"https://old.example\"]", limit.Token);
            await using HostProcess host = await HostProcess.StartAsync(arguments: ["--config", file]);
            using var client = new LightClient();
            await client.OpenAsync(host.Port, limit.Token);
            await client.CallAsync("\"connect\":{}", limit.Token);
            Assert.False(await MayComeFromAsync(s_offered[0], host, limit.Token));

            await File.WriteAllTextAsync(
                file, "broker { listen.origins = [\"https://new.example\"]\n log.level = debug\n listen.connections-max = 7\n }",
                    limit.Token);
            host.SendHangup();
            await host.ExpectLogAsync("Settings read again; in force now: broker.listen.origins, broker.log.level");
            await host.ExpectLogAsync("These settings have changed and need a restart: broker.listen.connections-max");
            Assert.True(await MayComeFromAsync(s_offered[0], host, limit.Token));
            await host.ExpectLogAsync(" opened: /connection/websocket from ");     // Which is sent at debug only.
            using LightClient late = await LightClient.ConnectAsync(host.Port, limit.Token);
            await host.ExpectLogAsync(" is client ");                               // By the session's actor, at debug only.

            await File.WriteAllTextAsync(file, "broker.listen.origins = []\nbroker.log.level = loud", limit.Token);
            host.SendHangup();
            await host.ExpectLogAsync(
                $"Not reloaded, the settings stay as they were: {file} line 2: broker.log.level is loud, expected one of verbose");
            Assert.True(await MayComeFromAsync(s_offered[0], host, limit.Token));

            await client.CallAsync("\"publish\":{\"channel\":\"c\",\"data\":1}", limit.Token);
            Task stopping = host.StopAsync();
            Assert.Null(await client.ReadLineAsync(limit.Token));
            await stopping;
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task SIGHUP_takes_API_keys_and_names_namespaces_as_waiting()
    {
        using var limit = new CancellationTokenSource(2 * HostProcess.Patience);
        string file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, "broker.api.keys = [\"first\"]\nbroker.namespaces.gone.presence = on", limit.Token);
            await using HostProcess host = await HostProcess.StartAsync(arguments: ["--config", file]);
            Assert.Equal(
                (HttpStatusCode.OK, HttpStatusCode.Unauthorized),
                    (await AskApiAsync(host, "first", limit.Token), await AskApiAsync(host, "second", limit.Token)));

            await File.WriteAllTextAsync(file, "broker.api.keys = [\"second\"]\nbroker.namespaces.new.presence = on", limit.Token);
            host.SendHangup();
            await host.ExpectLogAsync("Settings read again; in force now: broker.api.keys");
            await host.ExpectLogAsync("need a restart: broker.namespaces.gone.");
            Assert.Contains("broker.namespaces.new.presence", host.Log, StringComparison.Ordinal);
            Assert.Equal(
                (HttpStatusCode.Unauthorized, HttpStatusCode.OK),
                    (await AskApiAsync(host, "first", limit.Token), await AskApiAsync(host, "second", limit.Token)));
            Assert.DoesNotContain("second", host.Log, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static async Task<HttpStatusCode> AskApiAsync(HostProcess host, string key, CancellationToken stop)
    {
        using var http = new HttpClient { BaseAddress = host.HttpUri };
        using var request = new HttpRequestMessage(HttpMethod.Post, "api/info");
        request.Headers.Add("X-API-Key", key);
        using HttpResponseMessage answer = await http.SendAsync(request, stop);
        return answer.StatusCode;
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task A_renewed_certificate_is_shown_to_new_connections_and_old_ones_live_on(bool bySignal)
    {
        using var limit = new CancellationTokenSource(2 * HostProcess.Patience);
        using var entryPoints = new EntryPoints();
        Dictionary<string, string> settings = entryPoints.Settings;
        settings["BROKER_TLS_RELOAD_INTERVAL"] = bySignal ? "0s" : "50ms";
        settings["BROKER_HTTP_HEAD_LIMIT"] = "10m";        // The old connection says nothing until the certificate is renewed.
        await using HostProcess host = await HostProcess.StartAsync(settings);
        using SslStream before = await ConnectAsync(host.TlsPort, entryPoints, limit.Token);
        string old = before.RemoteCertificate!.GetCertHashString();

        entryPoints.RenewCertificate();
        if (bySignal) host.SendHangup();
        await host.ExpectLogAsync("The certificate was renewed");

        using SslStream after = await ConnectAsync(host.TlsPort, entryPoints, limit.Token);
        Assert.NotEqual(old, after.RemoteCertificate!.GetCertHashString());
        Assert.True(entryPoints.Trusts(after.RemoteCertificate));
        await before.WriteAsync("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"u8.ToArray(), limit.Token);
        byte[] answer = new byte[15];
        await before.ReadExactlyAsync(answer, limit.Token);
        Assert.Equal("HTTP/1.1 200 OK"u8.ToArray(), answer);
    }

    private static async Task<SslStream> ConnectAsync(int port, EntryPoints entryPoints, CancellationToken stop)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, port, stop);
        var stream =
            new SslStream(
                new NetworkStream(socket, ownsSocket: true), leaveInnerStreamOpen: false, (_, shown, _, _) => entryPoints.Trusts(shown));
        await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "localhost" }, stop);
        return stream;
    }

    private static async Task<bool> MayComeFromAsync(string origin, HostProcess host, CancellationToken stop)
    {
        using var handler = new SocketsHttpHandler { UseProxy = false };
        using var http = new HttpMessageInvoker(handler);
        using var request = new HttpRequestMessage(HttpMethod.Get, $"http://127.0.0.1:{host.Port}/connection/websocket");
        foreach ((string name, string value) in ((string, string)[])
            [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
                ("Sec-WebSocket-Version", "13"), ("Origin", origin)])
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        using HttpResponseMessage answer = await http.SendAsync(request, stop);
        return answer.StatusCode == HttpStatusCode.SwitchingProtocols;
    }
}
