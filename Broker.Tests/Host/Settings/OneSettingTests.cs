using System.Collections;
using System.Text.RegularExpressions;
using Broker.Configuration;
using Broker.Host.Settings;

namespace Broker.Tests.Host.Settings;

/// <summary>One number, size or duration at either end of its range, and all else as nothing has set it: the hub starts.</summary>
public sealed partial class OneSettingTests
{
    // Of these the lowest or the highest value alone says nothing that a hub could do.
    private static readonly Dictionary<string, string> s_needsOthers = new()
    {
        ["broker.channels.history.size"] = "more than nothing, as size and ttl of a history go together",
        ["broker.channels.history.ttl"] = "more than nothing, as size and ttl of a history go together",
    };

    [Fact]
    public void A_value_of_one_setting_alone_never_contradicts_a_default()
    {
        var wrong = new List<string>();
        int tried = 0;
        foreach (string key in SettingsLoader.KnownKeys.Where(static key => !key.Contains(".NAME", StringComparison.Ordinal)))
        {
            if (Problem(key, "no such value") is not { } expected || Range().Match(expected) is not { Success: true } range) continue;
            foreach (string value in (string[])[range.Groups[1].Value, range.Groups[2].Value])
            {
                tried++;
                if (Problem(key, value) is { } problem
                    && !(s_needsOthers.TryGetValue(key, out string? known) && problem.Contains(known, StringComparison.Ordinal))) wrong.Add(
                    $"{key} = {value}: {problem}");
            }
        }

        Assert.Equal([], wrong);
        Assert.True(tried > 150, $"only {tried} values were tried");
    }

    [Theory]
    [InlineData("broker.centrifuge.pong-limit", "10s", "broker.centrifuge.ping-interval", "5s")]
    [InlineData("broker.centrifuge.message-bytes-max", "64KiB", "broker.centrifuge.command-bytes-max", "32KiB")]
    [InlineData("broker.centrifuge.sse.pong-limit", "10s", "broker.centrifuge.sse.ping-interval", "5s")]
    [InlineData("broker.centrifuge.http-stream.message-bytes-max", "64KiB", "broker.centrifuge.command-bytes-max", "32KiB")]
    [InlineData("broker.native.frame-bytes-max", "64KiB", "broker.native.command-bytes-max", "32KiB")]
    [InlineData("broker.native.streams.bytes-max", "64KiB", "broker.native.streams.connection-bytes-max", "32KiB")]
    [InlineData("broker.store.result-bytes-max", "64KiB", "broker.store.client-read-bytes-max", "32KiB")]
    [InlineData("broker.store.result-bytes-max", "64KiB", "broker.store.read-bytes-max", "32KiB")]
    [InlineData("broker.store.client-read-bytes-max", "64MiB", "broker.store.read-bytes-max", "32MiB")]
    [InlineData("broker.tokens.jwks.refresh", "2d", "broker.tokens.jwks.keep-max", "1d")]
    public void Two_that_contradict_each_other_are_refused_with_the_line_of_one(string lowKey, string low, string highKey, string high)
    {
        var refused = Assert.Throws<SettingException>(() => Load((lowKey, low), (highKey, high)));

        Assert.Contains(
            refused.Problems, problem =>
                problem.StartsWith("set.conf line ", StringComparison.Ordinal)
                    && (problem.Contains(lowKey, StringComparison.Ordinal) || problem.Contains(highKey, StringComparison.Ordinal)));
    }

    [Fact]
    public void A_default_gives_way_to_what_is_set()
    {
        HostSettings small =
            Load(("broker.store.read-bytes-max", "1MiB"), ("broker.centrifuge.ping-interval", "5s"),
                ("broker.native.streams.connection-bytes-max", "8MiB"));
        HostSettings large =
            Load(("broker.store.result-bytes-max", "512MiB"), ("broker.centrifuge.pong-limit", "40s"),
                ("broker.native.frame-bytes-max", "8MiB"));

        Assert.Equal((1024L * 1024, 1024 * 1024), (small.Store.ClientReadBytesMax, small.Store.ResultBytesMax));
        Assert.Equal((TimeSpan.FromSeconds(5), 8 * 1024 * 1024), (small.Hub.Clients.PongLimit, small.Hub.Native.Streams.BytesMax));
        HostSettings ofTransport =
            Load(("broker.centrifuge.sse.ping-interval", "5s"), ("broker.centrifuge.http-stream.message-bytes-max", "1MiB"));
        Assert.Equal((5, 1024 * 1024), (ofTransport.Hub.Centrifuge.Sse.PingInterval.Seconds, ofTransport.Hub.Centrifuge.CommandBytesMax));
        Assert.Equal((512L * 1024 * 1024, 512L * 1024 * 1024), (large.Store.ClientReadBytesMax, large.Store.ReadBytesMax));
        Assert.Equal((TimeSpan.FromSeconds(40), 8 * 1024 * 1024), (large.Hub.Clients.PingInterval, large.Hub.Native.CommandBytesMax));
    }

    private static string? Problem(string key, string value)
    {
        try
        {
            Load((key, value));
            return null;
        }
        catch (SettingException bad)
        {
            return string.Join(' ', bad.Problems);
        }
    }

    private static HostSettings Load(params IReadOnlyList<(string Key, string Value)> values) => SettingsLoader.Load(
        null,
        new Hashtable(),
        SettingsLayer.Of(
            "set.conf", [
                .. values.Select(
                static (each, index) =>
                    KeyValuePair.Create(
                        each.Key, new SettingValue(each.Value, null, new SettingOrigin("set.conf", index + 1))))])).Settings;

    [GeneratedRegex(@"(?:a size|a duration|a whole number) from (\S+?) to (\S+?)(?:,|\.|$|\s)")]
    private static partial Regex Range();
}
