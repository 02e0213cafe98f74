using System.Runtime.ExceptionServices;
using System.Text;

namespace Broker.Configuration;

/// <summary>Reads the files that settings name, and waits for none of them without end.</summary>
/// <remarks>
/// Opening a FIFO waits until a writer writes to it, and a read of one may wait too; neither can be given up. So both are done on a thread
/// of their own, which ends with the process at the latest.
/// </remarks>
public static class SettingFile
{
    private const int PieceBytes = 16 * 1024;
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(5);

    /// <summary>Reads a file, pipe or device from its start to its end.</summary>
    /// <param name="path">Where it is.</param>
    /// <param name="bytesMax">One byte more is read of a longer one, and no further.</param>
    /// <exception cref="IOException">It cannot be read, or has not ended within five seconds.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public static byte[] ReadAllBytes(string path, int bytesMax)
    {
        byte[]? bytes = null;
        ExceptionDispatchInfo? failure = null;
        var reader = new Thread(() =>
        {
            try
            {
                bytes = Read(path, bytesMax);
            }
#pragma warning disable CA1031 // Thrown again where it was asked for.
            catch (Exception unreadable)
#pragma warning restore CA1031
            {
                failure = ExceptionDispatchInfo.Capture(unreadable);
            }
        }) { IsBackground = true, Name = "file of settings" };
        reader.Start();
        if (!reader.Join(s_limit)) throw new IOException($"it has not ended within {s_limit.TotalSeconds} s; a FIFO needs a writer");
        failure?.Throw();
        return bytes!;
    }

    /// <summary>Reads a file of text as UTF-8, or as its byte order mark says.</summary>
    /// <inheritdoc cref="ReadAllBytes"/>
    public static string ReadAllText(string path, int bytesMax)
    {
        using var text = new StreamReader(new MemoryStream(ReadAllBytes(path, bytesMax)), Encoding.UTF8);
        return text.ReadToEnd();
    }

    private static byte[] Read(string path, int bytesMax)
    {
        using FileStream file = File.OpenRead(path);
        using var bytes = new MemoryStream();
        byte[] piece = new byte[PieceBytes];
        while (bytes.Length <= bytesMax && file.Read(piece) is > 0 and var read)
            bytes.Write(piece, 0, (int)Math.Min(read, bytesMax + 1 - bytes.Length));
        return bytes.ToArray();
    }
}
