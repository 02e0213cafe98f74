using System.CommandLine;
using Broker.Cli.Terminal;
using Broker.Store;

namespace Broker.Host.Commands;

/// <summary><c>broker store check</c> and <c>broker store repair</c>: the files of a store that no process has open.</summary>
internal static class StoreFolderCommand
{
    private const int Damaged = 1;

    /// <summary>Adds both to the command of the store.</summary>
    public static void AddTo(Command root, Streams streams)
    {
        Command store = root.Subcommands.Single(static command => command.Name == "store");
        store.Add(MakeCheck(streams));
        store.Add(MakeRepair(streams));
    }

    /// <summary>Tells what is wrong, and what a repair would lose.</summary>
    private static Command MakeCheck(Streams streams) => Make(
        streams, "check",
            "Tells whether the files of a store that is not running are whole, and what a repair would lose. Changes nothing.",
                StoreMaintenance.Check,
        static report => report.Damages.Count == 0 ? 0 : Damaged);

    /// <summary>Keeps what is readable.</summary>
    private static Command MakeRepair(Streams streams) => Make(
        streams, "repair",
            "Keeps all that is readable of a damaged store that is not running, and puts the rest aside. Take a copy first.",
                StoreMaintenance.Repair,
        static _ => 0);

    private static Command Make(
        Streams streams, string name, string description, Func<string, StoreReport> run, Func<StoreReport, int> codeOf)
    {
        var folder = new Argument<string>("DIR") { Description = "The store's folder." };
        var command = new Command(name, description) { folder };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                StoreReport report = run(parsed.GetValue(folder)!);
                foreach (string line in report.Damages.Concat(report.Notes))
                    await streams.PrintAsync(line, cancellationToken).ConfigureAwait(false);
                if (report.Damages.Count == 0) await streams.PrintAsync("The store is whole.", cancellationToken).ConfigureAwait(false);
                return codeOf(report);
            }
            catch (StoreException refused)
            {
                await parsed.InvocationConfiguration.Error.WriteLineAsync($"broker: {refused.Message}").ConfigureAwait(false);
                return ExitCode.Unusable;
            }
        });
        return command;
    }
}
