using System.Text.Json;
using Broker.Tests.Support;

namespace Broker.Tests.EndToEnd;

/// <summary>The TypeScript client against the real host process, in Node.js and in Chromium.</summary>
[Collection(EndToEndDefinition.Name)]
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
        await using ClientScript script = ClientScript.Start("node", "typescript-unit.js");

        await ExpectEndAsync(script, """{"saw":"the end","failed":0,"many":true}""");
    }

    [Fact]
    public async Task It_does_in_node_and_in_Chromium_what_the_dotnet_client_does()
    {
        await using HostProcess host = await StartHostAsync();
        await using (ClientScript node = ClientScript.Start("node", "typescript.js", host.NativeUri.ToString(), "all")) await ExpectEndAsync(node, """{"saw":"the end"}""");
        await using (ClientScript node = ClientScript.Start("node", "typescript.js", host.NativeUri.ToString(), "long", "v2.broker")) await ExpectEndAsync(node, """{"saw":"the end"}""");
        await using ClientScript browser = ClientScript.Start("node", "typescript-browser.js", host.HttpUri.ToString());
        await ExpectEndAsync(browser, """{"saw":"the end","complaints":[]}""");
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

    /// <summary>Reads what a script saw up to its end: each line is of something that passed.</summary>
    internal static async Task ExpectEndAsync(ClientScript script, string end)
    {
        using var limit = new CancellationTokenSource(4 * HostProcess.Patience);
        while (true)
        {
            string line = await script.NextAsync(limit.Token);
            if (line == end) return;
            Assert.True(line.StartsWith("""{"saw":""", StringComparison.Ordinal) && !line.Contains("failure", StringComparison.Ordinal) && !line.Contains("the end", StringComparison.Ordinal), line);
        }
    }
}
