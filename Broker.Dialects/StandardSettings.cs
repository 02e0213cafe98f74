using Akka.Configuration;
using Broker.Actors.Settings;
using Broker.Configuration;
using Broker.Dialects.Centrifuge;
using Broker.Dialects.Echo;
using Broker.Dialects.Native;

namespace Broker.Dialects;

/// <summary>Everything that can be set about a hub that uses the standard dialects.</summary>
public sealed record StandardSettings : HubSettings
{
    /// <summary>The defaults.</summary>
    public StandardSettings()
    {
    }

    /// <summary>The settings of a hub, with the defaults of the dialects.</summary>
    public StandardSettings(HubSettings hub)
        : base(hub)
    {
    }

    /// <summary>The Centrifuge dialect.</summary>
    public CentrifugeSettings Centrifuge { get; init; } = new();

    /// <summary>The native protocol.</summary>
    public NativeSettings Native { get; init; } = new();

    /// <summary>The echo endpoint, for conformance and measurement.</summary>
    public EchoSettings Echo { get; init; } = new();

    /// <summary>
    /// Reads the settings under <c>broker</c> from a configuration that Akka has parsed; what it leaves out has its default.
    /// </summary>
    /// <exception cref="SettingException">A value is bad, or a key unknown.</exception>
    public static StandardSettings From(Config config)
    {
        ArgumentNullException.ThrowIfNull(config);
        var reader = new SettingsReader(new SettingsLayers([HubReference.Layer], [SettingsLayer.Of("configuration", config)]));
        StandardSettings settings = StandardSettingsBinder.Read(reader);
        reader.ThrowIfBad();
        return settings;
    }
}
