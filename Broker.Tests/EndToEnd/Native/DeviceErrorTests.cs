using System.Diagnostics;
using System.Text;
using Broker.Client;
using Broker.Core.Protocol.Store;
using Broker.Tests.Support;

namespace Broker.Tests.EndToEnd.Native;

/// <summary>
/// The real host over a device whose syncs or writes fail with an I/O error: a library that is preloaded makes them fail. Passes over where
/// no C compiler is installed.
/// </summary>
[Collection(EndToEndDefinition.Name)]
public sealed class DeviceErrorTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("broker-device-");

    private string Switch => Path.Combine(_folder.FullName, "fails");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("sync")]
    [InlineData("write")]
    public async Task An_IO_error_is_reported_and_loses_nothing_acknowledged(string what)
    {
        if (await CompileAsync() is not { } library) return;
        using var limit = new CancellationTokenSource(2 * HostProcess.Patience);
        string store = Path.Combine(_folder.FullName, "store");
        var settings = new Dictionary<string, string> { ["BROKER_STORE_PATH"] = Path.Combine(store, "db") };
        int acknowledged = 0;
        Directory.CreateDirectory(store);
        await using (HostProcess host = await HostProcess.StartAsync(
            new Dictionary<string, string>(settings) { ["LD_PRELOAD"] = library, ["FAIL_SWITCH"] = Switch, ["FAIL_FOLDER"] = store }))
        {
            await using BrokerClient client = await ConnectAsync(host, limit.Token);
            var keys = new StoreClient(client);
            for (; acknowledged < 20; acknowledged++) await WriteAsync(keys, acknowledged, limit.Token);

            await File.WriteAllTextAsync(Switch, what, limit.Token);
            CallFailedException refused =
                await Assert.ThrowsAsync<CallFailedException>(() => WriteAsync(keys, acknowledged, limit.Token));
            Assert.DoesNotContain(store, refused.Message, StringComparison.Ordinal);
            Assert.Null(await keys.ReadAsync(KeyOf(acknowledged), cancellationToken: limit.Token));
            using var http = new HttpClient();
            Assert.Equal(
                "{\"status\":\"store-failing\"}",
                await (await http.GetAsync(new Uri(host.HttpUri, "ready"), limit.Token)).Content.ReadAsStringAsync(limit.Token));
            Assert.Contains(
                "broker_store_failing 1", await http.GetStringAsync(new Uri(host.HttpUri, "metrics"), limit.Token),
                    StringComparison.Ordinal);
            await host.ExpectLogAsync("The store cannot write");
            Assert.Contains("Input/output error", host.Log, StringComparison.Ordinal);
            for (int i = 0; i < acknowledged; i++) await ExpectAsync(keys, i, limit.Token);
            await host.CrashAsync();
        }

        // On a device that works again.
        await using HostProcess again = await HostProcess.StartAsync(settings);
        await using BrokerClient reader = await ConnectAsync(again, limit.Token);
        var kept = new StoreClient(reader);
        for (int i = 0; i < acknowledged; i++) await ExpectAsync(kept, i, limit.Token);
        Assert.Null(await kept.ReadAsync(KeyOf(acknowledged), cancellationToken: limit.Token));
        await WriteAsync(kept, acknowledged, limit.Token);
    }

    private static Task<BrokerClient> ConnectAsync(HostProcess host, CancellationToken stop) =>
        BrokerClient.ConnectAsync(new BrokerClientOptions { Url = host.NativeUri }, stop);

    private static Task<ulong> WriteAsync(StoreClient store, int number, CancellationToken stop) =>
        store.WriteAsync(KeyOf(number), ValueOf(number), Durability.Disk, cancellationToken: stop);

    private static async Task ExpectAsync(StoreClient store, int number, CancellationToken stop) =>
        Assert.Equal(ValueOf(number), (await store.ReadAsync(KeyOf(number), cancellationToken: stop))?.ToArray());

    private static byte[] KeyOf(int number) => Encoding.ASCII.GetBytes($"k{number}");

    private static byte[] ValueOf(int number) => [.. Enumerable.Repeat((byte)number, 5000)];

    // Null where there is no compiler.
    private async Task<string?> CompileAsync()
    {
        string? compiler = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
            .Select(static folder => Path.Combine(folder, "cc")).FirstOrDefault(File.Exists);
        if (compiler is null) return null;
        string library = Path.Combine(_folder.FullName, "failing_device.so");
        string[] arguments =
            ["-O1", "-shared", "-fPIC", "-o", library, Path.Combine(ProjectFolder.Path, "EndToEnd", "Native", "failing_device.c"), "-ldl"];
        using Process compiling = Process.Start(compiler, arguments);
        await compiling.WaitForExitAsync();
        return compiling.ExitCode == 0 ? library : null;
    }
}
