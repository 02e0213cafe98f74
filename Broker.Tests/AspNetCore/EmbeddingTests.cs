using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Broker.Tests.AspNetCore;

public sealed class EmbeddingTests
{
    [Theory, InlineData(false), InlineData(true)]
    public async Task A_Close_frame_right_before_the_end_of_the_stream_is_answered(bool inOneWrite)
    {
        await using HubInKestrel app = await HubInKestrel.StartAsync();
        using var limit = new CancellationTokenSource(HubInKestrel.Limit);
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, app.Plain.Port);
        byte[] close = [0x88, 0x82, 0, 0, 0, 0, 0x03, 0xE8];
        byte[] request = Encoding.ASCII.GetBytes(
            $"GET /connection/websocket HTTP/1.1\r\nHost: {app.Plain.Authority}\r\nUpgrade: websocket\r\nConnection: "
                + $"Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
        byte[] answer = new byte[4096];
        var received = new StringBuilder();
        await socket.SendAsync(inOneWrite ? [.. request, .. close] : request);
        if (!inOneWrite)
        {
            received.Append(Encoding.Latin1.GetString(answer, 0, await socket.ReceiveAsync(answer, limit.Token)));
            await socket.SendAsync(close);
        }

        socket.Shutdown(SocketShutdown.Send);
        for (int length; (length = await socket.ReceiveAsync(answer, limit.Token)) > 0;)
            received.Append(Encoding.Latin1.GetString(answer, 0, length));

        Assert.StartsWith("HTTP/1.1 101 ", received.ToString(), StringComparison.Ordinal);
        Assert.EndsWith("\u0088\u0002\u0003\u00e8", received.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_hub_in_a_route_group_is_served_below_its_prefix()
    {
        await using HubInKestrel app = await HubInKestrel.StartAsync();

        using System.Net.WebSockets.ClientWebSocket client = await app.ConnectAsync(Way.Plain, "/api/connection/websocket");

        Assert.Equal(System.Net.WebSockets.WebSocketState.Open, client.State);
    }

    [Fact]
    public async Task The_program_in_the_docs_is_the_sample_that_is_built()
    {
        DirectoryInfo? root = new(AppContext.BaseDirectory);
        while (root is not null && !File.Exists(Path.Combine(root.FullName, "broker.sln"))) root = root.Parent;
        if (root is null) return; // Run from a copy of the binaries, without the tree.

        string program = await File.ReadAllTextAsync(Path.Combine(root.FullName, "samples", "Embedded", "Program.cs"));

        Assert.Contains(
            $"```csharp\n{program}```", await File.ReadAllTextAsync(Path.Combine(root.FullName, "docs", "EMBEDDING.md")),
                StringComparison.Ordinal);
    }
}
