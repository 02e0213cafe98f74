using Broker.Dialects.Echo;
using Broker.Dialects;
using System.Collections;
using System.Net;
using Broker.Actors.Settings;
using Broker.Configuration;

namespace Broker.Tests.Configuration;

public class SettingsLayersTests
{
    private const string Key = "broker.listen.port";

    [Theory]
    [InlineData(null, null, null, "8000", "Broker.Actors.reference.conf line ")]
    [InlineData("1", null, null, "1", "mine.conf line 1")]
    [InlineData("1", "2", null, "2", "environment variable BROKER_LISTEN_PORT")]
    [InlineData("1", "2", "3", "3", "command line --port")]
    [InlineData("1", null, "3", "3", "command line --port")]
    public void The_stronger_layer_wins_and_is_named(
        string? file, string? environment, string? commandLine, string expected, string source)
    {
        List<SettingsLayer> overrides = [];
        if (file is not null) overrides.Add(SettingsLayer.Parse("mine.conf", $"{Key} = {file}"));
        if (environment is not null) overrides.Add(FromEnvironment(("BROKER_LISTEN_PORT", environment)));
        if (commandLine is not null) overrides.Add(FromCommandLine(commandLine));

        SettingValue found = new SettingsLayers(StandardSettingsBinder.References, overrides).Find(Key)!;

        Assert.Equal(expected, found.Text);
        Assert.StartsWith(source, found.Origin.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Only_what_differs_from_its_default_is_changed()
    {
        SettingsLayer mine = SettingsLayer.Parse("mine.conf", "broker.listen.port = 8000\nbroker.reactors = 2");
        var layers = new SettingsLayers(StandardSettingsBinder.References, [mine]);

        KeyValuePair<string, SettingValue> changed = Assert.Single(layers.Changed());

        Assert.Equal("broker.reactors", changed.Key);
        Assert.Equal("mine.conf line 2", changed.Value.Origin.ToString());
    }

    [Theory]
    [InlineData("broker { a { b = 1 }, c = 2 }")]
    [InlineData("broker { a { b = 1 } , c = 2, d = [1, 2] }")]
    [InlineData("broker { a { b = \"},\" }, c = 2 } # },")]
    [InlineData("broker { a { b = \"\"\"},\"\"\" }, c = 2 } // },")]
    public void A_comma_may_follow_an_object(string text)
    {
        SettingsLayer layer = SettingsLayer.Parse("mine.conf", text);

        Assert.Equal("2", layer.Find("broker.c")!.Text);
        Assert.Contains(layer.Find("broker.a.b")!.Text, (string[])["1", "},"]);
    }

    [Fact]
    public void Every_key_has_one_variable_of_its_own()
    {
        IReadOnlyList<string> keys = SettingsLayers.KeysOf(StandardSettingsBinder.References);

        Assert.Equal(keys.Count, keys.Select(EnvironmentLayer.NameOf).Distinct().Count());
        Assert.Equal("BROKER_CENTRIFUGE_PING_INTERVAL", EnvironmentLayer.NameOf("broker.centrifuge.ping-interval"));
    }

    [Fact]
    public void A_bad_variable_is_named_as_it_was_set()
    {
        var reader = new SettingsReader(
            new SettingsLayers(StandardSettingsBinder.References, [FromEnvironment(("BROKER_CENTRIFUGE_PONG_LIMIT", "8"))]));

        _ = StandardSettingsBinder.Read(reader);

        Assert.StartsWith(
            "environment variable BROKER_CENTRIFUGE_PONG_LIMIT: broker.centrifuge.pong-limit is 8, expected a duration",
            Assert.Throws<SettingException>(reader.ThrowIfBad).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_list_in_a_variable_has_commas()
    {
        var layers = new SettingsLayers(
            StandardSettingsBinder.References, [FromEnvironment(("BROKER_LISTEN_ORIGINS", "https://a.example, https://b.example"))]);

        Assert.Equal(["https://a.example", "https://b.example"], StandardSettingsBinder.Read(new SettingsReader(layers)).Listen.Origins);
    }

    [Fact]
    public void An_unknown_variable_is_a_warning_with_a_suggestion()
    {
        var variables = new Hashtable { ["BROKER_LISTEN_PROT"] = "1", ["HOME"] = "/", ["BROKER_LISTEN_PORT"] = "2" };

        _ = EnvironmentLayer.Read(variables, SettingsLayers.KeysOf(StandardSettingsBinder.References), out IReadOnlyList<string> warnings);

        Assert.Equal(
            "The environment variable BROKER_LISTEN_PROT names no setting and is ignored; did you mean BROKER_LISTEN_PORT?",
            Assert.Single(warnings));
    }

    [Fact]
    public void Akka_sees_the_file_over_the_reference()
    {
        SettingsLayer mine = SettingsLayer.Parse("mine.conf", "akka.loglevel = DEBUG\nbroker.reactors = 2");

        Akka.Configuration.Config config = new SettingsLayers(StandardSettingsBinder.References, [mine]).ToConfig();

        Assert.Equal("DEBUG", config.GetString("akka.loglevel"));
        Assert.Equal(2, config.GetInt("broker.reactors"));
        Assert.Equal(8000, config.GetInt(Key));
    }

    [Theory]
    [InlineData("127.0.0.1", true, false, false, Exposure.Safe)]
    [InlineData("127.9.9.9", true, true, false, Exposure.Safe)]
    [InlineData("::1", true, false, false, Exposure.Safe)]
    [InlineData("0.0.0.0", true, false, false, Exposure.Refused)]
    [InlineData("::", true, false, false, Exposure.Refused)]
    [InlineData("192.168.1.5", true, false, false, Exposure.Refused)]
    [InlineData("0.0.0.0", false, true, false, Exposure.Refused)]
    [InlineData("0.0.0.0", false, false, false, Exposure.Safe)]
    [InlineData("0.0.0.0", true, false, true, Exposure.Wished)]
    public void Unknown_clients_come_in_from_elsewhere_only_by_wish(
        string address, bool anonymous, bool echo, bool wished, Exposure expected)
    {
        var settings = new StandardSettings
        {
            Listen = new ListenSettings { Address = IPAddress.Parse(address), AllowAnonymousAnywhere = wished },
            Access = new Broker.Actors.Channels.Namespaces.AccessSettings { Anonymous = anonymous },
            Echo = new EchoSettings { Enabled = echo },
        };

        Assert.Equal(expected, ExposureRule.Check(settings));
    }

    [Theory]
    [InlineData("250ms", 250)]
    [InlineData("1.5s", 1_500)]
    [InlineData("2 M", 120_000)]
    [InlineData("1d", 86_400_000)]
    public void A_duration_is_a_number_and_a_unit(string text, int milliseconds)
    {
        Assert.True(SettingUnits.TryReadDuration(text, out TimeSpan duration));
        Assert.Equal(milliseconds, duration.TotalMilliseconds);
        Assert.True(SettingUnits.TryReadDuration(SettingUnits.Write(duration), out TimeSpan again));
        Assert.Equal(duration, again);
    }

    private static SettingsLayer FromEnvironment(params (string Name, string Value)[] variables)
    {
        var table = new Hashtable();
        foreach ((string name, string value) in variables) table[name] = value;
        return EnvironmentLayer.Read((IDictionary)table, SettingsLayers.KeysOf(StandardSettingsBinder.References), out _);
    }

    private static SettingsLayer FromCommandLine(string port) =>
        SettingsLayer.Of("command line", [KeyValuePair.Create(Key, new SettingValue(port, null, new("command line --port")))]);
}
