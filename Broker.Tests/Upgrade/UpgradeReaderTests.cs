using System.Buffers;
using Broker.Core.Upgrade;
using Broker.Tests.Support;
using Xunit;

namespace Broker.Tests.Upgrade;

public sealed class UpgradeReaderTests
{
    [Fact]
    public void The_request_that_the_RFC_prints_is_read_whole()
    {
        UpgradeRequest request = Heads.Read(Heads.Printed);

        Assert.Equal("GET", request.Method);
        Assert.Equal(1, request.HttpMinorVersion);
        Assert.Equal("/chat", request.Path);
        Assert.Equal("", request.Query);
        Assert.Equal("server.example.com", request.Host);
        Assert.Equal("http://example.com", request.Origin);
        Assert.Equal("dGhlIHNhbXBsZSBub25jZQ==", request.Key);
        Assert.Equal("13", request.Version);
        Assert.Equal(["chat", "superchat"], request.Subprotocols);
        Assert.True(request.WantsWebSocket);
        Assert.False(request.HasBody);
        Assert.Null(request.Extensions);
    }

    [Fact]
    public void A_head_cut_anywhere_waits_for_the_rest()
    {
        byte[] wire = Heads.Bytes(Heads.Printed);
        for (int cut = 0; cut < wire.Length; cut++)
        {
            var first = new UpgradeReader(wire.AsSpan(0, cut), Heads.BytesMax);
            Assert.Equal(OperationStatus.NeedMoreData, first.ReadHead(out UpgradeRequest? none));
            Assert.Null(none);
            Assert.Equal(0, first.Position);

            var second = new UpgradeReader(wire, Heads.BytesMax, scannedBytes: cut);
            Assert.Equal(OperationStatus.Done, second.ReadHead(out UpgradeRequest? request));
            Assert.Equal(wire.Length, second.Position);
            Assert.Equal("dGhlIHNhbXBsZSBub25jZQ==", request!.Key);
            Assert.Equal(["chat", "superchat"], request.Subprotocols);
        }
    }

    [Fact]
    public void Bytes_behind_the_head_are_left_for_the_frame_engine()
    {
        byte[] head = Heads.Bytes(Heads.Printed);
        byte[] wire = [.. head, 0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d];

        var reader = new UpgradeReader(wire, Heads.BytesMax);

        Assert.Equal(OperationStatus.Done, reader.ReadHead(out _));
        Assert.Equal(head.Length, reader.Position);
    }

    [Fact]
    public void A_request_outlives_the_bytes_it_was_read_from()
    {
        byte[] wire = Heads.Bytes(Heads.Printed);
        new UpgradeReader(wire, Heads.BytesMax).ReadHead(out UpgradeRequest? request);

        wire.AsSpan().Fill((byte)'x');

        Assert.Equal("/chat", request!.Path);
        Assert.True(request.TryGetHeader("host", out string? host));
        Assert.Equal("server.example.com", host);
    }

    [Fact]
    public void One_empty_line_before_the_request_is_ignored() =>
        Assert.Equal("/chat", Heads.Read("\r\n" + Heads.Printed).Path);

    [Theory]
    [InlineData("/", "/", "")]
    [InlineData("/a/b%2Fc/../d", "/a/b%2Fc/../d", "")]
    [InlineData("/ws?", "/ws", "")]
    [InlineData("/ws?token=a%20b&next=/?x", "/ws", "token=a%20b&next=/?x")]
    [InlineData("/room[1]?q={a}|`^", "/room[1]", "q={a}|`^")]
    [InlineData("http://hub.example/ws?x=1", "/ws", "x=1")]
    [InlineData("HTTPS://hub.example", "/", "")]
    [InlineData("http://hub.example?x=1", "/", "x=1")]
    public void A_target_is_a_path_and_a_query_left_as_they_are_written(string target, string path, string query)
    {
        UpgradeRequest request = Heads.Read($"GET {target} HTTP/1.1\r\nHost: hub.example\r\n\r\n");

        Assert.Equal((path, query), (request.Path, request.Query));
    }

    [Fact]
    public void The_host_of_an_absolute_target_overrules_the_Host_field() =>
        Assert.Equal("hub.example:8443", Heads.Read("GET http://hub.example:8443/ws HTTP/1.1\r\nHost: other\r\n\r\n").Host);

