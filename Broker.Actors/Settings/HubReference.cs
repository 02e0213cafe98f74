using Broker.Configuration;

namespace Broker.Actors.Settings;

/// <summary>The hub's own <c>reference.conf</c>: every setting with its default.</summary>
public static class HubReference
{
    /// <summary>The layer below all others.</summary>
    public static SettingsLayer Layer { get; } = Load(typeof(HubReference).Assembly, "Broker.Actors.reference.conf");

    /// <summary>Reads the embedded <c>reference.conf</c> of an assembly.</summary>
    /// <param name="assembly">Whose it is.</param>
    /// <param name="name">The name of the embedded file; messages call the layer so.</param>
    public static SettingsLayer Load(System.Reflection.Assembly assembly, string name)
    {
        ArgumentNullException.ThrowIfNull(assembly);
        using Stream stream = assembly.GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"{assembly.GetName().Name} has no embedded {name}.");
        using var text = new StreamReader(stream);
        return SettingsLayer.Parse(name, text.ReadToEnd());
    }
}
