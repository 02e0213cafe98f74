using System.CommandLine;
using Broker.Cli.Terminal;

namespace Broker.Host.Commands;

/// <summary><c>broker completion</c>: prints what makes a shell complete commands, options and their values.</summary>
/// <remarks>The shell asks the program itself, by the parser's own <c>[suggest:POSITION]</c>, so that nothing is written twice.</remarks>
internal static class CompletionCommand
{
    private static readonly Dictionary<string, string> s_scripts = new(StringComparer.Ordinal)
    {
        ["bash"] =
            """
            _broker() {
                local IFS=$'\n' word=${COMP_WORDS[COMP_CWORD]}
                COMPREPLY=($(compgen -W "$(broker "[suggest:$COMP_POINT]" "$COMP_LINE" 2> /dev/null)" -- "$word"))
            }
            complete -o default -F _broker broker

            """,
        ["zsh"] =
            """
            _broker() {
                local -a found
                found=("${(@f)$(broker "[suggest:$CURSOR]" "$BUFFER" 2> /dev/null)}")
                compadd -a found
            }
            compdef _broker broker

            """,
        ["fish"] =
            """
            complete -c broker -a '(broker "[suggest:"(string length -- (commandline -cp))"]" (commandline -cp) 2> /dev/null)'

            """,
    };

    /// <summary>Adds it to a command.</summary>
    public static void AddTo(Command root, TextWriter output)
    {
        var shell = new Argument<string>("SHELL") { Description = "bash, zsh or fish." };
        shell.AcceptOnlyFromAmong([.. s_scripts.Keys]);
        var command =
            new Command("completion", "Prints a script that makes a shell complete this command line: source <(broker completion bash).")
                { shell };
        command.SetAction(parsed =>
        {
            output.Write(s_scripts[parsed.GetValue(shell)!]);
            return ExitCode.Done;
        });
        root.Add(command);
    }
}
