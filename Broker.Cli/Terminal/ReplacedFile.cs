namespace Broker.Cli.Terminal;

/// <summary>A file that has what it had until all of the new is there.</summary>
internal static class ReplacedFile
{
    /// <summary>Writes beside the file, and then in its place.</summary>
    /// <param name="file">The file; made if it is missing.</param>
    /// <param name="write">Writes; gives null where there is nothing, and then the file stays as it is.</param>
    /// <param name="cancel">Gives up; the file stays as it is.</param>
    /// <exception cref="IOException">It cannot be written; says so of the file as it was named, and of no other.</exception>
    public static async Task<long?> WriteAsync(FileInfo file, Func<Stream, Task<long?>> write, CancellationToken cancel)
    {
        string beside = $"{file.FullName}.{Guid.NewGuid():n}.part";
        try
        {
            return await WriteAsync(beside, file, write, cancel).ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"{file} cannot be written: {failure.Message.Replace(beside, file.FullName, StringComparison.Ordinal)}", failure);
        }
    }

    private static async Task<long?> WriteAsync(string beside, FileInfo file, Func<Stream, Task<long?>> write, CancellationToken cancel)
    {
        try
        {
            long? length;
            FileStream stream = new(beside, FileMode.CreateNew, FileAccess.Write);
            await using (stream.ConfigureAwait(false))
            {
                length = await write(stream).ConfigureAwait(false);
                await stream.FlushAsync(cancel).ConfigureAwait(false);
            }

            if (length is not null) File.Move(beside, file.FullName, overwrite: true);
            return length;
        }
        finally
        {
            if (File.Exists(beside)) File.Delete(beside);
        }
    }
}
