using System.Net.Sockets;

namespace Broker.Host.Http;

/// <summary>The file of a Unix socket: it stays when its process is killed, and then nobody can listen there.</summary>
public static class UnixSocketFile
{
    /// <summary>Removes a socket that nobody listens on any more. One in use, and a file that is no socket, stay.</summary>
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
            // In use or no socket: whoever binds says so.
        }
    }

    // A connect to an ordinary file is refused too, and that file is somebody's.
    private static bool IsSocket(string path) => new FileInfo(path) is { Length: 0 } file && (file.Attributes & FileAttributes.Directory) == 0
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
