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
            if (result.GetResult(_text) is { Tokens.Count: > 0 } && result.Has(_file)) result.AddError($"Give either {name} or --file.");
        });
    }

    /// <summary>Whether it was left out.</summary>
    public bool IsMissing(ParseResult parsed) => parsed.GetValue(_text) is null && parsed.GetValue(_file) is null;

    /// <summary>Opens it to be read as a stream; the caller disposes of it.</summary>
    public Stream Open(ParseResult parsed, Stream input)
    {
        if (parsed.GetValue(_file) is { } file) return file.OpenRead();
        if (parsed.GetValue(_text) is { } text && text != "-") return new MemoryStream(Encoding.UTF8.GetBytes(text));
        return input;
    }

    /// <summary>Reads all of it.</summary>
    public async Task<ReadOnlyMemory<byte>> ReadAsync(ParseResult parsed, Stream input, CancellationToken cancel)
    {
        if (parsed.GetValue(_file) is { } file) return await File.ReadAllBytesAsync(file.FullName, cancel).ConfigureAwait(false);
        if (parsed.GetValue(_text) is { } text && text != "-") return Encoding.UTF8.GetBytes(text);
        using var bytes = new MemoryStream();
        await input.CopyToAsync(bytes, cancel).ConfigureAwait(false);
        return bytes.GetBuffer().AsMemory(0, (int)bytes.Length);
    }
}
