using System.Text.Json;
using Broker.Tests.Support;

namespace Broker.Tests.EndToEnd;

/// <summary>The TypeScript client against the real host process, in Node.js and in Chromium.</summary>
public sealed class TypeScriptClientTests : IDisposable
{
    private readonly string _store = Directory.CreateTempSubdirectory("broker-store-").FullName;
    private readonly string _config = Path.GetTempFileName();

    public void Dispose()
    {
        File.Delete(_config);
        Directory.Delete(_store, recursive: true);
    }

    /// <summary>The scripts import what the TypeScript compiler makes, which `./test` runs.</summary>
    internal static void RequireBuild()
    {
        string built = Path.Combine(ProjectFolder.Path, "..", "clients", "typescript", "dist", "index.js");
        Assert.True(File.Exists(built), $"{built} is not there: run ./test, or `npm ci` and `npm run build` in clients/typescript.");
    }

    [Fact]
    public async Task Its_own_tests_pass()
    {
        RequireBuild();
        await RunAsync("""{"saw":"the end","failed":0,"many":true}""", "typescript-unit.js");
    }

    [Fact]
    public async Task It_does_in_node_and_in_Chromium_what_the_dotnet_client_does()
    {
        await using HostProcess host = await StartHostAsync();
        await RunAsync("""{"saw":"the end"}""", "typescript.js", host.NativeUri.ToString(), "all");
        await RunAsync("""{"saw":"the end"}""", "typescript.js", host.NativeUri.ToString(), "long", "v2.broker");
        await RunAsync("""{"saw":"the end","complaints":[]}""", "typescript-browser.js", host.HttpUri.ToString());
    }

    [Fact]
    public async Task It_comes_back_after_a_stop_and_after_a_crash_and_its_subscriptions_go_on()
    {
        using var limit = new CancellationTokenSource(4 * HostProcess.Patience);
        await using HostProcess host = await StartHostAsync();
        foreach ((bool graceful, int code) in ((bool, int)[])[(true, 3001), (false, 1006)])
        {
            await using ClientScript script = ClientScript.Start("node", "typescript-restart.js", host.NativeUri.ToString());
            Assert.Equal("""{"saw":"received","data":"before"}""", await script.NextAsync(limit.Token));
            Assert.Equal("""{"saw":"ready"}""", await script.NextAsync(limit.Token));

            if (graceful) await host.StopAsync();
            else await host.CrashAsync();

            // A stop may end the write before it ends the connection.
            using JsonDocument lost = JsonDocument.Parse(await script.NextAsync(limit.Token));
            Assert.Equal(code, lost.RootElement.GetProperty("code").GetInt32());
            Assert.Contains(lost.RootElement.GetProperty("write").GetString(), (string[])["ConnectionLostError", "CallFailedError"]);
            Assert.Equal("ConnectionLostError", lost.RootElement.GetProperty("publish").GetString());
            await host.StartAgainAsync();
            Assert.Equal("""{"saw":"received","data":"after","gap":"possible","old":true}""", await script.NextAsync(limit.Token));
        }
    }

    private async Task<HostProcess> StartHostAsync()
    {
        RequireBuild();
        await File.WriteAllTextAsync(_config, "broker { channels {}, namespaces.ts { recovery = on, history { size = 10, ttl = 1h } } }");
        return await HostProcess.StartAsync(null, "--store", _store, "--config", _config);
    }

    /// <summary>Runs a script in Node.js: each line that it writes is of something that passed, up to the one that ends it.</summary>
    internal static async Task RunAsync(string end, string script, params string[] arguments)
    {
        using var limit = new CancellationTokenSource(4 * HostProcess.Patience);
        await using ClientScript node = ClientScript.Start("node", script, arguments);
        while (true)
        {
            string line = await node.NextAsync(limit.Token);
            if (line == end) return;
            bool isPass = line.StartsWith("""{"saw":""", StringComparison.Ordinal) && !line.Contains("failure", StringComparison.Ordinal);
            Assert.True(isPass && !line.Contains("the end", StringComparison.Ordinal), line);
        }
    }
}
