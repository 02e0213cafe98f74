using System.CommandLine;
using System.Net;
using System.Text;
using Broker.Actors;
using Broker.Actors.Api;
using Broker.Actors.Channels.History;
using Broker.Actors.Channels.Namespaces;
using Broker.AspNetCore;
using Broker.Cli.Commands;
using Broker.Cli.Terminal;
using Broker.Dialects;
using Broker.Identity.Settings;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Broker.Tests.Cli;

/// <summary>The commands that ask a hub by its server API, over an application with a hub in it.</summary>
public sealed class ApiCommandTests : IAsyncLifetime
{
    private const string Key = "a long random key";

    private readonly Dictionary<string, string> _environment = [];
    private WebApplication _app = null!;
    private string _url = "";

    public async Task InitializeAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.ConfigureKestrel(static kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        builder.Services.AddBroker(new StandardSettings
        {
            Reactors = 1,
            Channels = new ChannelNamespace { History = new HistoryOptions { Size = 10, Ttl = TimeSpan.FromMinutes(1) }, Presence = true },
        });
        _app = builder.Build();
        _app.MapBrokerApi(new ApiSettings { Keys = [Key] });
        await _app.StartAsync();
        _url = _app.Urls.First();
        IHubApi api = _app.Services.GetRequiredService<Hub>().Api;
        foreach (string data in (string[])["1", "\"two\u009b\"", "3"])
            await api.PublishAsync("news", new PublishRequest(Encoding.UTF8.GetBytes(data)) { IsJson = true });
    }

    public async Task DisposeAsync() => await _app.DisposeAsync();

    [Theory]
    [InlineData("history news", """{"data":1,"offset":1}|{"data":"two\x9b","offset":2}|{"data":3,"offset":3}|""",
        "broker: offset 3, epoch ")]
    [InlineData("history news --limit 1 --reverse", """{"data":3,"offset":3}|""", "broker: offset 3, epoch ")]
    [InlineData("history news --since 2", """{"data":3,"offset":3}|""", "broker: offset 3, epoch ")]
    [InlineData("presence news", "", "")]
    [InlineData("presence news --counts", "clients 0, users 0|", "")]
    [InlineData("presence news --counts --json", """{"num_clients":0,"num_users":0}|""", "")]
    [InlineData("channels", "", "")]
    [InlineData("channels --json", """{"channels":{}}|""", "")]
    [InlineData("explain --client nobody --channel news --offset 3",
        "client_unknown: No client nobody is connected, and none that has gone is remembered.|", "")]
    [InlineData("explain --client nobody --channel news --offset 4",
        "never_published: Nothing was published at offset 4: the newest publication of news is 3.|", "")]
    public async Task Prints_the_answer(string line, string output, string error)
    {
        (int code, string printed, string reported) = await RunAsync(line);

        Assert.Equal((0, output.Replace("|", "\n", StringComparison.Ordinal)), (code, printed));
        Assert.StartsWith(error, reported, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Prints_what_the_hub_is()
    {
        (int code, string printed, _) = await RunAsync("info");

        Assert.Equal(0, code);
        Assert.Contains("\nnum_clients 0\n", printed, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("history news --since 1 --epoch wrong", ExitCode.Failed, "error 112: ")]
    [InlineData("history news --since x", ExitCode.Unusable, "--since is an offset, a whole number, and not \"x\".")]
    [InlineData("presence x#y:z --api-key wrong", ExitCode.Failed, "/presence answers 401: the API key is not one of broker.api.keys")]
    [InlineData("info --api-url http://127.0.0.1:1", ExitCode.Unreachable, "http://127.0.0.1:1/api cannot be reached: ")]
    [InlineData("info --api-url ftp://127.0.0.1/api", ExitCode.Unusable, "is no URL of a hub")]
    [InlineData("explain --client c --channel news --offset 0", ExitCode.Failed, "error 107: bad request: offset begins at 1")]
    public async Task A_failure_is_one_line_and_an_exit_code(string line, int code, string error)
    {
        (int ended, string printed, string reported) = await RunAsync(line);

        Assert.Equal((code, ""), (ended, printed));
        Assert.StartsWith("broker: ", reported, StringComparison.Ordinal);
        Assert.Contains(error, reported, StringComparison.Ordinal);
        Assert.Equal(reported.IndexOf('\n', StringComparison.Ordinal), reported.Length - 1);
    }

    [Fact]
    public async Task Address_and_key_come_from_option_environment_or_settings()
    {
        Assert.Equal(ExitCode.Unusable, (await RunAsync("info", new ApiTarget(_url, ""))).Code);
        Assert.Equal(0, (await RunAsync("info", new ApiTarget(_url, Key))).Code);
        _environment["BROKER_API_KEY"] = "wrong";
        Assert.Equal(ExitCode.Failed, (await RunAsync("info", new ApiTarget(_url, Key))).Code);
        Assert.Equal(0, (await RunAsync($"info --api-key", new ApiTarget(_url, "wrong"), Key)).Code);
        _environment["BROKER_API_KEY"] = Key;
        _environment["BROKER_API_URL"] = _url;
        Assert.Equal(0, (await RunAsync("info", new ApiTarget("", "") { Problems = ["not asked"] })).Code);
        _environment.Clear();
        (int code, _, string reported) = await RunAsync("info", new ApiTarget("", "") { Problems = ["broker.conf, line 3: no"] });
        Assert.Equal((ExitCode.Unusable, "broker: broker.conf, line 3: no\n"), (code, reported));
    }

    private Task<(int Code, string Output, string Error)> RunAsync(string line) => RunAsync(line, new ApiTarget(_url, Key));

    private async Task<(int Code, string Output, string Error)> RunAsync(string line, ApiTarget target, params string[] more)
    {
        using var output = new MemoryStream();
        using var error = new StringWriter { NewLine = "\n" };
        var root = new RootCommand();
        new ApiCommands(
            _environment, new global::Broker.Cli.Terminal.Streams(Stream.Null, output, error, ShowsProgress: false),
                new Option<string?>("--config"), _ => target).AddTo(root);
        int code = await root.Parse([.. line.Split(' '), .. more]).InvokeAsync();
        return (code, Encoding.UTF8.GetString(output.ToArray()), error.ToString());
    }
}
