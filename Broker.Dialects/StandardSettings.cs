using Akka.Configuration;
using Broker.Actors.Calls;
using Broker.Actors.Channels.Delivery;
using Broker.Actors.Channels.History;
using Broker.Actors.Channels.Namespaces;
using Broker.Actors.Limits;
using Broker.Actors.Sessions;
using Broker.Actors.Settings;
using Broker.Configuration;
using Broker.Dialects.Centrifuge;
using Broker.Dialects.Echo;
using Broker.Dialects.Native;
using Broker.Reactor.Loops;

namespace Broker.Dialects;

/// <summary>Everything that can be set about a hub that uses the standard dialects: the hub's settings, and each dialect's.</summary>
/// <remarks>The hub's settings stand here by their names too, so that one initializer sets what an application sets.</remarks>
public sealed record StandardSettings
{
    /// <summary>The hub, whatever its dialects.</summary>
    public HubSettings Hub { get; init; } = new();

    /// <summary>The Centrifuge dialect.</summary>
    public CentrifugeSettings Centrifuge { get; init; } = new();

    /// <summary>The native protocol.</summary>
    public NativeSettings Native { get; init; } = new();

    /// <summary>The echo endpoint, for conformance and measurement.</summary>
    public EchoSettings Echo { get; init; } = new();

    /// <inheritdoc cref="HubSettings.Listen" />
    public ListenSettings Listen
    {
        get => Hub.Listen;
        init => Hub = Hub with { Listen = value };
    }

    /// <inheritdoc cref="HubSettings.Transport" />
    public Transport Transport
    {
        get => Hub.Transport;
        init => Hub = Hub with { Transport = value };
    }

    /// <inheritdoc cref="HubSettings.Reactors" />
    public int Reactors
    {
        get => Hub.Reactors;
        init => Hub = Hub with { Reactors = value };
    }

    /// <inheritdoc cref="HubSettings.Reactor" />
    public ReactorSettings Reactor
    {
        get => Hub.Reactor;
        init => Hub = Hub with { Reactor = value };
    }

    /// <inheritdoc cref="HubSettings.Clients" />
    public ClientSettings Clients
    {
        get => Hub.Clients;
        init => Hub = Hub with { Clients = value };
    }

    /// <inheritdoc cref="HubSettings.Limits" />
    public LimitSettings Limits
    {
        get => Hub.Limits;
        init => Hub = Hub with { Limits = value };
    }

    /// <inheritdoc cref="HubSettings.Access" />
    public AccessSettings Access
    {
        get => Hub.Access;
        init => Hub = Hub with { Access = value };
    }

    /// <inheritdoc cref="HubSettings.Calls" />
    public CallSettings Calls
    {
        get => Hub.Calls;
        init => Hub = Hub with { Calls = value };
    }

    /// <inheritdoc cref="HubSettings.Routing" />
    public ChannelSettings Routing
    {
        get => Hub.Routing;
        init => Hub = Hub with { Routing = value };
    }

    /// <inheritdoc cref="HubSettings.Channels" />
    public ChannelNamespace Channels
    {
        get => Hub.Channels;
        init => Hub = Hub with { Channels = value };
    }

    /// <inheritdoc cref="HubSettings.Namespaces" />
    public IReadOnlyList<ChannelNamespace> Namespaces
    {
        get => Hub.Namespaces;
        init => Hub = Hub with { Namespaces = value };
    }

    /// <inheritdoc cref="HubSettings.History" />
    public HistorySettings History
    {
        get => Hub.History;
        init => Hub = Hub with { History = value };
    }

    /// <inheritdoc cref="HubSettings.Compression" />
    public CompressionSettings Compression
    {
        get => Hub.Compression;
        init => Hub = Hub with { Compression = value };
    }

    /// <inheritdoc cref="HubSettings.Explain" />
    public ExplainSettings Explain
    {
        get => Hub.Explain;
        init => Hub = Hub with { Explain = value };
    }

    /// <inheritdoc cref="HubSettings.ShutdownGrace" />
    public TimeSpan ShutdownGrace
    {
        get => Hub.ShutdownGrace;
        init => Hub = Hub with { ShutdownGrace = value };
    }

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
