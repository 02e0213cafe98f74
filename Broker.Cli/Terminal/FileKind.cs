using System.Runtime.InteropServices;

namespace Broker.Cli.Terminal;

/// <summary>What stands at a path, links followed, and whose it is.</summary>
/// <param name="Exists">Whether anything does.</param>
/// <param name="IsRegular">Whether it is a file that can be replaced by another one.</param>
/// <param name="Owner">Its user's number; null where the system does not tell.</param>
/// <param name="Group">Its group's number.</param>
internal readonly partial record struct FileKind(bool Exists, bool IsRegular, uint? Owner = null, uint? Group = null)
{
    private const int CurrentFolder = -100, BasicStats = 0x7ff;

    // struct statx of Linux, which is the same on every processor.
    private const int StatusBytes = 256, OwnerAt = 20, GroupAt = 24, ModeAt = 28;
    private const int TypeMask = 0xf000, RegularType = 0x8000;

    /// <summary>Looks.</summary>
    public static FileKind Of(string path)
    {
        if (!OperatingSystem.IsLinux()) return new FileKind(Path.Exists(path), File.Exists(path));
        Span<byte> status = stackalloc byte[StatusBytes];
        if (ReadStatus(CurrentFolder, path, flags: 0, BasicStats, ref MemoryMarshal.GetReference(status)) != 0) return default;
        int mode = MemoryMarshal.Read<ushort>(status[ModeAt..]);
        return new FileKind(
            true, (mode & TypeMask) == RegularType, MemoryMarshal.Read<uint>(status[OwnerAt..]),
                MemoryMarshal.Read<uint>(status[GroupAt..]));
    }

    /// <summary>Gives another file this one's owner and group, where this user may.</summary>
    public void GiveTo(string path)
    {
        if (Owner is { } owner && Group is { } group) _ = ChangeOwner(path, owner, group);
    }

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int ReadStatus(int folder, string path, int flags, uint mask, ref byte status);

    [LibraryImport("libc", EntryPoint = "chown", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int ChangeOwner(string path, uint owner, uint group);
}