    [Theory]
    [InlineData("hub.example")]
    [InlineData("hub.example:8080")]
    [InlineData("my_service-1:80")]
    [InlineData("127.0.0.1:65535")]
    [InlineData("[::1]")]
    [InlineData("[2001:db8::1]:443")]
    public void A_host_is_a_name_or_an_address_and_perhaps_a_port(string host) =>
        Assert.Equal(host, Heads.Read($"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").Host);

    [Fact]
    public void Host_may_be_missing_before_HTTP_1_1()
    {
        UpgradeRequest request = Heads.Read("GET / HTTP/1.0\r\n\r\n");

        Assert.Equal((0, ""), (request.HttpMinorVersion, request.Host));
    }

    [Theory]
    [InlineData("websocket", "Upgrade", true)]
    [InlineData("WebSocket", "upgrade", true)]
    [InlineData("h2c, websocket", "keep-alive, Upgrade", true)]
    [InlineData(",,websocket,", " ,UPGRADE , ", true)]
    [InlineData("websocket/13", "Upgrade", false)]
    [InlineData("websockets", "Upgrade", false)]
    [InlineData("websocket", "keep-alive", false)]
    [InlineData("websocket", "Upgrades", false)]
    [InlineData("h2c", "Upgrade", false)]
    public void A_WebSocket_is_wanted_when_both_tokens_stand_there_in_any_case(string upgrade, string connection, bool wanted) =>
        Assert.Equal(wanted, Heads.Read(Heads.With($"Upgrade: {upgrade}", $"Connection: {connection}")).WantsWebSocket);

    [Fact]
    public void Tokens_may_be_spread_over_several_lines() =>
        Assert.True(Heads.Read(
            Heads.With("Connection: keep-alive", "Connection: upgrade", "Upgrade: h2c", "UPGRADE: websocket")).WantsWebSocket);

    [Fact]
    public void Subprotocols_keep_the_order_in_which_they_are_offered() =>
        Assert.Equal(
            ["v3.broker", "v2.broker", "centrifuge-json"],
            Heads.Read(Heads.With(
                "Sec-WebSocket-Protocol: v3.broker,,v2.broker", "sec-websocket-protocol:\tcentrifuge-json ")).Subprotocols);

    [Fact]
    public void Extensions_are_kept_as_they_are_written() =>
        Assert.Equal(
            "permessage-deflate; server_no_context_takeover, permessage-deflate, x",
            Heads.Read(Heads.With(
                "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover, permessage-deflate",
                    "Sec-WebSocket-Extensions: x")).Extensions);

    [Fact]
    public void Any_field_is_found_in_any_case_with_its_lines_joined()
    {
        UpgradeRequest request =
            Heads.Read(Heads.With("X-Forwarded-For: 10.0.0.1", "Empty:", "Name: caf\u00e9", "x-forwarded-for:  10.0.0.2\t"));

        Assert.True(request.TryGetHeader("X-FORWARDED-FOR", out string? addresses));
        Assert.Equal("10.0.0.1, 10.0.0.2", addresses);
        Assert.True(request.TryGetHeader("empty", out string? empty));
        Assert.Equal("", empty);
        Assert.True(request.TryGetHeader("name", out string? name));
        Assert.Equal("caf\u00e9", name);
        Assert.False(request.TryGetHeader("X-Forwarded", out _));
    }

    [Theory]
    [InlineData("Content-Length: 0", false)]
    [InlineData("Content-Length: 000", false)]
    [InlineData("Content-Length: 1", true)]
    [InlineData("Content-Length: 99999999999999999999999999", true)]
    [InlineData("Transfer-Encoding: chunked", true)]
    public void A_body_is_a_length_over_0_or_a_transfer_coding(string line, bool hasBody) =>
        Assert.Equal(hasBody, Heads.Read(Heads.With(line)).HasBody);

    [Fact]
    public void Reading_an_ordinary_request_allocates_less_than_two_kibibytes()
    {
        byte[] wire = Heads.Bytes(Heads.Printed);
        UpgradeRequest? request = null;

        Assert.InRange(Allocations.Least(() => new UpgradeReader(wire, Heads.BytesMax).ReadHead(out request)), 1, 2048);
        GC.KeepAlive(request);
    }

    [Fact]
    public void An_unfinished_head_allocates_nothing()
    {
        byte[] wire = Heads.Bytes(Heads.Printed[..^1]);

        Assert.Equal(0, Allocations.Least(() => new UpgradeReader(wire, Heads.BytesMax).ReadHead(out _)));
    }
}
