using Broker.Core.Counting;
using Broker.Dialects.Centrifuge.Wire;
using Xunit;

namespace Broker.Tests.Dialects.Centrifuge;

/// <summary>The standard codes, as docs/CENTRIFUGE.md lists them.</summary>
public class CodesTest
{
    [Fact]
    public void Errors_have_their_codes_words_and_whether_they_pass() => Assert.Equal(
        [
            new(100, "internal server error", true), new(101, "unauthorized"), new(102, "unknown channel"),
            new(103, "permission denied"), new(104, "method not found"), new(105, "already subscribed"),
            new(106, "limit exceeded"), new(107, "bad request"), new(108, "not available"), new(109, "token expired"),
            new(110, "expired"), new(111, "too many requests", true), new(112, "unrecoverable position"),
            new(113, "concurrent pagination", true),
        ],
        CentrifugeError.All);

    [Fact]
    public void Disconnects_have_their_codes_and_words() => Assert.Equal(
        [
            new(3000, "connection closed"), new(3001, "shutdown"), new(3004, "internal server error"),
            new(3005, "connection expired"), new(3006, "subscription expired"), new(3008, "slow"),
            new(3009, "write error"), new(3010, "insufficient state"), new(3011, "force reconnect"),
            new(3012, "no pong"), new(3013, "too many requests"), new(3014, "state invalidated"),
            new(3500, "invalid token"), new(3501, "bad request"), new(3502, "stale"), new(3503, "force disconnect"),
            new(3504, "connection limit"), new(3505, "channel limit"), new(3506, "inappropriate protocol"),
            new(3507, "permission denied"), new(3508, "not available"), new(3509, "too many errors"),
        ],
        Disconnect.All);

    [Fact]
    public void Disconnects_reconnect_up_to_3499_and_are_final_from_3500() =>
        Assert.All(Disconnect.All, disconnect => Assert.Equal(disconnect.Code < 3500, disconnect.Reconnects));

    [Theory]
    [InlineData(3499, true)]
    [InlineData(3500, false)]
    [InlineData(3999, false)]
    [InlineData(4000, true)]
    [InlineData(4499, true)]
    [InlineData(4500, false)]
    [InlineData(4999, false)]
    public void An_applications_own_disconnect_follows_the_same_halves(ushort code, bool reconnects) =>
        Assert.Equal(reconnects, new Disconnect(code, "own").Reconnects);

    [Fact]
    public void Unsubscribes_have_their_codes_and_resubscribe_from_2500()
    {
        Assert.Equal(
            [new(2000, "server unsubscribe"), new(2500, "insufficient state"), new(2501, "subscription expired"),
                new(2502, "state invalidated")],
            Unsubscribed.All);
        Assert.Equal([false, true, true, true], Unsubscribed.All.Select(unsubscribed => unsubscribed.Resubscribes));
    }

    [Fact]
    public void What_is_counted_has_the_names_of_the_codes()
    {
        Assert.All(CentrifugeError.All,
            static error => Assert.Equal(CodeTable.SnakeOf(error.Message), NameOf(CodeTable.RequestErrors, (int)error.Code)));
        Assert.All(Disconnect.All, static each => Assert.Equal(CodeTable.SnakeOf(each.Reason), NameOf(CodeTable.CloseCodes, each.Code)));
    }

    private static string NameOf(CodeTable table, int code) => table[table.IndexOf(code)].Name;
}
