using Akka.Actor;
using Akka.Configuration;
using Akka.Streams;
using Broker.Configuration;
using Broker.Host.Logging;

namespace Broker.Host.Settings;

/// <summary>Judges the settings under <c>akka</c>, which are Akka's own: starts an actor system with them, and ends it.</summary>
/// <remarks>Only where a file sets one, because the hub's own are known to be good.</remarks>
internal static class AkkaCheck
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    /// <summary>Finds what a hub would not start with.</summary>
    /// <param name="layers">All settings.</param>
    /// <param name="log">The log's, as the hub will have it.</param>
    /// <param name="warnings">Gets a sentence for each key that Akka does not know.</param>
    /// <returns>A sentence for each bad value.</returns>
    internal static IReadOnlyList<string> Check(SettingsLayers layers, LogSettings log, List<string> warnings)
    {
        KeyValuePair<string, SettingValue>[] foreign = [.. layers.Foreign()];
        if (foreign.Length == 0) return [];
        Config own = LogSetup.AkkaConfig(log);
        warnings.AddRange(Unknown(foreign));
        if (Try(layers.ToConfig().WithFallback(own)) is not { } all) return [];

        // One of them, or some only together.
        List<string> problems = [];
        foreach ((string key, SettingValue value) in foreign)
        {
            if (Try(Alone(key, value).WithFallback(own)) is { } alone)
                problems.Add($"{value.Origin}: {key} is {value.Shown(key)}, which Akka does not take: {alone}");
        }

        return problems.Count > 0 ? problems : [$"{foreign[0].Value.Origin}: the settings under akka cannot be used together: {all}"];
    }

    private static Config Alone(string key, SettingValue value) =>
        ConfigurationFactory.ParseString(
            $"{key} = {(value.Items is { } items ? $"[{string.Join(", ", items.Select(Quoted))}]" : Quoted(value.Text))}");

    private static string Quoted(string text) =>
        $"\"{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";

    private static string? Try(Config config)
    {
        ActorSystem? system = null;
        try
        {
            system = ActorSystem.Create("check", config);
            _ = ActorMaterializerSettings.Create(system);
            return null;
        }
#pragma warning disable CA1031 // Akka says what is wrong with a value by whatever its parts throw.
        catch (Exception bad)
#pragma warning restore CA1031
        {
            return VisibleText.Of(bad.GetBaseException().Message);
        }
        finally
        {
            system?.Terminate().Wait(s_patience);
        }
    }

    private static IEnumerable<string> Unknown(KeyValuePair<string, SettingValue>[] foreign)
    {
        string[] known = [.. SettingsLayer.Of("akka", ConfigurationFactory.Default().WithFallback(ActorMaterializer.DefaultConfig())).Keys];
        foreach ((string key, SettingValue value) in foreign.Where(each => !IsKnown(each.Key, known)))
        {
            string? nearest = NearestName.Find(key, known);
            yield return $"{value.Origin}: {key} is no setting that Akka ships "
                + $"with{(nearest is null ? "." : $"; did you mean {nearest}?")}";
        }
    }

    // Under a known object anything may be named: deployments, dispatchers, serializers.
    private static bool IsKnown(string key, string[] known) =>
        known.Contains(key) || known.Any(each => each.StartsWith(key + ".", StringComparison.Ordinal))
        || s_open.Any(open => key.StartsWith(open, StringComparison.Ordinal));

    private static readonly string[] s_open =
    [
        "akka.actor.deployment.", "akka.actor.serializers.", "akka.actor.serialization-", "akka.actor.router.type-mapping.",
            "akka.actor.mailbox.",
        "akka.coordinated-shutdown.phases.", "akka.loggers", "akka.extensions",
    ];
}
