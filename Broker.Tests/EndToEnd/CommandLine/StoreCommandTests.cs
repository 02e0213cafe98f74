using Broker.Core.Protocol.Store;
using Broker.Store;
using Broker.Tests.Store;
using static Broker.Tests.Store.StoreFolder;

namespace Broker.Tests.EndToEnd.CommandLine;

/// <summary>The commands that look at a store's files and repair them.</summary>
public sealed class StoreCommandTests : IDisposable
{
    private readonly StoreFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task An_intact_store_is_reported_intact()
    {
        await FillAsync();

        (int code, string output, string error) = await RunAsync("check");
        Assert.Equal((0, "The store is whole.", ""), (code, output.TrimEnd(), error));
    }

    [Fact]
    public async Task A_damaged_store_is_reported_and_repaired()
    {
        await FillAsync();
        string log = Directory.GetFiles(_folder.Path, "*.log").MaxBy(static path => new FileInfo(path).Length)!;
        byte[] bytes = await File.ReadAllBytesAsync(log);
        bytes[bytes.Length / 10] ^= 1;
        await File.WriteAllBytesAsync(log, bytes);

        (int code, string output, _) = await RunAsync("check");
        Assert.Equal(1, code);
        Assert.Contains("would be lost", output, StringComparison.Ordinal);
        (code, output, _) = await RunAsync("repair");
        Assert.Equal(0, code);
        Assert.Contains("are lost", output, StringComparison.Ordinal);
        Assert.Contains("What was damaged is in", output, StringComparison.Ordinal);
        Assert.Equal(0, (await RunAsync("check")).Code);
        using KeyedStore store = _folder.Open();
        Assert.Equal(99, store.Count);
    }

    [Theory]
    [InlineData("check"), InlineData("repair")]
    public async Task A_folder_without_a_store_is_refused(string command)
    {
        (int code, _, string error) = await RunAsync(command);
        Assert.Equal((2, $"broker: The folder {_folder.Path} is no store."), (code, error.TrimEnd()));
    }

    [Theory]
    [InlineData("check"), InlineData("repair")]
    public async Task A_store_in_use_is_refused(string command)
    {
        using KeyedStore store = _folder.Open();
        (int code, _, string error) = await RunAsync(command);
        Assert.Equal((2, $"broker: Another process has the store {_folder.Path} open."), (code, error.TrimEnd()));
    }

    // Copied while it is open, as a crash would leave it: a clean end leaves no log.
    private async Task FillAsync()
    {
        using var written = new StoreFolder();
        using KeyedStore store = written.Open();
        for (int i = 0; i < 100; i++) await store.WriteAsync(Bytes($"k{i}"), new byte[200], Durability.Disk);
        foreach (string file in Directory.EnumerateFiles(written.Path)) File.Copy(file, Path.Combine(_folder.Path, Path.GetFileName(file)));
    }

    private Task<(int Code, string Output, string Error)> RunAsync(string command) =>
        BrokerProgram.RunAsync(null, null, "store", command, _folder.Path);
}
