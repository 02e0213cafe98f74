using Broker.Dialects;
using System.Collections;
using System.Diagnostics;
using System.Runtime.Versioning;
using Broker.Configuration;
using Broker.Host.Commands;
using Broker.Host.Settings;

namespace Broker.Tests.Host;

[Collection("The process's one log")]
public sealed class BrokerCommandTests : IDisposable
{
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();
    private readonly string _file = Path.GetTempFileName();
    private readonly PlainHub _hub = new();
    private readonly Hashtable _environment = [];

    public void Dispose() => File.Delete(_file);

    [Fact]
    public async Task Check_config_prints_differences_and_their_origin()
    {
        await File.WriteAllTextAsync(_file, "broker {\n  reactors = 2\n  log.level = debug\n listen.origins = [\"https://a.example\"]\n}");
        _environment["BROKER_LOG_FORMAT"] = "json";
        _environment["BROKER_LOG_LEVEL"] = "warning";
        _environment["BROKER_LOG_COLOUR"] = "red";
        _environment["BROKER_URL"] = "ws://127.0.0.1:9000/ws";      // Of the commands of a client.

        Assert.Equal(0, await RunAsync("check-config", "--config", _file, "--port", "9000", "--echo"));

        Assert.Equal(
            [
                "broker.echo.enabled = on  # command line --echo",
                $"broker.listen.origins = [https://a.example]  # {_file} line 4",
                "broker.listen.port = 9000  # command line --port",
                "broker.log.format = json  # environment variable BROKER_LOG_FORMAT",
                "broker.log.level = warning  # environment variable BROKER_LOG_LEVEL",
                $"broker.reactors = 2  # {_file} line 2",
                "The settings can be used.",
            ],
            Lines(_output));
        Assert.Contains("BROKER_LOG_COLOUR names no setting", Assert.Single(Lines(_error)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("broker.tls.password = \"pass word\"", "BROKER_TLS_KEY", "key.pem", "broker.tls.key = key.pem")]
    [InlineData("", "BROKER_TLS_PASSWORD", "pass word", "broker.tls.password = ***")]
    public async Task Check_config_shows_no_secret_wherever_it_comes_from(string file, string variable, string value, string expected)
    {
        await File.WriteAllTextAsync(_file, file);
        _environment[variable] = value;

        Assert.Equal(0, await RunAsync("check-config", "--config", _file));

        Assert.Contains(Lines(_output), line => line.StartsWith(expected, StringComparison.Ordinal));
        Assert.Contains(
            Lines(_output), line => line.StartsWith("broker.tls.password = ***  # ", StringComparison.Ordinal) || file.Length == 0);
        Assert.DoesNotContain("pass word", _output.ToString() + _error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Configdoc_prints_every_setting_once_with_its_default()
    {
        Assert.Equal(0, await RunAsync("configdoc"));

        string page = _output.ToString();
        Assert.All(SettingsLoader.KnownKeys, key => Assert.Equal(1, page.Split($"\n- `{key}` = `").Length - 1));
        Assert.Equal(SettingsLoader.KnownKeys.Count, page.Split("\n- `").Length - 1);
        Assert.Contains("\n`broker.namespaces.NAME` has the keys of `broker.channels`.\n", page, StringComparison.Ordinal);
        Assert.Contains("The port for everything", page, StringComparison.Ordinal);
        Assert.Contains("\n- `broker.listen.port` = `8000`, or `BROKER_LISTEN_PORT`\n", page, StringComparison.Ordinal);
    }

    [Theory, UnsupportedOSPlatform("windows")]
    [InlineData("")]
    [InlineData("broker.tls.certificate")]
    [InlineData("broker.tokens.jwks.file")]
    [InlineData("broker.tokens.rsa-public-key")]
    public async Task A_FIFO_without_a_writer_ends_check_config_with_its_name(string key)
    {
        string fifo = _file + ".fifo";
        using (Process make = Process.Start("mkfifo", fifo)) await make.WaitForExitAsync();
        try
        {
            if (key.Length > 0)
                await File.WriteAllTextAsync(
                    _file, $"broker.tls.enabled = {(key.StartsWith("broker.tls", StringComparison.Ordinal) ? "on" : "off")}\n{key} = "
                        + $"\"{fifo}\"");

            Assert.Equal(1, await RunAsync("check-config", "--config", key.Length > 0 ? _file : fifo));

            Assert.Contains("a FIFO needs a writer", _error.ToString(), StringComparison.Ordinal);
            Assert.Contains(key.Length > 0 ? key : fifo, _error.ToString(), StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(fifo);
        }
    }

    [Fact, UnsupportedOSPlatform("windows")]
    public async Task Genconfig_makes_a_file_that_can_be_used_and_that_only_its_owner_reads()
    {
        File.Delete(_file);

        Assert.Equal(0, await RunAsync("genconfig", "--out", _file));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_file));
        Assert.Equal(1, await RunAsync("genconfig", "--out", _file));
        Assert.Equal(0, await RunAsync("check-config", "--config", _file));

        string text = await File.ReadAllTextAsync(_file);
        string[] secrets = [.. text.Split('"').Where(each => each.Length == 64)];
        Assert.Equal(2, secrets.Distinct().Count());
        Assert.All(secrets, secret => Assert.DoesNotContain(secret, _output.ToString(), StringComparison.Ordinal));
        Assert.Contains(Lines(_output), line => line.StartsWith("broker.tokens.hmac-secret = ***", StringComparison.Ordinal));
        Assert.Contains(Lines(_output), line => line.StartsWith("broker.api.keys = ***", StringComparison.Ordinal));
        Assert.Contains($"{_file} cannot be written", Assert.Single(Lines(_error)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("bash", "complete -o default -F _broker broker")]
    [InlineData("zsh", "compdef _broker broker")]
    [InlineData("fish", "complete -c broker")]
    public async Task Completion_prints_a_script_that_asks_the_parser(string shell, string expected)
    {
        Assert.Equal(0, await RunAsync("completion", shell));
        Assert.Contains(expected, _output.ToString(), StringComparison.Ordinal);

        Assert.Equal(0, await RunAsync("[suggest:13]", "broker store "));
        Assert.Contains("scan", _output.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--port", "70000", "broker: command line --port: broker.listen.port is 70000, expected a whole number from 0 to 65535.")]
    [InlineData("--host", "here", "broker: command line --host: broker.listen.address is here, expected an IP address")]
    [InlineData("--log-level", "loud", "broker: command line --log-level: broker.log.level is loud, expected one of verbose, debug")]
    [InlineData("--reactors", "-1", "broker: command line --reactors: broker.reactors is -1, expected")]
    [InlineData("--host", "0.0.0.0", "broker: command line --host: anonymous clients (broker.centrifuge.anonymous) are open to anyone")]
    [InlineData("--config", "/nowhere/broker.conf", "broker: The file /nowhere/broker.conf cannot be read")]
    [InlineData("--config", "", "broker: The file of --config has no name.")]
    public async Task Settings_that_cannot_be_used_end_with_2_and_a_sentence(string option, string value, string expected)
    {
        Assert.Equal(2, await RunAsync(option, value));

        Assert.StartsWith(expected, Assert.Single(Lines(_error)), StringComparison.Ordinal);
        Assert.Empty(_output.ToString());
        Assert.Equal(1, await RunAsync("check-config", option, value));
    }

    [Theory]
    [InlineData("--prot", "1")]
    [InlineData("server")]
    [InlineData("--port")]
    public async Task A_command_line_that_cannot_be_used_ends_with_2(params string[] arguments)
    {
        Assert.Equal(2, await RunAsync(arguments));

        Assert.NotEmpty(_error.ToString());
        Assert.DoesNotContain("   at ", _error.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--help", "--allow-anonymous-anywhere")]
    [InlineData("--version", "0.1.0")]
    public async Task Help_and_version_are_printed(string option, string expected)
    {
        Assert.Equal(0, await RunAsync(option));

        if (option == "--help") Assert.Contains(expected, _output.ToString(), StringComparison.Ordinal);
        else Assert.NotEmpty(_output.ToString());
    }

    [Theory]
    [InlineData]
    [InlineData("serve")]
    [InlineData("serve", "--port", "0")]
    [InlineData("--host", "0.0.0.0", "--allow-anonymous-anywhere")]
    public async Task It_serves_prints_one_line_and_ends_well(params string[] arguments)
    {
        _hub.Stopped.SetResult();
        var printed = new FirstLine();
        using var stop = new CancellationTokenSource();

        Task<int> serving = new BrokerCommand(MakeHub, _environment, printed, _error).RunAsync(arguments, stop.Token);
        string line = await printed.Line.Task.WaitAsync(TimeSpan.FromSeconds(60));
        await stop.CancelAsync();

        Assert.Equal(0, await serving.WaitAsync(TimeSpan.FromSeconds(60)));
        Assert.Equal($"listening on http://{_hub.Endpoints[0]}", line);
        Assert.True(_hub.Disposed);
    }

    [Theory]
    [InlineData(null, null, 2)]
    [InlineData("none", null, 0)]
    [InlineData("read", null, 2)]
    [InlineData("write", "on", 0)]
    public async Task A_store_is_opened_to_other_machines_only_by_a_wish_of_its_own(string? anonymous, string? anywhere, int code)
    {
        if (anonymous is not null) _environment["BROKER_STORE_ANONYMOUS"] = anonymous;
        if (anywhere is not null) _environment["BROKER_STORE_ALLOW_ANONYMOUS_ANYWHERE"] = anywhere;
        string[] arguments = ["check-config", "--host", "0.0.0.0", "--allow-anonymous-anywhere", "--store", "/nowhere/store"];

        Assert.Equal(code == 0 ? 0 : 1, await RunAsync(arguments));

        if (code == 0) return;
        Assert.StartsWith(
            "broker: command line --store: the keyed store would be open to anyone", Assert.Single(Lines(_error)),
                StringComparison.Ordinal);
        Assert.Equal(2, await RunAsync(arguments[1..]));
    }

    [Theory]
    [InlineData("check-config")]
    [InlineData("sub", "news")]
    public async Task An_unexpected_exception_exits_with_70_and_one_line(params string[] arguments)
    {
        int code = await new BrokerCommand(MakeHub, new BrokenVariables(), _output, _error).RunAsync(arguments);

        Assert.Equal(70, code);
        Assert.Equal("broker: a fault of this program, NotSupportedException: in two lines", Assert.Single(Lines(_error)));
        Assert.Empty(_output.ToString());
    }

    [Fact]
    public async Task A_hub_that_cannot_start_ends_with_1_and_its_reason()
    {
        await using var broken = new PlainHub { StartFailure = new IOException("Address already in use") };

        int code = await new BrokerCommand((_, _, _, _) => broken, _environment, _output, _error).RunAsync([]);

        Assert.Equal(1, code);
        Assert.Equal("broker: Address already in use", Assert.Single(Lines(_error)));
        Assert.True(broken.Disposed);
    }

    [Fact]
    public void Every_key_of_the_process_has_one_variable_of_its_own() =>
        Assert.Equal(
            SettingsLoader.KnownKeys.Count,
            SettingsLoader.KnownKeys.Select(EnvironmentLayer.NameOf).Distinct().Count());

    private PlainHub MakeHub(
        Broker.Dialects.StandardSettings settings, Akka.Configuration.Config akka,
            IReadOnlyList<Broker.Actors.Calls.Methods.IMethodSource> methods, Broker.Actors.Access.IHubAccess? access) => _hub;

    private Task<int> RunAsync(params string[] arguments) =>
        new BrokerCommand(MakeHub, _environment, _output, _error).RunAsync(arguments);

    private static string[] Lines(StringWriter text) =>
        text.ToString().Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);

    private sealed class BrokenVariables : Hashtable
    {
        public override object? this[object key]
        {
            get => throw new NotSupportedException("in two\nlines");
            set => throw new NotSupportedException();
        }

        public override IDictionaryEnumerator GetEnumerator() => throw new NotSupportedException("in two\nlines");

        public override void CopyTo(Array array, int arrayIndex) => throw new NotSupportedException("in two\nlines");

        public override int Count => throw new NotSupportedException("in two\nlines");
    }

    private sealed class FirstLine : StringWriter
    {
        public TaskCompletionSource<string> Line { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override Task WriteLineAsync(string? value)
        {
            Line.SetResult(value ?? "");
            return Task.CompletedTask;
        }
    }
}
