using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Broker.Store;

/// <summary>Loads the database's native library, from the program's own folder and from nowhere else.</summary>
/// <remarks>
/// The package looks into the working directory first, and the one that can write there would run code here. Its search begins in
/// the current directory, and has found the library where a file of its plain name stands there. So the search is made by a
/// thread whose current directory is the folder of the program's own library, and which no other component sees.
/// </remarks>
internal static partial class NativeLibraryFolder
{
    private const string FileName = "librocksdb.so";
    private const int CloneFs = 0x200;      // CLONE_FS: the current directory is the thread's own from here on.

    private static readonly Lazy<string> s_loadedFrom = new(Load);

    /// <summary>Loads the library, once.</summary>
    /// <returns>The absolute path of the folder that it came from; empty on systems other than Linux, which search by themselves.</returns>
    /// <exception cref="StoreException">The program's folder has no library, or it cannot be loaded.</exception>
    public static string EnsureLoaded() => s_loadedFrom.Value;

    /// <summary>
    /// Where the program's own library is: beside it, as the package lays it out, or where a single file was unpacked to.
    /// </summary>
    internal static string? Find()
    {
        string runtime = $"linux-{RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()}";
        string unpacked = AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string ?? "";
        string?[] folders =
        [
            Path.Combine(AppContext.BaseDirectory, "runtimes", runtime, "native"),
            AppContext.BaseDirectory,
            .. unpacked.Split(':', StringSplitOptions.RemoveEmptyEntries),
        ];
        return folders.FirstOrDefault(static folder => Path.IsPathRooted(folder) && File.Exists(Path.Combine(folder!, FileName)));
    }

    private static string Load()
    {
        if (!OperatingSystem.IsLinux()) return "";
        string folder =
            Find() ?? throw new StoreException(StoreFault.Failed, $"{FileName} is not in the program's folder {AppContext.BaseDirectory}.");
        Exception? failure = null;
        var loader = new Thread(() => failure = LoadIn(folder)) { Name = "store library" };
        loader.Start();
        loader.Join();
        if (failure is null) return folder;
        throw new StoreException(
            StoreFault.Failed, $"{FileName} of {folder} cannot be loaded: {failure.GetBaseException().Message}", failure);
    }

    // Where a sandbox forbids a directory of the thread's own, the process has the folder for as long as the search takes.
    private static Exception? LoadIn(string folder)
    {
        bool isOwn = Unshare(CloneFs) == 0;
        string before = Environment.CurrentDirectory;
        try
        {
            Environment.CurrentDirectory = folder;
            RuntimeHelpers.RunClassConstructor(typeof(RocksDbSharp.Native).TypeHandle);
            return null;
        }
        catch (Exception failure)
        {
            return failure;
        }
        finally
        {
            if (!isOwn) Environment.CurrentDirectory = before;
        }
    }

    [LibraryImport("libc", EntryPoint = "unshare", SetLastError = true)]
    private static partial int Unshare(int flags);
}
