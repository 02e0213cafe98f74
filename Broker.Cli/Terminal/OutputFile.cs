namespace Broker.Cli.Terminal;

/// <summary>
/// A file that keeps its content until all of the new one is there. What is no regular file, such as a FIFO or a device, is written
/// through; a link stays, and what it leads to is written.
/// </summary>
internal static class OutputFile
{
    /// <summary>Writes.</summary>
    /// <param name="file">The file; made if it is missing. Its mode and owner stay.</param>
    /// <param name="write">Writes; gives null where there is nothing, and then a regular file stays as it is.</param>
    /// <param name="cancellationToken">Gives up; a regular file stays as it is.</param>
    /// <exception cref="IOException">It cannot be written; names the file as it was given, and no other.</exception>
    public static async Task<long?> WriteAsync(FileInfo file, Func<Stream, Task<long?>> write, CancellationToken cancellationToken)
    {
        string path = file.FullName, suffix = $".{Guid.NewGuid():n}.part";
        try
        {
            path = FinalPathOf(file);
            FileKind kind = FileKind.Of(path);
            return kind.Exists && !IsReplaceable(path, kind)
                ? await WriteThroughAsync(path, write, cancellationToken).ConfigureAwait(false)
                : await ReplaceAsync(path, kind, path + suffix, write, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is (IOException and not OutputClosedException) or UnauthorizedAccessException)
        {
            string reason =
                failure.Message.Replace(path + suffix, file.FullName, StringComparison.Ordinal)
                    .Replace(path, file.FullName, StringComparison.Ordinal);
            throw new IOException($"{file} cannot be written: {reason}", failure);
        }
    }

    // What a descriptor of this or another process has open is written where it is, as /dev/stdout and /dev/fd/3 mean it.
    private static bool IsReplaceable(string path, FileKind kind) =>
        kind.IsRegular && !path.StartsWith("/dev/", StringComparison.Ordinal) && !path.StartsWith("/proc/", StringComparison.Ordinal);

    // Links of the system to what is no file, such as a pipe, lead to names that do not exist: those are left to it.
    private static string FinalPathOf(FileInfo file)
    {
        string path = file.FullName;
        if (path.StartsWith("/dev/", StringComparison.Ordinal) || path.StartsWith("/proc/", StringComparison.Ordinal)) return path;
        if (file.LinkTarget is null) return path;
        string final = file.ResolveLinkTarget(returnFinalTarget: true)!.FullName;
        return FileKind.Of(path).Exists && !Path.Exists(final) ? path : final;
    }

    private static async Task<long?> WriteThroughAsync(string path, Func<Stream, Task<long?>> write, CancellationToken cancellationToken)
    {
        // To open a FIFO waits for its reader.
        FileStream stream =
            await Task.Run(
                () => new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0), CancellationToken.None)
            .WaitAsync(cancellationToken).ConfigureAwait(false);
        await using (stream.ConfigureAwait(false)) return await write(stream).WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    private static async Task<long?> ReplaceAsync(
        string path, FileKind kind, string beside, Func<Stream, Task<long?>> write, CancellationToken cancellationToken)
    {
        try
        {
            long? length;
            UnixFileMode? mode = kind.Exists && !OperatingSystem.IsWindows() ? File.GetUnixFileMode(path) : null;
            FileStream stream = new(beside, OptionsFor(mode));
            await using (stream.ConfigureAwait(false))
            {
                length = await write(stream).ConfigureAwait(false);
                await stream.FlushAsync(cancellationToken).ConfigureAwait(false);
            }

            if (length is null) return null;
            kind.GiveTo(beside);

            // After the owner, whose change takes set-id bits away; and because the mask of this process may have taken others.
            if (mode is { } kept && !OperatingSystem.IsWindows()) File.SetUnixFileMode(beside, kept);
            File.Move(beside, path, overwrite: true);
            return length;
        }
        finally
        {
            if (File.Exists(beside)) File.Delete(beside);
        }
    }

    // Never open to more than the file that it takes the place of, not even while it is being written.
    private static FileStreamOptions OptionsFor(UnixFileMode? mode)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (mode is { } kept && !OperatingSystem.IsWindows())
            options.UnixCreateMode = kept & (UnixFileMode.UserRead | UnixFileMode.UserWrite) | UnixFileMode.UserWrite;
        return options;
    }
}
