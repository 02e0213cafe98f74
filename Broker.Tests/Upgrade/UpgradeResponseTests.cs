using System.Text;
using Broker.Core.Upgrade;
using Broker.Tests.Support;
using Xunit;

namespace Broker.Tests.Upgrade;

public sealed class UpgradeResponseTests
{
    private const string Key = "dGhlIHNhbXBsZSBub25jZQ==";

    private const string Switch =
        "HTTP/1.1 101 Switching Protocols\r\n" +
        "Upgrade: websocket\r\n" +
        "Connection: Upgrade\r\n" +
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";

    [Fact]
    public void The_key_of_section_1_3_is_accepted_with_the_value_of_section_1_3() =>
        Assert.Equal(Switch + "\r\n", Switched());

    [Fact]
    public void The_chosen_subprotocol_is_named() =>
        Assert.Equal(Switch + "Sec-WebSocket-Protocol: v3.broker\r\n\r\n", Switched("v3.broker"));

    [Fact]
    public void The_agreed_extensions_are_named() =>
        Assert.Equal(
            Switch + "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=12\r\n\r\n",
            Switched("chat", "permessage-deflate; client_max_window_bits=12"));

    [Theory]
    [InlineData("a\r\nSet-Cookie: x", null)]
    [InlineData("", null)]
    [InlineData("a, b", null)]
    [InlineData(null, "x\r\nSet-Cookie: x")]
    [InlineData(null, "x\0")]
    [InlineData(null, "caf\u00e9")]
    public void A_value_that_could_add_a_line_is_not_written(string? subprotocol, string? extensions) =>
        Assert.Throws<ArgumentException>(() => Switched(subprotocol, extensions));

    [Fact]
    public void A_key_that_was_not_judged_is_not_answered() =>
        Assert.Throws<ArgumentException>(() => UpgradeResponse.TryWriteSwitch(new byte[1024], "short", null, null, out _));

    [Theory]
    [InlineData(400, "Bad Request", "Connection: close\r\n")]
    [InlineData(401, "Unauthorized", "Connection: close\r\n")]
    [InlineData(403, "Forbidden", "Connection: close\r\n")]
    [InlineData(404, "Not Found", "Connection: close\r\n")]
    [InlineData(405, "Method Not Allowed", "Allow: GET\r\nConnection: close\r\n")]
    [InlineData(408, "Request Timeout", "Connection: close\r\n")]
    [InlineData(426, "Upgrade Required", "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nConnection: Upgrade, close\r\n")]
    [InlineData(429, "Too Many Requests", "Connection: close\r\n")]
    [InlineData(431, "Request Header Fields Too Large", "Connection: close\r\n")]
    [InlineData(503, "Service Unavailable", "Connection: close\r\n")]
    [InlineData(505, "HTTP Version Not Supported", "Connection: close\r\n")]
    [InlineData(418, "Refused", "Connection: close\r\n")]
    public void A_rejection_has_the_fields_of_its_status_and_a_reason(int status, string phrase, string fields) =>
        Assert.Equal(
            $"HTTP/1.1 {status} {phrase}\r\n{fields}Content-Type: text/plain\r\nContent-Length: 10\r\n\r\nThe rule.\n",
            Refused(new UpgradeFault(status, "The rule.")));

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(1500, 2)]
    [InlineData(-5000, 0)]
    [InlineData(120_000, 120)]
    public void A_pause_is_written_in_whole_seconds_rounded_up(int milliseconds, int seconds)
    {
        var fault = new UpgradeFault(503, "The hub is full.") { RetryAfter = TimeSpan.FromMilliseconds(milliseconds) };

        Assert.Equal(
            $"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: {seconds}\r\n" +
            "Content-Type: text/plain\r\nContent-Length: 17\r\n\r\nThe hub is full.\n",
            Refused(fault));
    }

    [Fact]
    public void A_HEAD_response_has_the_length_of_the_omitted_body() =>
        Assert.Equal(
            "HTTP/1.1 405 Method Not Allowed\r\nAllow: GET\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\r\n",
            Refused(new UpgradeFault(405, "The rule.") { Bodyless = true }));

    [Fact]
    public void No_reason_adds_a_line_or_leaves_ASCII() =>
        Assert.EndsWith(
            "Content-Length: 13\r\n\r\na??b?c?d?\"<x\n", Refused(new UpgradeFault(400, "a\r\nb\0c\u00e9d\u007f\"<x")),
                StringComparison.Ordinal);

    [Fact]
    public void A_reason_is_cut_so_that_every_refusal_fits_its_room()
    {
        var fault = new UpgradeFault(426, new string('x', 100_000)) { RetryAfter = TimeSpan.MaxValue };

        Assert.EndsWith("\r\n\r\n" + new string('x', 512) + "\n", Refused(fault), StringComparison.Ordinal);
    }

    [Fact]
    public void A_target_that_is_too_short_is_detected_at_every_length()
    {
        for (int length = 0; length < Switch.Length + 2; length++)
        {
            Assert.False(UpgradeResponse.TryWriteSwitch(new byte[length], Key, null, null, out int written));
            Assert.Equal(0, written);
        }

        var fault = new UpgradeFault(503, "The hub is full.") { RetryAfter = TimeSpan.FromSeconds(10) };
        for (int length = 0; length < Refused(fault).Length; length++)
        {
            Assert.False(UpgradeResponse.TryWriteRefusal(new byte[length], fault, out int written));
            Assert.Equal(0, written);
        }
    }

    [Fact]
    public void A_switch_allocates_nothing()
    {
        byte[] target = new byte[512];

        Assert.Equal(0, Allocations.Least(() => UpgradeResponse.TryWriteSwitch(target, Key, "v3.broker", "x", out _)));
    }

    private static string Switched(string? subprotocol = null, string? extensions = null)
    {
        byte[] target = new byte[UpgradeResponse.SwitchBytesMax + (subprotocol?.Length ?? 0) + (extensions?.Length ?? 0)];
        Assert.True(UpgradeResponse.TryWriteSwitch(target, Key, subprotocol, extensions, out int written));
        return Encoding.Latin1.GetString(target, 0, written);
    }

    private static string Refused(UpgradeFault fault)
    {
        byte[] target = new byte[UpgradeResponse.RefusalBytesMax];
        Assert.True(UpgradeResponse.TryWriteRefusal(target, fault, out int written));
        return Encoding.Latin1.GetString(target, 0, written);
    }
}
