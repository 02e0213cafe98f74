using Broker.Dialects;
using System.Collections;
using System.Net;
using System.Reflection;
using System.Text.RegularExpressions;
using Akka.Configuration;
using Broker.Actors.Channels.History;
using Broker.Actors.Channels.Namespaces;
using Broker.Actors.Sessions;
using Broker.Actors.Settings;
using Broker.Configuration;
using Broker.Core.Upgrade;

namespace Broker.Tests.Settings;

public partial class HubSettingsTests
{
    [Fact]
    public void The_reference_gives_the_defaults_of_the_types()
    {
        StandardSettings read = StandardSettings.From(Config.Empty);

        Assert.Equal(Describe(new StandardSettings(), "broker"), Describe(read, "broker"));
    }

    [Fact]
    public void Every_property_has_its_key_in_the_reference_and_every_key_is_read()
    {
        IEnumerable<string> keys = Describe(new StandardSettings(), "broker").Select(pair => pair.Key);
        var reader = new SettingsReader(new SettingsLayers(StandardSettingsBinder.References, []));

        _ = StandardSettingsBinder.Read(reader);

        Assert.Equal(keys.Order(StringComparer.Ordinal), SettingsLayers.KeysOf(StandardSettingsBinder.References));
        Assert.Equal(keys.Order(StringComparer.Ordinal), reader.KeysRead.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("listen.address", "7", "an IP address")]
    [InlineData("listen.address", "example.org", "an IP address")]
    [InlineData("listen.port", "65536", "a whole number from 0 to 65535")]
    [InlineData("listen.port", "-1", "a whole number from 0 to 65535")]
    [InlineData("listen.port", "http", "a whole number from 0 to 65535")]
    [InlineData("listen.origins", "[\"https://a.example/\"]", "a list of origins")]
    [InlineData("listen.origins", "[\"file://\"]", "a list of origins")]
    [InlineData("listen.origins", "[\"https://bücher.example\"]", "a list of origins")]
    [InlineData("listen.origins", "[\"https://user@a.example\"]", "a list of origins")]
    [InlineData("listen.origins", "[\"ws://a.example\"]", "a list of origins")]
    [InlineData("listen.origins", "[\"*\"]", null)]
    [InlineData("listen.origins", "[\"null\"]", null)]
    [InlineData("listen.origins", "[\"https://a.example:443\"]", null)]
    [InlineData("listen.hosts", "[\"https://a.example\"]", "a list of names without scheme and port")]
    [InlineData("listen.hosts", "[\"a.example:8000\"]", "a list of names without scheme and port")]
    [InlineData("listen.hosts", "[\"a.example\"]", null)]
    [InlineData("listen.hosts", "\"*\"", null)]
    [InlineData("echo.path", "/x/../y", "a path that begins with /")]
    [InlineData("echo.path", "\"/a%20b\"", "a path that begins with /")]
    [InlineData("echo.path", "\"/a//b\"", "a path that begins with /")]
    [InlineData("echo.path", "\"/{a}\"", "a path that begins with /")]
    [InlineData("listen.connections-max", "0", "a whole number from 1 to 16000000")]
    [InlineData("listen.allow-anonymous-anywhere", "maybe", "on or off")]
    [InlineData("transport", "epoll", "one of auto, reactor, kestrel")]
    [InlineData("listen.proxies.proxy-protocol", "[\"10.0.0.7/8\"]", "a list of addresses and ranges with nothing set behind the prefix")]
    [InlineData("listen.proxies.proxy-protocol", "[\"10.0.0.0/33\"]", "a list of addresses and ranges")]
    [InlineData("listen.proxies.forwarded", "[\"proxy.example\"]", "a list of addresses and ranges")]
    [InlineData("listen.proxies.forwarded", "[\"010.0.0.0/8\"]", "a list of addresses and ranges")]
    [InlineData("listen.proxies.forwarded-header", "both", "one of x-forwarded-for, forwarded.")]
    [InlineData("reactors", "1025", "a whole number from 0 to 1024")]
    [InlineData("reactor.backend", "iocp", "one of auto, epoll, io-uring")]
    [InlineData("reactor.scratch-bytes", "1KiB", "a size from 4KiB to 16MiB")]
    [InlineData("reactor.backlog", "0", "a whole number from 1 to 65535")]
    [InlineData("reactor.queue-bytes-max", "2GiB", "a size from 4KiB to 1GiB")]
    [InlineData("reactor.blocked-limit", "10", "a duration from 10ms to 1h")]
    [InlineData("reactor.handshake-limit", "2h", "a duration from 10ms to 1h")]
    [InlineData("reactor.head-bytes-max", "12 apples", "a size from 1KiB to 1MiB")]
    [InlineData("reactor.close-limit", "0s", "a duration from 10ms to 1h")]
    [InlineData("centrifuge.path", "connection", "a path that begins with /")]
    [InlineData("centrifuge.anonymous", "1", "on or off")]
    [InlineData("centrifuge.subscribe", "ja", "on or off")]
    [InlineData("centrifuge.publish", "[on]", "on or off")]
    [InlineData("centrifuge.ping-interval", "999ms", "a duration from 1s to 1h")]
    [InlineData("centrifuge.connect-limit", "soon", "a duration from 10ms to 1h")]
    [InlineData("centrifuge.bytes-before-connect-max", "255", "a size from 256B to 1MiB")]
    [InlineData("centrifuge.message-bytes-max", "65MiB", "a size from 256B to 64MiB")]
    [InlineData("centrifuge.commands-per-frame-max", "1.5", "a whole number from 1 to 65536")]
    [InlineData("centrifuge.channels-max", "0", "a whole number from 1 to 1000000")]
    [InlineData("centrifuge.channel-bytes-max", "5KiB", "a size from 1B to 4KiB")]
    [InlineData("compression.enabled", "gzip", "on or off")]
    [InlineData("compression.message-bytes-min", "2MiB", "a size from 0B to 1MiB")]
    [InlineData("compression.window-bits", "7", "a whole number from 8 to 15")]
    [InlineData("compression.memory-max", "-1", "a size from 0B to 1GiB")]
    [InlineData("native.enabled", "7", "on or off")]
    [InlineData("native.path", "ws", "a path that begins with /")]
    [InlineData("native.path", "/connection/websocket", "another path than broker.centrifuge.path has")]
    [InlineData("native.frame-bytes-max", "1023", "a size from 1KiB to 64MiB")]
    [InlineData("native.fragments-max", "0", "a whole number from 1 to 1073741824")]
    [InlineData("native.messages-per-frame-max", "0", "a whole number from 1 to 65536")]
    [InlineData("calls.pending-max", "0", "a whole number from 1 to 1000000")]
    [InlineData("calls.bytes-max", "1", "a size from 1KiB to 1GiB")]
    [InlineData("calls.deadline-max", "0s", "a duration from 10ms to 1d")]
    [InlineData("calls.quick-limit", "2s", "a duration from 1ms to 1s")]
    [InlineData("echo.enabled", "\"\"", "on or off")]
    [InlineData("echo.path", "\"/a?b\"", "a path that begins with /")]
    [InlineData("echo.message-bytes-max", "0", "a size from 1B to 1GiB")]
    [InlineData("shutdown-grace", "61m", "a duration from 0ms to 1h")]
    public void A_bad_value_names_its_key_line_value_and_what_was_expected(string key, string value, string? expected)
    {
        if (expected is null)
        {
            Read($"broker.{key} = {value}");
            return;
        }

        string found = value == "\"\"" ? "nothing" : value.Replace("\"", "", StringComparison.Ordinal);

        var bad = Assert.Throws<SettingException>(() => Read($"# mine\nbroker {{\n  {key} = {value}\n}}\n"));

        string problem = Assert.Single(bad.Problems);
        Assert.StartsWith($"mine.conf line 3: broker.{key} is {found}, expected {expected}", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void One_reading_finds_every_mistake()
    {
        var bad = Assert.Throws<SettingException>(
            () => Read("broker.listen.port = x\nbroker.reactors = y\nbroker.lisen.port = 1"));

        Assert.Equal(3, bad.Problems.Count);
    }

    [Theory]
    [InlineData("broker.listen.prot = 1", "there is no setting broker.listen.prot; did you mean broker.listen.port?")]
    [InlineData("brokr { reactors = 1 }", "there is no setting brokr.reactors; did you mean broker.reactors?")]
    [InlineData("broker.listen = 5", "there is no setting broker.listen; did you mean broker.listen.port?")]
    [InlineData("broker.listen.port { x = 1 }", "there is no setting broker.listen.port.x; did you mean broker.listen.port?")]
    [InlineData("zzz = 5", "there is no setting zzz.")]
    public void An_unknown_key_is_refused_and_the_nearest_suggested(string text, string expected)
    {
        var bad = Assert.Throws<SettingException>(() => Read(text));

        Assert.Equal("mine.conf line 1: " + expected, Assert.Single(bad.Problems));
    }

    [Fact]
    public void Settings_of_Akka_pass_unjudged() => Assert.Equal(8000, Read("akka.actor.x = 1").Listen.Port);

    [Fact]
    public void Good_values_arrive()
    {
        StandardSettings read = Read("""
            broker {
              listen { address = "::1", port = 0, origins = ["https://a.example", "http://b.example:81"] }
              listen.proxies { proxy-protocol = ["10.0.0.0/8", "::ffff:192.0.2.7"], forwarded = "::1", forwarded-header = Forwarded }
              reactor.queue-bytes-max = 1.5 MiB
              reactor.scratch-bytes = 65536
              centrifuge.ping-interval = 1.5m
              echo.enabled = yes
            }
            """);

        Assert.Equal(IPAddress.IPv6Loopback, read.Listen.Address);
        Assert.Equal(0, read.Listen.Port);
        Assert.Equal(["https://a.example", "http://b.example:81"], read.Listen.Origins);
        Assert.Equal(
            [new IPNetwork(IPAddress.Parse("10.0.0.0"), 8), new IPNetwork(IPAddress.Parse("192.0.2.7"), 32)],
                read.Listen.Proxies.ProxyProtocol);
        Assert.Equal([new IPNetwork(IPAddress.IPv6Loopback, 128)], read.Listen.Proxies.Forwarded);
        Assert.Equal(ForwardedHeader.Forwarded, read.Listen.Proxies.ForwardedHeader);
        Assert.Equal(1536 * 1024, read.Reactor.QueueBytesMax);
        Assert.Equal(65536, read.Reactor.ScratchBytes);
        Assert.Equal(TimeSpan.FromSeconds(90), read.Clients.PingInterval);
        Assert.True(read.Echo.Enabled);
    }

    [Fact]
    public void A_configuration_that_Akka_parsed_is_read_with_its_fallback()
    {
        Config config = ConfigurationFactory.ParseString("broker.reactors = 3")
            .WithFallback(ConfigurationFactory.ParseString("broker { reactors = 4, listen.port = 7 }"));

        StandardSettings read = StandardSettings.From(config);

        Assert.Equal((3, 7), (read.Reactors, read.Listen.Port));
    }

    private static StandardSettings Read(string text)
    {
        var reader = new SettingsReader(new SettingsLayers(StandardSettingsBinder.References, [SettingsLayer.Parse("mine.conf", text)]));
        StandardSettings settings = StandardSettingsBinder.Read(reader);
        reader.ThrowIfBad();
        return settings;
    }

    /// <summary>Every leaf below a settings record, under the key that its property's name gives it.</summary>
    private static IEnumerable<KeyValuePair<string, string>> Describe(object settings, string path)
    {
        foreach (PropertyInfo property in settings.GetType().GetProperties())
        {
            string key = $"{path}.{Words().Replace(property.Name, "-$0").ToLowerInvariant()}";
            if (!property.CanWrite) continue;       // It follows from the others.
            if (property.Name == nameof(StandardSettings.Hub)) continue;    // Its settings stand here by their names.

            // What holds for clients of every dialect stands under centrifuge, since that was the only one.
            if (key is "broker.clients" or "broker.access") key = "broker.centrifuge";

            // The key is older than the term.
            if (key == "broker.calls.inline-limit") key = "broker.calls.quick-limit";
            object value = property.GetValue(settings)!;

            // What is computed, and what names a group, has no key.
            if (!property.CanWrite || (settings, property.Name) is (ChannelNamespace, nameof(ChannelNamespace.Name))
                or (StandardSettings, nameof(StandardSettings.Namespaces))) continue;

            // What access sets has no key.
            if ((settings, property.Name) is (ClientSettings, nameof(ClientSettings.UpgradeHeaders))) continue;
            if (value is ChannelNamespace or HistoryOptions || property.PropertyType.Name.EndsWith("Settings", StringComparison.Ordinal))
            {
                foreach (KeyValuePair<string, string> inner in Describe(value, key)) yield return inner;
                continue;
            }

            string text = value is IEnumerable items and not string ? string.Join(",", items.Cast<object>()) : $"{value}";
            yield return KeyValuePair.Create(key, text);
        }
    }

    [GeneratedRegex("(?<!^)[A-Z]")]
    private static partial Regex Words();
}
