using System.Buffers;
using Broker.Core.Upgrade;
using Xunit;

namespace Broker.Tests.Upgrade;

public sealed class UpgradeReaderRefusalTests
{
    [Theory]
    [InlineData("GET / HTTP/1.1\n", "bare LF")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\n\r\n", "bare LF")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\n\n", "bare LF")]
    [InlineData("\u0016\u0003\u0001\u0002\u0000", "start with a method")]
    [InlineData(" GET / HTTP/1.1\r\n", "start with a method")]
    [InlineData("\r\n\r\n", "start with a method")]
    [InlineData("\nGET", "start with a method")]
    [InlineData("\rGET", "start with a method")]
    public void What_no_request_starts_with_is_refused_before_its_end(string start, string reason) =>
        AssertRefused(start, reason);

    [Theory]
    [InlineData("GET")]
    [InlineData("GET /")]
    [InlineData("GET  HTTP/1.1")]
    [InlineData("G(T / HTTP/1.1")]
    [InlineData("G\tT / HTTP/1.1")]
    [InlineData("GET\0 / HTTP/1.1")]
    public void A_request_line_is_a_method_a_target_and_a_version(string line) =>
        AssertRefused($"{line}\r\nHost: a\r\n\r\n", "request line is not");

    [Theory]
    [InlineData("HTTP/1")]
    [InlineData("HTTP/1.1x")]
    [InlineData("http/1.1")]
    [InlineData("HTTP/1.x")]
    [InlineData("HTTP/11")]
    [InlineData("HTTP/1.10")]
    [InlineData("")]
    [InlineData("HTTP/1.\r1")]
    public void A_version_is_a_name_and_two_digits(string version) =>
        AssertRefused($"GET / {version}\r\nHost: a\r\n\r\n", "HTTP version");

    [Theory]
    [InlineData("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")]
    [InlineData("GET / HTTP/3.0\r\nHost: a\r\n\r\n")]
    [InlineData("GET / HTTP/0.9\r\nHost: a\r\n\r\n")]
    public void Another_major_version_is_refused_as_one(string text) =>
        Assert.Equal(505, Heads.Refused(text).Status);

    [Theory]
    [InlineData("*")]
    [InlineData("hub.example:80")]
    [InlineData("ws://hub.example/")]
    [InlineData("file:///etc/passwd")]
    [InlineData("chat")]
    [InlineData("http://")]
    [InlineData("http:///chat")]
    [InlineData("/a b")]
    [InlineData("//\\evil")]
    [InlineData("/a\tb")]
    [InlineData("/a\0b")]
    [InlineData("/a\u007fb")]
    [InlineData("/caf\u00e9")]
    [InlineData("/a#b")]
    [InlineData("/a?b#c")]
    [InlineData("/a?<script>")]
    [InlineData("/a?b\"c")]
    [InlineData("/%")]
    [InlineData("/%4")]
    [InlineData("/%g0")]
    [InlineData("/%0g")]
    [InlineData("/a?b=100%")]
    public void A_target_is_a_path_or_an_http_URI(string target) =>
        AssertRefused($"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n", "request target");

    [Theory]
    [InlineData("http://user@hub.example/")]
    [InlineData("http://user:secret@hub.example/")]
    [InlineData("http://hub.example:99999/")]
    [InlineData("http://hub.example#x/")]
    [InlineData("http://a,b/")]
    public void An_absolute_target_names_a_host_and_nothing_else(string target) =>
        AssertRefused($"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n", "names no host");

    [Theory]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData("a, b")]
    [InlineData("a/b")]
    [InlineData("user@a")]
    [InlineData("http://a")]
    [InlineData("a:b")]
    [InlineData("a:1:2")]
    [InlineData("a:-1")]
    [InlineData("a:65536")]
    [InlineData("a:000080")]
    [InlineData(":80")]
    [InlineData("[::1")]
    [InlineData("[]")]
    [InlineData("[::1]x")]
    [InlineData("[::g]")]
    [InlineData("[fe80::1%25eth0]")]
    [InlineData("::1")]
    [InlineData("caf\u00e9")]
    [InlineData("a%2eb")]
    public void A_host_that_is_none_is_refused(string host) =>
        AssertRefused($"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n", "Host is not");

    [Fact]
    public void A_missing_host_is_refused() =>
        AssertRefused("GET / HTTP/1.1\r\nX: y\r\n\r\n", "Host is missing");

    [Theory]
    [InlineData("Host: hub.example")]
    [InlineData("hOST: evil.example")]
    public void A_second_host_is_refused_even_where_it_is_the_same(string line) =>
        AssertRefused(Heads.With(line), "Host stands there twice");

    [Theory]
    [InlineData("X: a", " folded")]
    [InlineData("X: a", "\tfolded")]
    public void A_folded_line_is_refused(string line, string folded) =>
        AssertRefused(Heads.With(line, folded), "folded lines");

    [Theory]
    [InlineData("Upgrade : websocket")]
    [InlineData("Upgrade\t: websocket")]
    public void White_space_before_the_colon_is_refused(string line) =>
        AssertRefused(Heads.With(line), "before the colon");

    [Theory]
    [InlineData("no colon")]
    [InlineData(": nameless")]
    [InlineData("Na me: x")]
    [InlineData("Na\0me: x")]
    [InlineData("N\u00e4me: x")]
    [InlineData("\"Name\": x")]
    [InlineData("Na\rme: x")]
    public void A_field_name_is_a_token(string line) =>
        AssertRefused(Heads.With(line), "no name that is a token");

    [Theory]
    [InlineData("X: a\0b")]
    [InlineData("X: a\rb")]
    [InlineData("X: a\u001bb")]
    [InlineData("X: a\u007fb")]
    [InlineData("X:\u0001")]
    [InlineData("X: a\r")]
    public void A_field_value_holds_no_control_character(string line) =>
        AssertRefused(Heads.With(line), "control character");

    [Theory]
    [InlineData("Content-Length: -1")]
    [InlineData("Content-Length: +1")]
    [InlineData("Content-Length: 0x10")]
    [InlineData("Content-Length: 1, 1")]
    [InlineData("Content-Length:")]
    [InlineData("Content-Length: 5\r\nContent-Length: 5")]
    [InlineData("Content-Length: 5\r\nContent-Length: 6")]
    public void A_length_is_one_decimal_number(string line) =>
        AssertRefused(Heads.With(line), "Content-Length is not");

    [Theory]
    [InlineData("Content-Length: 0", "Transfer-Encoding: chunked")]
    [InlineData("Transfer-Encoding: chunked", "Content-Length: 5")]
    public void Two_ways_to_find_the_end_of_a_body_are_one_too_many(string first, string second) =>
        AssertRefused(Heads.With(first, second), "exclude each other");

    [Theory]
    [InlineData("chat, su(er", "is not a token")]
    [InlineData("chat super", "is not a token")]
    [InlineData("\"chat\"", "is not a token")]
    [InlineData("caf\u00e9", "is not a token")]
    [InlineData("chat, chat", "offered twice")]
    [InlineData("chat\r\nSec-WebSocket-Protocol: chat", "offered twice")]
    [InlineData("", "offers nothing")]
    [InlineData(", ,", "offers nothing")]
    public void Subprotocols_are_unique_tokens(string value, string reason) =>
        AssertRefused(Heads.With($"Sec-WebSocket-Protocol: {value}"), reason);

    [Fact]
    public void More_subprotocols_than_are_compared_are_refused()
    {
        string offered = string.Join(',', Enumerable.Range(0, 33));

        Assert.Equal(32, Heads.Read(Heads.With($"Sec-WebSocket-Protocol: {offered[..^3]}")).Subprotocols.Count);
        AssertRefused(Heads.With($"Sec-WebSocket-Protocol: {offered}"), "More than 32");
    }

    [Fact]
    public void A_head_may_be_as_long_as_the_limit_and_not_a_byte_longer()
    {
        byte[] wire = Heads.Bytes(Heads.Printed);

        var fits = new UpgradeReader(wire, wire.Length);
        Assert.Equal(OperationStatus.Done, fits.ReadHead(out _));

        UpgradeFault fault = Heads.Refused(Heads.Printed, wire.Length - 1);
        Assert.Equal(431, fault.Status);
        Assert.Contains($"{wire.Length - 1} bytes", fault.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_head_without_end_is_refused_as_soon_as_it_fills_the_limit()
    {
        string endless = "GET / HTTP/1.1\r\nX: " + new string('a', 4096);

        var shorter = new UpgradeReader(Heads.Bytes(endless[..1023]), 1024);
        Assert.Equal(OperationStatus.NeedMoreData, shorter.ReadHead(out _));
        Assert.Equal(431, Heads.Refused(endless[..1024], 1024).Status);
        Assert.Equal(431, Heads.Refused(endless, 1024).Status);
    }

    [Fact]
    public void The_limit_counts_the_head_and_not_what_lies_behind_it()
    {
        byte[] wire = Heads.Bytes(Heads.Printed + new string('x', 100_000));

        var reader = new UpgradeReader(wire, 1024);

        Assert.Equal(OperationStatus.Done, reader.ReadHead(out _));
        Assert.Equal(Heads.Printed.Length, reader.Position);
    }

    private static void AssertRefused(string text, string reason)
    {
        UpgradeFault fault = Heads.Refused(text);

        Assert.Equal(400, fault.Status);
        Assert.Contains(reason, fault.Reason, StringComparison.Ordinal);
    }
}
