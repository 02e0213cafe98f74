using System.Diagnostics;
using Broker.Client;
using Broker.Core.Protocol.Messages;
using Broker.Core.Protocol.Store;

namespace Broker.Tests.EndToEnd.Native;

/// <summary>The keyed store over the wire: the real host, the real client.</summary>
public sealed class StoreTests : StoreHost
{
    [Fact]
    public async Task Every_operation_does_what_the_protocol_defines()
    {
        await using BrokerClient client = await ConnectAsync();
        var store = new StoreClient(client);
        Assert.True(await store.IsEmptyAsync());
        Assert.Equal(0ul, await store.CountAsync());
        Assert.Null(await store.ReadAsync(Bytes("a")));

        ulong first = await store.WriteAsync(Bytes("a"), Bytes("one"), Durability.Memory);
        ulong second = await store.WriteAsync(Bytes("b"), Bytes("two"), Durability.System);
        ulong third = await store.WriteAsync(Bytes("empty"), default, Durability.Disk);
        Assert.True(first < second && second < third);
        Assert.Equal("one", Text(await store.ReadAsync(Bytes("a"))));
        Assert.Equal("", Text(await store.ReadAsync(Bytes("empty"))));
        IReadOnlyList<ReadOnlyMemory<byte>?> several = await store.ReadAsync([Bytes("b"), Bytes("nothing"), Bytes("empty"), Bytes("a")]);
        Assert.Equal(["two", null, "", "one"], several.Select(Text));
        Assert.True(await store.ExistsAsync(Bytes("b")));
        Assert.False(await store.ExistsAsync(Bytes("nothing")));
        Assert.Equal(3ul, await store.CountAsync());
        Assert.True(await store.FileBytesAsync() > 0);

        ulong fourth = await store.WriteAsync(
            [new(Bytes("c"), Bytes("three")), new(Bytes("a"), null), new(Bytes("d"), Bytes("first")), new(Bytes("d"), Bytes("last"))],
                Durability.Disk);
        Assert.True(fourth > third);
        Assert.True(await store.DeleteAsync(Bytes("empty"), Durability.Memory));
        Assert.False(await store.DeleteAsync(Bytes("empty"), Durability.Memory));
        var scanned = new List<string?>();
        await foreach (KeyValue entry in store.ScanAsync()) scanned.Add($"{Text(entry.Key)}={Text(entry.Value)}");
        Assert.Equal(["b=two", "c=three", "d=last"], scanned);
        Assert.Equal(3ul, await store.CountAsync());
        Assert.False(await store.IsEmptyAsync());
    }

    [Fact]
    public async Task A_batch_with_one_bad_change_changes_nothing_and_the_connection_lives()
    {
        await using BrokerClient client = await ConnectAsync();
        var store = new StoreClient(client);
        KeyChange[] changes = [new(Bytes("good"), Bytes("1")), new(new byte[2000], Bytes("a key that is too long"))];

        CallFailedException refused = await Assert.ThrowsAsync<CallFailedException>(() => store.WriteAsync(changes, Durability.Disk));
        CallFailedException malformed =
            await Assert.ThrowsAsync<CallFailedException>(() => client.CallAsync(StoreMethods.BatchWrite, Bytes("?")));

        Assert.Equal((FaultCode.BadArguments, FaultCode.BadArguments), (refused.Code, malformed.Code));
        Assert.Contains("1 to 1024 bytes, not 2000", refused.Text, StringComparison.Ordinal);
        Assert.True(await store.IsEmptyAsync());
    }

    [Fact]
    public async Task A_scan_goes_on_over_its_pages_in_the_order_of_the_keys()
    {
        await using BrokerClient client = await ConnectAsync();
        var store = new StoreClient(client);
        for (int batch = 0; batch < 3; batch++)
        {
            KeyChange[] changes = [.. Enumerable.Range(batch * 1000, 1000).Select(i => new KeyChange(Bytes($"k/{i:d4}"), Bytes($"{i}")))];
            await store.WriteAsync(changes, Durability.Memory);
        }

        await store.WriteAsync(Bytes("z"), Bytes("not of the prefix"), Durability.Memory);
        var keys = new List<string?>();
        await foreach (KeyValue entry in store.ScanAsync(Bytes("k/"), keysOnly: true)) keys.Add(Text(entry.Key));

        Assert.Equal(Enumerable.Range(0, 3000).Select(i => $"k/{i:d4}"), keys);
    }

    [Fact]
    public async Task What_was_written_is_there_after_a_stop_and_a_start()
    {
        await using (BrokerClient client = await ConnectAsync())
        {
            var store = new StoreClient(client);
            await store.WriteAsync(Bytes("weakest"), Bytes("kept by a clean end"), Durability.Memory);
            await store.WriteAsync(Bytes("gone"), Bytes("x"), Durability.Disk);
            await store.DeleteAsync(Bytes("gone"), Durability.Memory);
        }

        await Host.StopAsync();
        await Host.StartAgainAsync();

        await using BrokerClient again = await ConnectAsync();
        var opened = new StoreClient(again);
        Assert.Equal("kept by a clean end", Text(await opened.ReadAsync(Bytes("weakest"))));
        Assert.Equal(1ul, await opened.CountAsync());
    }

    [Fact]
    public async Task A_folder_that_another_process_has_or_that_is_none_stops_the_start_and_is_named()
    {
        string file = Path.Combine(Folder, "a-file");
        await File.WriteAllTextAsync(file, "not a folder");

        Assert.Contains(
            $"The store {Folder} cannot be opened: another process has it open.", await FailToServeAsync(Folder), StringComparison.Ordinal);
        Assert.Contains(
            "expected the path of a folder; there is a file", await FailToServeAsync(file, exitCode: 2), StringComparison.Ordinal);
        Assert.True(Host.IsAlive);
    }

    [Fact]
    public async Task A_store_that_is_broken_stops_the_start_and_is_named()
    {
        await using (BrokerClient client = await ConnectAsync()) await new StoreClient(client)
            .WriteAsync(Bytes("a"), Bytes("b"), Durability.Disk);
        await Host.StopAsync();
        foreach (string manifest in Directory.EnumerateFiles(Folder, "MANIFEST-*")) File.Delete(manifest);

        Assert.Contains($"The store {Folder} is damaged: ", await FailToServeAsync(Folder), StringComparison.Ordinal);
    }

    // The second host that is told to open a folder; it must end by itself, and say why in one line.
    private static async Task<string> FailToServeAsync(string folder, int exitCode = 1)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
            { RedirectStandardError = true, RedirectStandardOutput = true };
        foreach (string word in (string[])[Path.Combine(AppContext.BaseDirectory, "broker.dll"), "serve", "--port", "0", "--store", folder])
            start.ArgumentList.Add(word);
        using Process process = Process.Start(start)!;
        using var limit = new CancellationTokenSource(Patience);
        try
        {
            string error = await process.StandardError.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            Assert.Equal(exitCode, process.ExitCode);
            return Assert.Single(error.Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries));
        }
        finally
        {
            if (!process.HasExited) process.Kill();
        }
    }
}
