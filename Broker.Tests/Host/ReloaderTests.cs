using System.Collections;
using Broker.Configuration;
using Broker.Host.Reloading;
using Broker.Host.Settings;
using Serilog;
using Serilog.Core;
using Serilog.Events;

namespace Broker.Tests.Host;

public sealed class ReloaderTests : IDisposable
{
    private readonly string _file = Path.GetTempFileName();
    private readonly List<string> _sent = [];
    private readonly List<HostSettings> _taken = [];

    public void Dispose() => File.Delete(_file);

    [Fact]
    public void Reloads_what_can_change_and_names_the_rest()
    {
        Reloader reloader = Start("broker.log.level = info");
        File.WriteAllText(_file, "broker.log.level = debug\nbroker.listen.port = 9000");

        reloader.Reload();

        Assert.Equal(LogEventLevel.Debug, Assert.Single(_taken).Log.Level);
        Assert.Equal(
            [
                "Information: Settings read again; in force now: broker.log.level",
                "Warning: These settings have changed and need a restart: broker.listen.port",
            ],
            _sent);
    }

    [Fact]
    public void A_bad_file_changes_nothing_and_names_key_line_and_reason()
    {
        Reloader reloader = Start("broker.log.level = info");
        File.WriteAllText(_file, "broker.log.level = debug\nbroker.listen.origins = [\"ws://a.example\"]");

        reloader.Reload();

        Assert.Empty(_taken);
        Assert.StartsWith(
            $"Error: Not reloaded, the settings stay as they were: {_file} line 2: broker.listen.origins is [ws://a.example], expected a "
                + $"list of origins", Assert.Single(_sent), StringComparison.Ordinal);

        File.WriteAllText(_file, "broker.log.level = debug");
        reloader.Reload();
        Assert.Single(_taken);
    }

    [Fact]
    public void A_part_that_refuses_keeps_all_others_from_changing()
    {
        Reloader reloader = Start("", refusal: "broker.tls.certificate: expected another.");
        File.WriteAllText(_file, "broker.log.level = debug");

        reloader.Reload();

        Assert.Empty(_taken);
        Assert.Equal(
            "Error: Not reloaded, the settings stay as they were: broker.tls.certificate: expected another.", Assert.Single(_sent));
    }

    private Reloader Start(string text, string? refusal = null)
    {
        File.WriteAllText(_file, text);
        LoadedSettings loaded = SettingsLoader.Load(_file, new Hashtable(), SettingsLayer.Of("command line", []));
        Logger log = new LoggerConfiguration().MinimumLevel.Verbose().WriteTo.Sink(new Sent(_sent)).CreateLogger();
        return new Reloader(
            loaded, [new ReloadPart(["broker.log."], _ => null, _taken.Add), new ReloadPart([], _ => refusal, _ => { })], log);
    }

    private sealed class Sent(List<string> sent) : ILogEventSink
    {
        public void Emit(LogEvent logEvent) => sent.Add($"{logEvent.Level}: {logEvent.RenderMessage(null)}");
    }
}
