using Broker.Dialects;
using Broker.Actors.Dialects;
using Broker.Actors.Settings;
using Broker.Tests.Support;
using Xunit;

namespace Broker.Tests.Dialects;

/// <summary>A dialect is one registered object, and the hub is not touched for it.</summary>
public sealed class OwnDialectTests
{
    [Fact]
    public void A_dialect_of_a_test_shares_channels_with_the_others()
    {
        var settings = new StandardSettings();
        using var hub = new HubHarness(settings, [.. StandardDialects.Of(settings), new LineDialect()]);
        HubClient lines = hub.Dial(path: LineDialect.Path), json = hub.Connect();
        lines.Send("login");
        Assert.Equal("welcome", lines.NextLine());
        lines.Send("sub news");
        Assert.Equal("subscribed news", lines.NextLine());
        json.Send("""{"id":2,"subscribe":{"channel":"news"}}""");
        Assert.Equal("""{"id":2,"subscribe":{}}""", json.NextLine());

        json.Send("""{"id":3,"publish":{"channel":"news","data":{"a":1}}}""");
        Assert.Equal("""news 1 {"a":1}""", lines.NextLine());
        lines.Send("pub news hello there");

        string[] received = lines.NextLines(2);
        Assert.Equal(["news 2 hello there", "published 2"], received.Order(StringComparer.Ordinal));
        Assert.Contains("aGVsbG8gdGhlcmU=", string.Join('\n', json.NextLines(3)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_path_of_no_dialect_is_not_found()
    {
        var settings = new StandardSettings();
        DialectRegistry registry =
            Actors.Hub.RegistryOf(settings.Hub, StandardDialects.Of(settings), new Actors.Calls.Methods.MethodRegistry());

        Assert.DoesNotContain(registry.Endpoints, static endpoint => endpoint.Path == "/echo");        // It is off.
        Assert.Contains(registry.Endpoints, static endpoint => endpoint.Path == "/ws");
    }

    [Fact]
    public void Two_dialects_with_one_path_are_refused()
    {
        var settings = new StandardSettings();

        var refused =
            Assert.Throws<ArgumentException>(
                () => Actors.Hub.RegistryOf(
                    settings.Hub, [new LineDialect(), new LineDialect()], new Actors.Calls.Methods.MethodRegistry()));

        Assert.Contains(LineDialect.Path, refused.Message, StringComparison.Ordinal);
    }
}
