using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Broker.Tests.Store;

/// <summary>Native code comes from the program's folder, whatever lies in the working directory.</summary>
public sealed class NativeLibraryTests : IDisposable
{
    private readonly string _working = Directory.CreateTempSubdirectory("broker-planted-").FullName;
    private readonly StoreFolder _store = new();

    public void Dispose()
    {
        Directory.Delete(_working, recursive: true);
        _store.Dispose();
    }

    [Theory]
    [InlineData("librocksdb.so")]
    [InlineData("librocksdb-musl.so")]
    [InlineData("runtimes/linux-x64/native/librocksdb.so")]
    [InlineData("native/librocksdb.so")]
    public async Task A_library_in_the_working_directory_is_not_loaded(string name)
    {
        // Any library will do: it would be mapped, and the store would find none of its functions in it.
        string planted = Path.Combine(_working, name);
        Directory.CreateDirectory(Path.GetDirectoryName(planted)!);
        File.Copy(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "libSystem.Native.so"), planted);
        var start = new ProcessStartInfo(
            Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet",
                [typeof(NativeLibraryTests).Assembly.Location, CrashingWriter.ShowLibraries, _store.Path])
        {
            RedirectStandardOutput = true,
            WorkingDirectory = _working,
        };
        using Process process = Process.Start(start)!;
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();

        Assert.Equal(0, process.ExitCode);
        Assert.Contains(
            Path.Combine(AppContext.BaseDirectory, "runtimes/linux-x64/native/librocksdb.so"), output, StringComparison.Ordinal);
        Assert.DoesNotContain(_working + "/", output, StringComparison.Ordinal);
        Assert.EndsWith($"directory {_working}\n", output, StringComparison.Ordinal);
    }
}
