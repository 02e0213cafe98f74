using Broker.Configuration;
using Broker.Host.Settings;
using ILogger = Serilog.ILogger;

namespace Broker.Host.Reloading;

/// <summary>Reads the settings of a running process again, takes what can be taken, and says what was and what needs a restart.</summary>
/// <remarks>All or nothing: a bad file, or a part that refuses, changes nothing.</remarks>
/// <param name="loaded">The settings that the process was started with.</param>
/// <param name="parts">What can take settings.</param>
/// <param name="log">Where it is told.</param>
internal sealed class Reloader(LoadedSettings loaded, IReadOnlyList<ReloadPart> parts, ILogger log)
{
    private readonly Lock _gate = new();
    private LoadedSettings _current = loaded;       // Of keys that need a restart: what the file says, and the process does not do yet.

    /// <summary>Reads and applies. One at a time; never throws for what the settings say.</summary>
    public void Reload()
    {
        lock (_gate)
        {
            if (_current.Again is not { } read)
            {
                log.Warning("There are no settings to read again");
                return;
            }

            try
            {
                Apply(read());
            }
            catch (SettingException bad)
            {
                foreach (string problem in bad.Problems) log.Error("Not reloaded, the settings stay as they were: {Problem:l}", problem);
            }
#pragma warning disable CA1031 // A reload must not end a process that serves.
            catch (Exception failure)
#pragma warning restore CA1031
            {
                log.Error(failure, "Not reloaded, the settings stay as they were");
            }
        }
    }

    private void Apply(LoadedSettings next)
    {
        string[] refusals = [.. parts.Select(part => part.Check(next.Settings)).OfType<string>()];
        if (refusals.Length > 0) throw new SettingException(refusals);

        string[] changed =
            [.. KeysOf(_current.Layers).Union(KeysOf(next.Layers)).Where(key => IsChanged(key, next)).Order(StringComparer.Ordinal)];
        foreach (ReloadPart part in parts) part.Apply(next.Settings);
        _current = next;

        foreach (string warning in next.Warnings) log.Warning("{Warning:l}", warning);
        string[] taken = [.. changed.Where(key => parts.Any(part => part.Takes(key)))], waiting = [.. changed.Except(taken)];
        log.Information(
            "Settings read again; in force now: {Taken:l}", taken.Length == 0 ? "nothing has changed that can be taken"
                : string.Join(", ", taken));
        if (waiting.Length > 0) log.Warning("These settings have changed and need a restart: {Waiting:l}", string.Join(", ", waiting));
    }

    // Also those that only one of them has: a namespace that is new or gone, and what Akka reads itself.
    private static IEnumerable<string> KeysOf(SettingsLayers layers) =>
        layers.KnownKeys.Concat(layers.Foreign().Select(static each => each.Key));

    private bool IsChanged(string key, LoadedSettings next) => _current.Layers.Find(key)?.Text != next.Layers.Find(key)?.Text;
}
