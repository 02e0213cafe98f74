using System.CommandLine;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using Broker.Cli.Terminal;

namespace Broker.Host.Commands;

/// <summary>Commands about settings that need no hub: <c>configdoc</c> prints them all, <c>genconfig</c> begins a file.</summary>
/// <param name="output">Standard output.</param>
/// <param name="error">Standard error.</param>
internal sealed class ConfigurationCommands(TextWriter output, TextWriter error)
{
    private const int SecretBytes = 32;

    private readonly Option<FileInfo?> _out = new("--out", "-o")
    {
        HelpName = "PATH",
        Description = "Writes to this file, which only its owner may read, and which must not be there yet.",
    };

    /// <summary>Adds both.</summary>
    public void AddTo(Command root)
    {
        var document = new Command("configdoc", "Prints every setting with its default, unit, range and reason, as Markdown.");
        document.SetAction(_ =>
        {
            output.Write(ReferencePage.Of(ReadReferences()));
            return ExitCode.Done;
        });
        var generate = new Command("genconfig", "Prints a short file of settings to begin with, with new random secrets.") { _out };
        generate.SetAction(parsed => Generate(parsed.GetValue(_out)));
        root.Add(document);
        root.Add(generate);
    }

    // The defaults are built into the assemblies that read them: those that this one uses, and itself.
    private static IEnumerable<string> ReadReferences()
    {
        Assembly host = typeof(ConfigurationCommands).Assembly;
        IEnumerable<Assembly> assemblies = host.GetReferencedAssemblies()
            .Where(name => name.Name!.StartsWith("Broker.", StringComparison.Ordinal))
            .OrderBy(name => name.Name, StringComparer.Ordinal)
            .Select(Assembly.Load)
            .Append(host);
        foreach (Assembly assembly in assemblies)
        {
            foreach (string name in assembly.GetManifestResourceNames()
                .Where(name => name.EndsWith("reference.conf", StringComparison.Ordinal)))
            {
                using var text = new StreamReader(assembly.GetManifestResourceStream(name)!);
                yield return text.ReadToEnd();
            }
        }
    }

    private int Generate(FileInfo? file)
    {
        string text = MakeFile();
        if (file is null)
        {
            output.Write(text);
            return ExitCode.Done;
        }

        try
        {
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            using var stream = new FileStream(file.FullName, options);
            stream.Write(Encoding.UTF8.GetBytes(text));
            return ExitCode.Done;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            error.WriteLine($"broker: {file} cannot be written: {failure.Message}");
            return ExitCode.Failed;
        }
    }

    private static string MakeFile() =>
        $$"""
        # Settings of this hub: only what differs from the defaults. `broker configdoc` prints all of them with their reasons, and
        # `broker check-config --config FILE` checks this file. Environment variables are stronger: BROKER_LISTEN_PORT is broker.listen.port.

        broker {
          listen {
            # 127.0.0.1 lets in this machine alone; 0.0.0.0 is every IPv4 address.
            address = 127.0.0.1
            port = 8000

            # The web pages that may connect from a browser, such as ["https://chat.example.org"], beside the hub's own.
            origins = []
          }

          # The least important events that are logged: verbose, debug, information, warning, error or fatal.
          log.level = information

          # Signs the tokens of clients; your application has the same. Keep it secret. Without it clients need no token.
          tokens.hmac-secret = "{{NewSecret()}}"

          # Any of these lets your backend call the hub's API. Keep them secret.
          api.keys = ["{{NewSecret()}}"]
        }

        """;

    private static string NewSecret() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(SecretBytes));
}
