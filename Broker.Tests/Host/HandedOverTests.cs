using Broker.Dialects;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Broker.Actors.Settings;
using Broker.Host;
using Broker.Host.Composition;
using Broker.Host.Http;
using Broker.Host.Settings;
using Broker.Reactor.Loops;
using Microsoft.AspNetCore.Builder;

namespace Broker.Tests.Host;

public sealed class HandedOverTests : IAsyncLifetime
{
    private const string Health = "GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly PlainHub _hub = new();
    private readonly StringWriter _output = new();
    private WebApplication _app = null!;

    public Task InitializeAsync()
    {
        _hub.Stopped.SetResult();
        _app = BrokerProcess.Build(
            new HostSettings { Hub = new StandardSettings { Listen = new ListenSettings { Hosts = ["a"] } } }, _hub, _output,
                Serilog.Core.Logger.None);
        return _app.StartAsync();
    }

    public async Task DisposeAsync()
    {
        await _app.DisposeAsync();
        await _hub.DisposeAsync();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(30)]
    [InlineData(51)]
    [InlineData(52)]
    public async Task A_request_is_answered_wherever_the_hub_stopped_reading(int prefix)
    {
        (TcpClient client, RawSocket server) = await _hub.ConnectAsync(Encoding.ASCII.GetBytes(Health), prefix);

        string answer = await ReadToEndAsync(client);

        Assert.StartsWith("HTTP/1.1 200 OK\r\n", answer, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\n{\"status\":\"ok\"}", answer, StringComparison.Ordinal);
        server.ExpectClosed();
    }

    [Theory]
    [InlineData(10)]
    [InlineData(40)]
    [InlineData(80)]
    public async Task Pipelined_requests_are_answered_in_order(int prefix)
    {
        string requests = "HEAD /health HTTP/1.1\r\nHost: a\r\n\r\n" + "GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n" + Health;

        (TcpClient client, RawSocket server) = await _hub.ConnectAsync(Encoding.ASCII.GetBytes(requests), prefix);
        string answer = await ReadToEndAsync(client);

        string[] expected =
            ["HTTP/1.1 200", "Content-Length: 15", "HTTP/1.1 404", "There is nothing", "HTTP/1.1 200", "{\"status\":\"ok\"}"];
        int at = 0;
        foreach (string each in expected)
        {
            at = answer.IndexOf(each, at, StringComparison.Ordinal);
            Assert.True(at >= 0, $"{each} is not, or not in its place, in {answer}");
        }

        server.ExpectClosed();
    }

    [Fact]
    public async Task A_client_that_ends_its_sending_side_is_still_answered()
    {
        (TcpClient client, RawSocket server) = await _hub.ConnectAsync("GET /health HTTP/1.1\r\nHost: a\r\n\r\n"u8.ToArray(), 5);
        await using NetworkStream stream = client.GetStream();
        client.Client.Shutdown(SocketShutdown.Send);

        Assert.EndsWith("{\"status\":\"ok\"}", await ReadToEndAsync(stream), StringComparison.Ordinal);
        server.ExpectClosed();
    }

    [Fact]
    public async Task A_client_that_leaves_between_requests_leaves_no_descriptor()
    {
        (TcpClient client, RawSocket server) = await _hub.ConnectAsync("GET /health HTTP/1.1\r\nHost: a\r\n\r\n"u8.ToArray(), 5);
        byte[] some = new byte[1];
        await client.GetStream().ReadExactlyAsync(some);
        Assert.True(server.IsOpen);

        client.Client.LingerState = new LingerOption(true, 0); // A reset, not an orderly end.
        client.Dispose();

        server.ExpectClosed();
    }

    [Fact]
    public async Task What_is_no_HTTP_is_refused_and_closed()
    {
        (TcpClient client, RawSocket server) = await _hub.ConnectAsync("\0\0nonsense\r\n\r\n"u8.ToArray(), 3);

        Assert.StartsWith("HTTP/1.1 400", await ReadToEndAsync(client), StringComparison.Ordinal);
        server.ExpectClosed();
    }

    [Fact]
    public async Task A_client_that_has_gone_already_does_not_stop_the_next()
    {
        (TcpClient gone, RawSocket left) = await _hub.ConnectAsync("GET"u8.ToArray(), 3);
        gone.Client.LingerState = new LingerOption(true, 0);
        gone.Dispose();
        (TcpClient client, RawSocket server) = await _hub.ConnectAsync(Encoding.ASCII.GetBytes(Health), 5);

        Assert.StartsWith("HTTP/1.1 200", await ReadToEndAsync(client), StringComparison.Ordinal);
        left.ExpectClosed();
        server.ExpectClosed();
    }

    [Theory]
    [InlineData("X-Forwarded-For: 192.0.2.1")]
    [InlineData("Forwarded: for=192.0.2.1")]
    [InlineData("Via: 1.1 proxy")]
    public async Task What_comes_through_a_proxy_has_its_answer_and_the_end_of_the_connection(string line)
    {
        byte[] request = Encoding.ASCII.GetBytes($"GET /health HTTP/1.1\r\nHost: a\r\n{line}\r\n\r\n");
        (TcpClient client, RawSocket server) = await _hub.ConnectAsync(request, 5);

        string answer = await ReadToEndAsync(client);

        Assert.StartsWith("HTTP/1.1 200 OK\r\n", answer, StringComparison.Ordinal);
        Assert.Contains("Connection: close\r\n", answer, StringComparison.Ordinal);
        server.ExpectClosed();
    }

    [Fact]
    public async Task A_second_request_for_an_unknown_WebSocket_is_404()
    {
        string requests = "HEAD /health HTTP/1.1\r\nHost: a\r\n\r\n"
            + "GET /connection/websocket HTTP/1.1\r\nHost: a\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n\r\n";
        (TcpClient client, RawSocket server) = await _hub.ConnectAsync(Encoding.ASCII.GetBytes(requests), 5);

        string answer = await ReadToEndAsync(client);

        string second = answer[answer.LastIndexOf("HTTP/1.1", StringComparison.Ordinal)..];
        Assert.StartsWith("HTTP/1.1 404 ", second, StringComparison.Ordinal);
        Assert.Contains("Connection: close\r\n", second, StringComparison.Ordinal);
        server.ExpectClosed();
    }

    [Fact]
    public async Task The_page_may_do_nothing_but_its_own_work()
    {
        (TcpClient client, _) = await _hub.ConnectAsync("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"u8.ToArray(), 0);

        string answer = await ReadToEndAsync(client);

        Assert.Contains($"Content-Security-Policy: {PageFiles.ContentSecurityPolicy}\r\n", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe", PageFiles.ContentSecurityPolicy, StringComparison.Ordinal);
        foreach (string id in (string[])["status", "name", "message", "send", "messages", "chart", "rate", "points"])
        {
            Assert.Contains($"id=\"{id}\"", answer, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("GET /page.js", "200", "text/javascript")]
    [InlineData("GET /client.js", "200", "text/javascript")]
    [InlineData("GET /chart.js", "200", "text/javascript")]
    [InlineData("GET /page.css", "200", "text/css")]
    [InlineData("GET /ready", "200", "application/json")]
    [InlineData("HEAD /ready", "200", "application/json")]
    [InlineData("GET /../etc/passwd", "404", "text/plain")]
    [InlineData("POST /health", "405", "text/plain")]
    public async Task Each_route_has_its_status_and_type(string request, string status, string type)
    {
        byte[] bytes = Encoding.ASCII.GetBytes($"{request} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        (TcpClient client, _) = await _hub.ConnectAsync(bytes, 5);

        string answer = await ReadToEndAsync(client);

        Assert.StartsWith($"HTTP/1.1 {status} ", answer, StringComparison.Ordinal);
        Assert.Contains($"Content-Type: {type}", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("Server:", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Reports_client_addresses_and_closing()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        using var client = new TcpClient();
        await client.ConnectAsync((IPEndPoint)listener.LocalEndPoint!);
        RawSocket server = RawSocket.Accept(listener);
        var remote = (IPEndPoint)client.Client.LocalEndPoint!;
        var connection = new HandedOverConnection(
            new HandedOver(server.Descriptor, default, remote, (IPEndPoint)listener.LocalEndPoint!));
        var closed = new TaskCompletionSource();
        using CancellationTokenRegistration reported = connection.ConnectionClosed.Register(closed.SetResult);

        Assert.Equal(remote, connection.RemoteEndPoint);
        Assert.Equal(listener.LocalEndPoint, connection.LocalEndPoint);

        Task<System.IO.Pipelines.ReadResult> reading = connection.Input.ReadAsync().AsTask();
        connection.Abort(new Microsoft.AspNetCore.Connections.ConnectionAbortedException());

        await closed.Task.WaitAsync(Limit);
        await Assert.ThrowsAnyAsync<Exception>(() => reading.WaitAsync(Limit));
        await connection.DisposeAsync();
        await connection.DisposeAsync();
        server.ExpectClosed();
    }

    private static async Task<string> ReadToEndAsync(TcpClient client)
    {
        using (client) return await ReadToEndAsync(client.GetStream());
    }

    private static async Task<string> ReadToEndAsync(NetworkStream stream)
    {
        using var text = new StreamReader(stream, Encoding.UTF8);
        using var limit = new CancellationTokenSource(Limit);
        return await text.ReadToEndAsync(limit.Token);
    }
}
