using System.Net.Sockets;
using Broker.Dialects;
using System.Collections;
using Akka.Configuration;
using Broker.Actors;
using Broker.Actors.Settings;
using Broker.Configuration;
using Broker.Host.Composition;
using Broker.Host.Settings;
using Microsoft.AspNetCore.Builder;

namespace Broker.Tests.Host.Settings;

/// <summary>
/// Every key of both reference.conf files with values that someone may write by mistake or on purpose: what check-config takes is what
/// serve can start with, and what it does not take is named with its key, its origin and what was expected.
/// </summary>
[Collection("The process's one log")]
public sealed class HostileValuesTests
{
    private const string Origin = "hostile.conf";
    private const int StartsPerKey = 1;

    private static readonly string[] s_values =
    [
        "", " ", "0", "-1", "1", "2", "1.5", "007", "99999999999999999999", "NaN", "1e3", "0x10", "1 KiB", "64KiB", "1GiB", "16GiB",
            "10ms", "1s", "0s", "1h", "1d", "90000d",
        "on", "off", "null", "true", "*", "/", "/ws", "/echo", "/health", "/ready", "/metrics", "/page.css", "/a//b", "/a/../b", "/a b",
            "/%41", "//", "file://",
        "https://a.example", "https://a.example:443", "https://b\u00fccher.example", "https://user@a.example", "ws://a.example",
            "a.example", "a.example:80",
        "10.0.0.0/8", "::1", "127.0.0.1", "localhost", "debug", "info", "json", "660", "000", "none", "kestrel", "epoll", "Akka = debug",
        "/nowhere/at/all", "/proc", "/dev/null", "a\nb", "a\0b", "\u001b[2J", "pa#ss", "\u202e", "\ud800", new('x', 100_000),
    ];

    private static readonly HashSet<string> s_texts =
    [
        "broker.listen.origins", "broker.listen.hosts", "broker.listen.proxies.forwarded", "broker.listen.proxies.proxy-protocol",
        "broker.centrifuge.path", "broker.native.path", "broker.echo.path", "broker.unix-socket", "broker.log.levels",
    ];

    public static TheoryData<string> Keys => [.. SettingsLoader.KnownKeys];

    [Theory, MemberData(nameof(Keys))]
    public async Task What_check_config_takes_serve_can_start_with(string key)
    {
        int starts = 0;
        await using var hub = new PlainHub();
        foreach (string value in s_values)
        {
            LoadedSettings loaded;
            try
            {
                loaded = Load(key, new SettingValue(value, null, new SettingOrigin(Origin, 7)));
            }
            catch (SettingException bad)
            {
                Assert.All(bad.Problems, problem => Assert.DoesNotContain(problem, letter => char.IsControl(letter)));
                Assert.Contains(
                    bad.Problems, problem =>
                        problem.StartsWith($"{Origin} line 7: ", StringComparison.Ordinal)
                            || problem.Contains(" broker.", StringComparison.Ordinal));
                continue;
            }

            if (value == loaded.Layers.FindDefault(key)?.Text) continue;
            
            // Texts may be anything; of a number or a switch one value that is taken stands for all.
            if (starts++ >= StartsPerKey && !s_texts.Contains(key)) continue;
            try
            {
                await using WebApplication app = BrokerProcess.Build(loaded, hub, TextWriter.Null, Serilog.Core.Logger.None);
            }
            catch (IOException refused) when (
                refused.InnerException is SocketException { SocketErrorCode: SocketError.AccessDenied })
            {
                // Who may write to a folder is decided by the system, and not by the value.
            }

            await StartAsync(loaded.Settings.Hub);
        }
    }

    [Theory, MemberData(nameof(Keys))]
    public void A_list_where_one_value_belongs_is_refused_or_read(string key)
    {
        foreach (string[] items in (string[][])[[], [""], ["a", "b"], ["\0"]])
        {
            try
            {
                Load(key, new SettingValue(string.Join(", ", items), items, new SettingOrigin(Origin, 7)));
            }
            catch (SettingException bad)
            {
                Assert.NotEmpty(bad.Problems);
            }
        }
    }

    private static LoadedSettings Load(string key, SettingValue value) =>
        SettingsLoader.Load(null, new Hashtable(), SettingsLayer.Of(Origin, [KeyValuePair.Create(key, value)]));

    // Wherever it would listen: what is asked is whether the values fit together, and not whether the machine has the port.
    private static async Task StartAsync(StandardSettings settings)
    {
        await using var hub = new Hub(
            settings.Hub with { Reactors = Math.Clamp(settings.Reactors, 1, 2),
                Listen = settings.Listen with { Port = 0, Address = System.Net.IPAddress.Loopback } },
            ConfigurationFactory.ParseString("akka { loglevel = OFF, stdout-loglevel = OFF }"),
            TimeProvider.System,
            Broker.Dialects.StandardDialects.Of(settings));
        hub.Start(plainHttp: null);
        Assert.True(hub.IsReady);
    }
}
