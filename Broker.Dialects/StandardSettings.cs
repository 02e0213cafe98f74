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

    /// <summary>The paths at which something answers, and the key of each; no path stands twice where the settings are good.</summary>
    public IEnumerable<(string Key, string Path)> Paths
    {
        get
        {
            yield return ("broker.centrifuge.path", Centrifuge.Path);
            if (Centrifuge.HttpStream.Enabled) yield return ("broker.centrifuge.http-stream.path", Centrifuge.HttpStream.Path);
            if (Centrifuge.Sse.Enabled) yield return ("broker.centrifuge.sse.path", Centrifuge.Sse.Path);
            if (Centrifuge.HttpStream.Enabled || Centrifuge.Sse.Enabled)
                yield return ("broker.centrifuge.emulation-path", Centrifuge.EmulationPath);
            if (Centrifuge.UniHttpStream.Enabled) yield return ("broker.centrifuge.uni-http-stream.path", Centrifuge.UniHttpStream.Path);
            if (Centrifuge.UniSse.Enabled) yield return ("broker.centrifuge.uni-sse.path", Centrifuge.UniSse.Path);
            if (Centrifuge.UniWebsocket.Enabled) yield return ("broker.centrifuge.uni-websocket.path", Centrifuge.UniWebsocket.Path);
            if (Native.Enabled) yield return ("broker.native.path", Native.Path);
            if (Echo.Enabled) yield return ("broker.echo.path", Echo.Path);
        }
    }

    /// <summary>
    /// Reads the settings under <c>broker</c> from a configuration that Akka has parsed; what it leaves out has its default.
    /// </summary>
    /// <exception cref="SettingException">A value is bad, or a key unknown.</exception>
    public static StandardSettings From(Config config)
    {
        ArgumentNullException.ThrowIfNull(config);
        var reader = new SettingsReader(new SettingsLayers(StandardSettingsBinder.References, [SettingsLayer.Of("configuration", config)]));
        StandardSettings settings = StandardSettingsBinder.Read(reader);
        reader.ThrowIfBad();
        return settings;
    }
}
