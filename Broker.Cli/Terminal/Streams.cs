using System.Text;

namespace Broker.Cli.Terminal;

/// <summary>What a client's command reads and writes: bytes in and out, text for people beside them.</summary>
/// <param name="Input">Standard input.</param>
/// <param name="Output">Standard output: the answer, and nothing else.</param>
/// <param name="Error">Standard error: what went wrong, and progress.</param>
/// <param name="ShowsProgress">Whether a person looks at standard error, so that a progress bar makes sense.</param>
public sealed record Streams(Stream Input, Stream Output, TextWriter Error, bool ShowsProgress)
{
    /// <summary>Those of the process.</summary>
    public static Streams OfProcess { get; } = new(
        new InterruptibleInput(Console.OpenStandardInput()),
        OperatingSystem.IsWindows() ? Console.OpenStandardOutput() : new StandardOutput(),
        Console.Error,
        !Console.IsErrorRedirected);

    /// <summary>Cancelled once nothing reads standard output any more, where the system tells.</summary>
    internal CancellationToken OutputClosed => Output is StandardOutput output ? output.ReaderGone : CancellationToken.None;

    /// <summary>Writes one line for people to standard error. What a hub has sent in it cannot steer the terminal.</summary>
    public void Report(string line) => Error.WriteLine($"broker: {PrintedBytes.WithoutControls(line)}");

    /// <summary>Writes one line to standard output, at once.</summary>
    public Task PrintAsync(string line, CancellationToken cancellationToken = default) =>
        PrintAsync(Encoding.UTF8.GetBytes(line), cancellationToken);

    /// <summary>Writes bytes and a line feed to standard output, at once.</summary>
    public async Task PrintAsync(ReadOnlyMemory<byte> line, CancellationToken cancellationToken = default)
    {
        byte[] whole = new byte[line.Length + 1];
        line.CopyTo(whole);
        whole[^1] = (byte)'\n';
        await Output.WriteAsync(whole, cancellationToken).ConfigureAwait(false);
        await Output.FlushAsync(cancellationToken).ConfigureAwait(false);
    }
}
