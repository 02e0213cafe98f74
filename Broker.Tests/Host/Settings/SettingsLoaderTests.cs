using System.Collections;
using Broker.Configuration;
using Broker.Host.Http;
using Broker.Host.Settings;
using Serilog.Events;

namespace Broker.Tests.Host.Settings;

[Collection("The process's one log")]
public sealed class SettingsLoaderTests : IDisposable
{
    private readonly string _file = Path.GetTempFileName();

    public void Dispose() => File.Delete(_file);

    [Theory]
    [InlineData("centrifuge.path", "/health", "the probes of the process")]
    [InlineData("centrifuge.path", "/ready", "the probes of the process")]
    [InlineData("native.path", "/metrics", "broker.http.metrics")]
    [InlineData("centrifuge.path", "/", "broker.http.page")]
    [InlineData("echo { enabled = on, path", "/page.css }", "broker.http.page")]
    public void A_path_that_plain_HTTP_answers_is_given_to_no_endpoint(string key, string path, string owner)
    {
        string problem = Assert.Single(Assert.Throws<SettingException>(() => Load($"broker.{key} = {path}")).Problems);

        Assert.StartsWith($"{_file} line 1: broker.", problem, StringComparison.Ordinal);
        Assert.EndsWith($"expected another path, because this one is answered by {owner}.", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void A_path_is_free_where_its_owner_is_disabled() =>
        Assert.Equal("/metrics", Load("broker { native.path = /metrics, http.metrics = off }").Settings.Hub.Native.Path);

    [Fact]
    public void Every_file_of_the_page_is_a_path_that_no_endpoint_gets() =>
        Assert.All(HttpPaths.Page, path => Assert.NotNull(PageFiles.Find(path)));

    [Theory]
    [InlineData("akka.loglevel = LOUD", "akka.loglevel is LOUD, which Akka does not take: ")]
    [InlineData("akka.actor.provider = \"No.Such, Type\"", "akka.actor.provider is No.Such, Type, which Akka does not take: ")]
    [InlineData("akka.scheduler.implementation = \"No.Such, Type\"",
        "akka.scheduler.implementation is No.Such, Type, which Akka does not take: ")]
    [InlineData("akka.actor.creation-timeout = soon", "akka.actor.creation-timeout is soon, which Akka does not take: ")]
    public void A_value_that_Akka_does_not_take_is_refused_before_the_start(string text, string expected)
    {
        string problem = Assert.Single(Assert.Throws<SettingException>(() => Load("broker.reactors = 1\n" + text)).Problems);

        Assert.StartsWith($"{_file} line 2: {expected}", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void A_key_that_Akka_does_not_know_is_warned_about() =>
        Assert.Equal(
            $"{_file} line 1: akka.logelvel is no setting that Akka ships with; did you mean akka.loglevel?",
                Assert.Single(Load("akka.logelvel = INFO").Warnings));

    [Theory]
    [InlineData("info", LogEventLevel.Information)]
    [InlineData("WARN", LogEventLevel.Warning)]
    [InlineData("trace", LogEventLevel.Verbose)]
    [InlineData("debug", LogEventLevel.Debug)]
    public void Levels_have_the_names_that_others_use(string written, LogEventLevel level) =>
        Assert.Equal(level, Load($"broker.log.level = {written}").Settings.Log.Level);

    [Theory]
    [InlineData("660", 0b110_110_000)]
    [InlineData("0600", 0b110_000_000)]
    [InlineData("777", 0b111_111_111)]
    public void A_mode_is_three_octal_digits(string written, int mode) =>
        Assert.Equal((UnixFileMode)mode, Load($"broker.unix-socket-mode = {written}").Settings.UnixSocketMode);

    [Theory, InlineData("888"), InlineData("66"), InlineData("060"), InlineData("400"), InlineData("rw"), InlineData("1777")]
    public void Any_other_mode_is_refused(string written) =>
        Assert.Throws<SettingException>(() => Load($"broker.unix-socket-mode = {written}"));

    [Fact]
    public void Secrets_are_hidden_wherever_a_value_is_shown()
    {
        LoadedSettings loaded =
            SettingsLoader.Load(null, new Hashtable { ["BROKER_TLS_PASSWORD"] = "hunter2" }, SettingsLayer.Of("command line", []));

        (string key, SettingValue value) = Assert.Single(loaded.Layers.Changed());
        Assert.Equal(
            ("broker.tls.password", "***", "environment variable BROKER_TLS_PASSWORD"), (key, value.Text, value.Origin.ToString()));
    }

    [Fact]
    public void The_TLS_port_is_not_the_public_one() =>
        Assert.Contains(
            "another port than broker.listen.port",
                Assert.Throws<SettingException>(() => Load("broker.tls { enabled = on, port = 8000 }")).Message, StringComparison.Ordinal);

    private LoadedSettings Load(string text)
    {
        File.WriteAllText(_file, text);
        return SettingsLoader.Load(_file, new Hashtable(), SettingsLayer.Of("command line", []));
    }
}
