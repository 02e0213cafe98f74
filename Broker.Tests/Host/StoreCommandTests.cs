using Broker.Core.Protocol.Store;
using Broker.Host.Commands;
using Broker.Store;
using Broker.Tests.Store;
using static Broker.Tests.Store.StoreFolder;

namespace Broker.Tests.Host;

/// <summary>The commands that look at a store's files and repair them.</summary>
public sealed class StoreCommandTests : IDisposable
{
    private readonly StoreFolder _folder = new();
    private readonly StringWriter _output = new(), _error = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_whole_store_is_said_to_be_whole()
    {
        await FillAsync();

        Assert.Equal(0, await RunAsync("check"));
        Assert.Equal("The store is whole.", _output.ToString().TrimEnd());
        Assert.Equal("", _error.ToString());
    }

    [Fact]
    public async Task A_damaged_store_is_told_repaired_and_whole_again()
    {
        await FillAsync();
        string log = Directory.GetFiles(_folder.Path, "*.log").MaxBy(static path => new FileInfo(path).Length)!;
        byte[] bytes = await File.ReadAllBytesAsync(log);
        bytes[bytes.Length / 10] ^= 1;
        await File.WriteAllBytesAsync(log, bytes);

        Assert.Equal(1, await RunAsync("check"));
        Assert.Contains("would be lost", _output.ToString(), StringComparison.Ordinal);
        Assert.Equal(0, await RunAsync("repair"));
        Assert.Contains("are lost", _output.ToString(), StringComparison.Ordinal);
        Assert.Contains("What was damaged is in", _output.ToString(), StringComparison.Ordinal);
        Assert.Equal(0, await RunAsync("check"));
        using KeyedStore store = _folder.Open();
        Assert.Equal(99, store.Count);
    }

    [Theory]
    [InlineData("check"), InlineData("repair")]
    public async Task A_folder_without_a_store_is_refused(string command)
    {
        Assert.Equal(2, await RunAsync(command));
        Assert.Equal($"broker: The folder {_folder.Path} is no store.", _error.ToString().TrimEnd());
    }

    [Theory]
    [InlineData("check"), InlineData("repair")]
    public async Task A_store_in_use_is_refused(string command)
    {
        using KeyedStore store = _folder.Open();
        Assert.Equal(2, await RunAsync(command));
        Assert.Contains("open.", _error.ToString(), StringComparison.Ordinal);
    }

    // Copied while it is open, as a crash would leave it: a clean end leaves no log.
    private async Task FillAsync()
    {
        using var written = new StoreFolder();
        using KeyedStore store = written.Open();
        for (int i = 0; i < 100; i++) await store.WriteAsync(Bytes($"k{i}"), new byte[200], Durability.Disk);
        foreach (string file in Directory.EnumerateFiles(written.Path)) File.Copy(file, Path.Combine(_folder.Path, Path.GetFileName(file)));
    }

    private Task<int> RunAsync(string command) =>
        new BrokerCommand((_, _, _, _) => throw new NotSupportedException(), new System.Collections.Hashtable(), _output, _error).RunAsync(["store", command, _folder.Path]);
}
