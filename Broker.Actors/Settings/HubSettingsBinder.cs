using Broker.Actors.Calls;
using Broker.Actors.Channels.Delivery;
using Broker.Actors.Channels.History;
using Broker.Actors.Channels.Namespaces;
using System.Net;
using Broker.Actors.Sessions;
using Broker.Configuration;
using Broker.Core.Upgrade;
using Broker.Reactor;
using Broker.Reactor.Loops;
using Broker.Reactor.Sockets;
using Broker.Reactor.Pipes;

namespace Broker.Actors.Settings;

/// <summary>Turns layers into <see cref="HubSettings"/>: every key, its type and its range, once.</summary>
public static class HubSettingsBinder
{
    private const int KiB = 1024;
    private const int MiB = 1024 * KiB;
    private const int GiB = 1024 * MiB;

    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    /// <summary>Reads every setting of a hub; what is wrong stays noted in the reader.</summary>
    /// <param name="reader">The reader.</param>
    /// <param name="clients">The group that has what holds for clients of every dialect, such as <c>broker.clients</c>.</param>
    public static HubSettings Read(SettingsReader reader, string clients)
    {
        ArgumentNullException.ThrowIfNull(reader);
        HubSettings settings = new()
        {
            Listen = ReadListen(reader),
            Transport = reader.GetChoice<Transport>("broker.transport"),
            Reactors = reader.GetCount("broker.reactors", 0, 1024),
            Reactor = ReadReactor(reader),
            Clients = ReadClients(reader, clients),
            Limits = LimitSettingsBinder.Read(reader),
            Access = ReadAccess(reader, clients),
            Calls = new CallSettings
            {
                PendingMax = reader.GetCount("broker.calls.pending-max", 1, 1_000_000),
                BytesMax = reader.GetSize("broker.calls.bytes-max", KiB, GiB),
                DeadlineMax = reader.GetDuration("broker.calls.deadline-max", Moment, 24 * Hour),
                InlineLimit = reader.GetDuration("broker.calls.quick-limit", TimeSpan.FromMilliseconds(1), TimeSpan.FromSeconds(1)),
            },
            Routing = new ChannelSettings
            {
                LoopBytesMax = reader.GetSize("broker.routing.loop-bytes-max", 64 * KiB, GiB),
                BatchBytesMax = reader.GetSize("broker.routing.batch-bytes-max", KiB, 16 * MiB),
                LineBytesMax = reader.GetSize("broker.routing.line-bytes-max", KiB, 64 * MiB),
            },
            Channels = ChannelSettingsBinder.Read(reader, "broker.channels", name: ""),
            Namespaces = ChannelSettingsBinder.ReadNamespaces(reader),
            History = new HistorySettings
            {
                Path = reader.GetFilePath("broker.history.path"),
                BytesMax = reader.GetLongSize("broker.history.bytes-max", MiB, 1L << 40),
                DiskBytesMax = reader.GetLongSize("broker.history.disk-bytes-max", 256 * MiB, 1L << 50),
                PageMax = reader.GetCount("broker.history.page-max", 1, 100_000),
                RecoveryMax = reader.GetCount("broker.history.recovery-max", 1, 100_000),
                RecoveryBytesMax = reader.GetSize("broker.history.recovery-bytes-max", KiB, GiB),
                PositionCheckInterval = reader.GetDuration("broker.history.position-check-interval", TimeSpan.Zero, Hour),
                IdempotencyTtl = reader.GetDuration("broker.history.idempotency-ttl", TimeSpan.FromSeconds(1), 24 * Hour),
            },
            Compression = new CompressionSettings
            {
                Enabled = reader.GetSwitch("broker.compression.enabled"),
                MessageBytesMin = reader.GetSize("broker.compression.message-bytes-min", 0, MiB),
                WindowBits = reader.GetCount("broker.compression.window-bits", 8, 15),
                MemoryMax = reader.GetSize("broker.compression.memory-max", 0, GiB),
            },
            Explain = new ExplainSettings { BytesMax = reader.GetSize("broker.explain.bytes-max", 0, GiB) },
            ShutdownGrace = reader.GetDuration("broker.shutdown-grace", TimeSpan.Zero, Hour),
        };

        if (!reader.IsGood) return settings;
        settings = FitDefaults(settings, reader, clients);
        CompareWithEachOther(settings, reader, clients);
        return settings;
    }

    private static HubSettings FitDefaults(HubSettings settings, SettingsReader reader, string clients)
    {
        (TimeSpan pong, TimeSpan ping) =
            reader.Fit($"{clients}.pong-limit", settings.Clients.PongLimit, $"{clients}.ping-interval",
                settings.Clients.PingInterval);
        return settings with { Clients = settings.Clients with { PongLimit = pong, PingInterval = ping } };
    }

