using Broker.Core.Upgrade;
using Xunit;

namespace Broker.Tests.Upgrade;

public sealed class UpgradeRulesTests
{
    private const string Key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    private const string Version = "Sec-WebSocket-Version: 13";
    private const string Upgrade = "Upgrade: WebSocket";
    private const string Connection = "Connection: keep-alive, Upgrade";

    private static readonly OriginRule SameHost = new([]);

    [Fact]
    public void The_request_that_the_RFC_prints_is_upgraded_where_its_origin_is_listed() =>
        Assert.Null(UpgradeRules.Check(Heads.Read(Heads.Printed), new OriginRule(["http://example.com"])));

    [Fact]
    public void A_client_that_is_no_browser_needs_no_origin() =>
        Assert.Null(Check(Heads.With(Upgrade, Connection, Key, Version)));

    [Theory]
    [InlineData("POST")]
    [InlineData("HEAD")]
    [InlineData("OPTIONS")]
    [InlineData("get")]
    public void The_method_must_be_GET(string method) =>
        AssertFault(405, "opened with GET",
            Check(Heads.With(Upgrade, Connection, Key, Version).Replace("GET", method, StringComparison.Ordinal)));

    [Theory]
    [InlineData("HEAD", true)]
    [InlineData("POST", false)]
    public void Only_the_answer_to_HEAD_has_no_body(string method, bool bodyless) =>
        Assert.Equal(bodyless, Check($"{method} / HTTP/1.1\r\nHost: a\r\n\r\n")!.Value.Bodyless);

    [Fact]
    public void The_HTTP_version_must_be_at_least_1_1() =>
        AssertFault(400, "HTTP/1.1 or above",
            Check(Heads.With(Upgrade, Connection, Key, Version).Replace("HTTP/1.1", "HTTP/1.0", StringComparison.Ordinal)));

    [Fact]
    public void A_later_minor_version_is_served_as_1_1() =>
        Assert.Null(Check(Heads.With(Upgrade, Connection, Key, Version).Replace("HTTP/1.1", "HTTP/1.2", StringComparison.Ordinal)));

    [Theory]
    [InlineData(Connection, "X: y")]
    [InlineData(Upgrade, "X: y")]
    [InlineData(Upgrade, "Connection: close")]
    [InlineData("Upgrade: h2c", Connection)]
    public void Both_Upgrade_and_Connection_must_ask_for_it(string first, string second) =>
        AssertFault(426, "Only WebSockets are served here", Check(Heads.With(first, second, Key, Version)));

    [Theory]
    [InlineData("X: y")]
    [InlineData("Sec-WebSocket-Version:")]
    [InlineData("Sec-WebSocket-Version: 8")]
    [InlineData("Sec-WebSocket-Version: 013")]
    [InlineData("Sec-WebSocket-Version: 13, 8")]
    [InlineData("Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 13")]
    public void The_version_must_be_13(string line) =>
        AssertFault(426, "not 13", Check(Heads.With(Upgrade, Connection, Key, line)));

    [Fact]
    public void The_key_must_be_there() =>
        AssertFault(400, "Key is missing", Check(Heads.With(Upgrade, Connection, Version)));

    [Theory]
    [InlineData(Key)]
    [InlineData("Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==")]
    [InlineData("Sec-WebSocket-Key:")]
    public void The_key_must_not_be_repeated(string second) =>
        AssertFault(400, "more than once", Check(Heads.With(Upgrade, Connection, Key, second, Version)));

    [Theory]
    [InlineData("")]
    [InlineData("AAAAAAAAAAAAAAAAAAAA")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAA=")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAA=")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAA==")]
    [InlineData("AAAAAAAAAAA AAAAAAAAAA==")]
    [InlineData("AAAAAAAAAA==AAAAAAAAAA==")]
    [InlineData("AAAAAAAAAA-_AAAAAAAAAA==")]
    [InlineData("AAAAAAAAAA\u00e4AAAAAAAAAAA==")]
    public void The_key_must_be_16_bytes_in_base64(string key) =>
        AssertFault(400, "not 16 bytes", Check(Heads.With(Upgrade, Connection, $"Sec-WebSocket-Key: {key}", Version)));

    [Theory]
    [InlineData("Content-Length: 5")]
    [InlineData("Transfer-Encoding: chunked")]
    public void There_must_be_no_body_in_front_of_the_frames(string line) =>
        AssertFault(400, "no body", Check(Heads.With(Upgrade, Connection, Key, Version, line)));

    [Theory]
    [InlineData("http://hub.example", true)]
    [InlineData("https://evil.example", false)]
    [InlineData("http://hub.example\r\nOrigin: http://hub.example", false)]
    public void An_origin_that_may_not_connect_is_refused(string origin, bool allowed)
    {
        UpgradeFault? fault = Check(Heads.With(Upgrade, Connection, Key, Version, $"Origin: {origin}"));

        if (allowed) Assert.Null(fault);
        else AssertFault(403, "Origin", fault);
    }

    private static UpgradeFault? Check(string head) => UpgradeRules.Check(Heads.Read(head), SameHost);

    private static void AssertFault(int status, string reason, UpgradeFault? fault)
    {
        Assert.Equal(status, fault?.Status);
        Assert.Contains(reason, fault!.Value.Reason, StringComparison.Ordinal);
    }
}
