namespace Broker.Host.UnixSockets;

/// <summary>Reads and names the modes of files as <c>chmod</c> does: three octal digits.</summary>
public static class UnixFileModes
{
    /// <summary>0660: the owner and the group may connect.</summary>
    public const UnixFileMode OwnerAndGroup =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;

    private const UnixFileMode OwnerMayUse = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Reads three octal digits, perhaps with a zero before them, that let the owner read and write.</summary>
    public static bool TryRead(string text, out UnixFileMode mode)
    {
        ArgumentNullException.ThrowIfNull(text);
        mode = default;
        ReadOnlySpan<char> digits = text.Length == 4 && text[0] == '0' ? text.AsSpan(1) : text;
        if (digits.Length != 3 || digits.ContainsAnyExceptInRange('0', '7')) return false;
        mode = (UnixFileMode)(((digits[0] - '0') << 6) | ((digits[1] - '0') << 3) | (digits[2] - '0'));
        return (mode & OwnerMayUse) == OwnerMayUse;
    }
}