    private static void CompareWithEachOther(HubSettings settings, SettingsReader reader, string clients)
    {
        if (settings.Clients.PongLimit > settings.Clients.PingInterval)
        {
            reader.Refuse(
                $"{clients}.pong-limit",
                $"at most the ping-interval of {SettingUnits.Write(settings.Clients.PingInterval)}");
        }

        if (settings.History.PositionCheckInterval is { Ticks: > 0 } interval && interval < TimeSpan.FromSeconds(1))
            reader.Refuse("broker.history.position-check-interval", "0s for never, or at least 1s");
        if (settings.History.Path.Length == 0
            && settings.Namespaces.Prepend(settings.Channels).FirstOrDefault(static each => each.History.IsOnDisk) is { } onDisk)
        {
            string group = onDisk.Name.Length == 0 ? "broker.channels" : $"broker.namespaces.{onDisk.Name}";
            reader.Refuse($"{group}.history.durability", "memory, or a folder for it in broker.history.path");
        }
    }

    private static ListenSettings ReadListen(SettingsReader reader) => new()
    {
        Address = reader.GetAddress("broker.listen.address"),
        Port = reader.GetPort("broker.listen.port"),
        Origins = reader.GetTexts("broker.listen.origins", static entries => OriginList.Check(entries) is { } problem
            ? $"a list of origins without a path, such as [\"https://chat.example.org\"], null, or * alone; {problem}"
            : null),
        Hosts = reader.GetTexts("broker.listen.hosts", static names => names.FirstOrDefault(name => !HostRule.IsName(name)) is { } bad
            ? $"a list of names without scheme and port, such as [\"chat.example.org\"], or *; '{bad}' is none"
            : null),
        ConnectionsMax = reader.GetCount("broker.listen.connections-max", 1, 16_000_000),
        AddressConnectionsMax = reader.GetCount("broker.listen.address-connections-max", 0, 16_000_000),
        AllowAnonymousAnywhere = reader.GetSwitch("broker.listen.allow-anonymous-anywhere"),
        Proxies = new ProxiesSettings
        {
            ProxyProtocol = ReadRanges(reader, "broker.listen.proxies.proxy-protocol"),
            Forwarded = ReadRanges(reader, "broker.listen.proxies.forwarded"),
            ForwardedHeader = reader.GetChoice<ForwardedHeader>("broker.listen.proxies.forwarded-header"),
        },
    };

    // An address alone is a range of one.
    private static IReadOnlyList<IPNetwork> ReadRanges(SettingsReader reader, string key) => reader.GetList(
        key,
        "a list of addresses and ranges with nothing set behind the prefix, such as [\"10.0.0.0/8\", \"::1\"]",
        static (string text, out IPNetwork range) => AddressRanges.TryRead(text, out range));

    private static ReactorSettings ReadReactor(SettingsReader reader) => new()
    {
        Backend = reader.GetChoice<ReactorBackend>("broker.reactor.backend"),
        ScratchBytes = reader.GetSize("broker.reactor.scratch-bytes", 4 * KiB, 16 * MiB),
        Backlog = reader.GetCount("broker.reactor.backlog", 1, 65_535),
        QueueBytesMax = reader.GetSize("broker.reactor.queue-bytes-max", 4 * KiB, GiB),
        BlockedLimit = reader.GetDuration("broker.reactor.blocked-limit", Moment, Hour),
        HandshakeLimit = reader.GetDuration("broker.reactor.handshake-limit", Moment, Hour),
        HeadBytesMax = reader.GetSize("broker.reactor.head-bytes-max", KiB, MiB),
        CloseLimit = reader.GetDuration("broker.reactor.close-limit", Moment, Hour),
    };

    private static ClientSettings ReadClients(SettingsReader reader, string clients) => new()
    {
        PingInterval = reader.GetDuration($"{clients}.ping-interval", TimeSpan.FromSeconds(1), Hour),
        PongLimit = reader.GetDuration($"{clients}.pong-limit", Moment, Hour),
        ConnectLimit = reader.GetDuration($"{clients}.connect-limit", Moment, Hour),
        ExpiredCloseDelay = reader.GetDuration($"{clients}.expired-close-delay", TimeSpan.Zero, Hour),
        BytesBeforeConnectMax = reader.GetSize($"{clients}.bytes-before-connect-max", 256, MiB),
        ChannelsMax = reader.GetCount($"{clients}.channels-max", 1, 1_000_000),
        ChannelBytesMax = reader.GetSize($"{clients}.channel-bytes-max", 1, 4 * KiB),
    };

    private static AccessSettings ReadAccess(SettingsReader reader, string clients) => new()
    {
        Anonymous = reader.GetSwitch($"{clients}.anonymous"),
        Subscribe = reader.GetSwitch($"{clients}.subscribe"),
        Publish = reader.GetSwitch($"{clients}.publish"),
    };
}
