using System.Diagnostics;
using System.Globalization;

namespace Broker.Tests.Store;

/// <summary>A small disk in memory, mounted for one test; needs root.</summary>
internal sealed class Tmpfs : IDisposable
{
    private Tmpfs(string path) => Path = path;

    public string Path { get; }

    private string Ballast => System.IO.Path.Combine(Path, "ballast");

    /// <summary>Mounts one; none where that is not allowed.</summary>
    public static Tmpfs? TryMount(int mebibytes)
    {
        string path = Directory.CreateTempSubdirectory("broker-tmpfs-").FullName;
        if (Run("mount", "-t", "tmpfs", "-o", string.Create(CultureInfo.InvariantCulture, $"size={mebibytes}m"), "tmpfs", path))
            return new Tmpfs(path);
        Directory.Delete(path);
        return null;
    }

    /// <summary>Takes all the room that is left.</summary>
    public void Fill()
    {
        using var ballast = new FileStream(Ballast, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        foreach (int size in (int[])[64 * 1024, 4096, 1])
        {
            byte[] piece = new byte[size];
            try
            {
                while (true) ballast.Write(piece);
            }
            catch (IOException)
            {
                // No room for one of that size.
            }
        }
    }

    /// <summary>Gives it back.</summary>
    public void Free() => File.Delete(Ballast);

    public void Dispose()
    {
        Run("umount", "-l", Path);
        Directory.Delete(Path);
    }

    private static bool Run(string program, params string[] arguments)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
