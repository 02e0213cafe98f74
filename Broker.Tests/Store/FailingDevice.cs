
namespace Broker.Tests.Store;

/// <summary>A disk whose device fails below its file system: an image that its own disk has no room for. Needs root.</summary>
/// <remarks>
/// The image is sparse, and stands on a small disk in memory. Once that is full, the loop device cannot write. The file system has room,
/// and takes every write; a sync fails, and what was written since the one before may be lost.
/// </remarks>
internal sealed class FailingDevice : IDisposable
{
    private const int HostMebibytes = 48;

    private readonly Tmpfs _host;

    private FailingDevice(Tmpfs host, string path)
    {
        _host = host;
        Path = path;
    }

    /// <summary>Where the file system is mounted.</summary>
    public string Path { get; }

    /// <summary>Mounts one; none where that is not allowed.</summary>
    public static FailingDevice? TryMount()
    {
        if (Tmpfs.TryMount(HostMebibytes) is not { } host) return null;
        string image = System.IO.Path.Combine(host.Path, "image"), path = Directory.CreateTempSubdirectory("broker-device-").FullName;
        using (var file = new FileStream(image, FileMode.CreateNew)) file.SetLength(256 * 1024 * 1024);

        // Without a journal, which would end the whole file system at the first error.
        if (Tmpfs.Run("mkfs.ext4", "-q", "-O", "^has_journal", "-E", "lazy_itable_init=1,nodiscard", image)
            && Tmpfs.Run("mount", "-o", "loop,errors=continue", image, path))
            return new FailingDevice(host, path);
        Directory.Delete(path);
        host.Dispose();
        return null;
    }

    /// <summary>From now on what is written to blocks that were never written fails.</summary>
    public void Break() => _host.Fill();

    /// <summary>From now on writes succeed again.</summary>
    public void Mend() => _host.Free();

    public void Dispose()
    {
        Tmpfs.Run("umount", "-l", Path);
        Directory.Delete(Path);
        _host.Dispose();
    }
}
