using System.CommandLine;
using System.CommandLine.Help;

namespace Broker.Host.Commands;

/// <summary>Help by options that begin with a dash only: the library's /h and /? are text that one may want to publish.</summary>
internal static class PlainHelp
{
    /// <summary>Takes the place of the help of a command line.</summary>
    public static void ApplyTo(RootCommand root)
    {
        for (int i = 0; i < root.Options.Count; i++)
        {
            if (root.Options[i] is HelpOption) root.Options[i] = new HelpOption("--help", "-h", "-?");
        }
    }
}
