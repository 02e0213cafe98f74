using System.CommandLine;
using System.Text;
using Broker.Cli.Terminal;

namespace Broker.Cli.Commands;

/// <summary>Bytes that a command takes: as an argument, from a file, or from standard input.</summary>
/// <param name="name">Of the argument, in help.</param>
/// <param name="what">What the bytes are.</param>
internal sealed class Payload(string name, string what)
{
    private readonly Argument<string?> _text = new(name)
    {
        Description = $"{what}, as text; - reads standard input to its end, and so does leaving it out.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<FileInfo?> _file = new("--file", "-f") { HelpName = "PATH", Description = $"{what}, from a file." };

    /// <summary>Adds argument and option to a command.</summary>
    public void AddTo(Command command)
    {
        command.Add(_text);
        command.Add(_file);
        command.Validators.Add(result =>
        {
            if (HasText(result) && result.Has(_file)) result.AddError($"Give either {name} or --file.");
        });
    }

    /// <summary>Whether the command line has it as an argument.</summary>
    public bool HasText(System.CommandLine.Parsing.SymbolResult result) => result.GetResult(_text) is { Tokens.Count: > 0 };

    /// <summary>Opens it to be read as a stream; the caller disposes of it.</summary>
    public async Task<Stream> OpenAsync(ParseResult parsed, Stream input, CancellationToken cancellationToken)
    {
        if (parsed.GetValue(_text) is { } text && text != "-") return new MemoryStream(Encoding.UTF8.GetBytes(text));
        if (parsed.GetValue(_file) is not { } file) return input;

        // To open a FIFO waits for its writer, and to read one for what it writes.
        FileStream stream = await Task.Run(file.OpenRead, CancellationToken.None).WaitAsync(cancellationToken).ConfigureAwait(false);
        return stream.CanSeek ? stream : new InterruptibleInput(stream);
    }

    /// <summary>Reads all of it.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="input">Standard input.</param>
    /// <param name="bytesMax">The most bytes.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="IOException">It cannot be read, or is longer.</exception>
    public async Task<ReadOnlyMemory<byte>> ReadAsync(ParseResult parsed, Stream input, long bytesMax, CancellationToken cancellationToken)
    {
        await using Stream stream = await OpenAsync(parsed, input, cancellationToken).ConfigureAwait(false);
        return await ByteLines.ReadAllAsync(stream, bytesMax, cancellationToken).ConfigureAwait(false);
    }
}
