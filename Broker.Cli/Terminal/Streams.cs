using System.Text;

namespace Broker.Cli.Terminal;

/// <summary>What a client's command reads and writes: bytes in and out, text for people beside them.</summary>
/// <param name="Input">Standard input.</param>
/// <param name="Output">Standard output: the answer, and nothing else.</param>
/// <param name="Error">Standard error: what went wrong, and progress.</param>
/// <param name="ShowsProgress">Whether somebody looks at standard error, so that a progress bar makes sense.</param>
public sealed record Streams(Stream Input, Stream Output, TextWriter Error, bool ShowsProgress)
{
    /// <summary>Those of the process.</summary>
    public static Streams OfProcess { get; } = new(
        Console.OpenStandardInput(), Console.OpenStandardOutput(), Console.Error, !Console.IsErrorRedirected);

    /// <summary>Writes one line to standard output, at once.</summary>
    public Task PrintAsync(string line) => PrintAsync(Encoding.UTF8.GetBytes(line));

    /// <summary>Writes bytes and a line's end to standard output, at once.</summary>
    public async Task PrintAsync(ReadOnlyMemory<byte> line)
    {
        byte[] whole = new byte[line.Length + 1];
        line.CopyTo(whole);
        whole[^1] = (byte)'\n';
        await Output.WriteAsync(whole).ConfigureAwait(false);
        await Output.FlushAsync().ConfigureAwait(false);
    }
}
