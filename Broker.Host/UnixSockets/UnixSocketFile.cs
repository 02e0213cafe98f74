using System.Net.Sockets;

namespace Broker.Host.UnixSockets;

/// <summary>The file of a Unix socket: it stays when its process is killed, and then no one can listen there.</summary>
public static class UnixSocketFile
{
    /// <summary>Makes the path free, and finds out whether a socket can be bound there.</summary>
    /// <exception cref="IOException">It cannot; the message names the path.</exception>
    public static void Prepare(string path)
    {
        RemoveIfAbandoned(path);
        try
        {
            using (var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
                probe.Bind(new UnixDomainSocketEndPoint(path));
            File.Delete(path);
        }
        catch (Exception refused) when (refused is SocketException or UnauthorizedAccessException or IOException)
        {
            throw new IOException($"Cannot listen on the Unix socket {path}: {refused.Message.TrimEnd('.')}.", refused);
        }
    }

    /// <summary>Lets those connect that the mode names.</summary>
    /// <param name="path">A socket that is listened on.</param>
    /// <param name="mode">Writing is what connecting needs.</param>
    /// <exception cref="IOException">The mode cannot be set; the message names the path.</exception>
    public static void SetMode(string path, UnixFileMode mode)
    {
        if (OperatingSystem.IsWindows()) return;
        try
        {
            File.SetUnixFileMode(path, mode);
        }
        catch (Exception refused) when (refused is UnauthorizedAccessException or IOException)
        {
            throw new IOException($"Cannot set the mode of the Unix socket {path}: {refused.Message.TrimEnd('.')}.", refused);
        }
    }

    /// <summary>Whether there is something at the path that is no socket.</summary>
    public static bool IsOther(string path) => File.Exists(path) && !IsSocket(path);

    /// <summary>Removes a socket that no one listens on any more. One in use, and a file that is no socket, stay.</summary>
    public static void RemoveIfAbandoned(string path)
    {
        if (!File.Exists(path)) return;
        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException refused) when (refused.SocketErrorCode == SocketError.ConnectionRefused && IsSocket(path))
        {
            File.Delete(path);
        }
        catch (SocketException)
        {
            // In use or no socket: the one that binds says so.
        }
    }

    // A connect to an ordinary file is refused too, and that file is someone's.
    private static bool IsSocket(string path) =>
        new FileInfo(path) is { Length: 0 } file && (file.Attributes & FileAttributes.Directory) == 0
        && !CanOpen(path);

    private static bool CanOpen(string path)
    {
        try
        {
            File.OpenHandle(path).Dispose();
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }
}
