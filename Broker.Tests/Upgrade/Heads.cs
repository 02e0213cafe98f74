using System.Buffers;
using System.Text;
using Broker.Core.Upgrade;
using Xunit;

namespace Broker.Tests.Upgrade;

/// <summary>Request heads as text, and how they read.</summary>
internal static class Heads
{
    public const int BytesMax = 16 * 1024;

    /// <summary>The request of RFC 6455 section 1.2, with the key of section 1.3.</summary>
    public const string Printed =
        "GET /chat HTTP/1.1\r\n" +
        "Host: server.example.com\r\n" +
        "Upgrade: websocket\r\n" +
        "Connection: Upgrade\r\n" +
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
        "Origin: http://example.com\r\n" +
        "Sec-WebSocket-Protocol: chat, superchat\r\n" +
        "Sec-WebSocket-Version: 13\r\n" +
        "\r\n";

    /// <summary>A head of one request line, a Host, and these lines.</summary>
    public static string With(params string[] lines)
    {
        var text = new StringBuilder("GET / HTTP/1.1\r\nHost: hub.example\r\n");
        foreach (string line in lines) text.Append(line).Append("\r\n");
        return text.Append("\r\n").ToString();
    }

    public static byte[] Bytes(string text) => Encoding.Latin1.GetBytes(text);

    public static UpgradeRequest Read(string text)
    {
        byte[] wire = Bytes(text);
        var reader = new UpgradeReader(wire, BytesMax);

        Assert.Equal((OperationStatus.Done, ""), (reader.ReadHead(out UpgradeRequest? request), reader.Fault.Reason ?? ""));
        Assert.Equal(wire.Length, reader.Position);
        return request!;
    }

    public static UpgradeFault Refused(string text, int headBytesMax = BytesMax)
    {
        var reader = new UpgradeReader(Bytes(text), headBytesMax);

        Assert.Equal(OperationStatus.InvalidData, reader.ReadHead(out UpgradeRequest? request));
        Assert.Null(request);
        Assert.Equal(0, reader.Position);
        return reader.Fault;
    }
}
