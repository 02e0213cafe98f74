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
    public static HubSettings Read(SettingsReader reader)
    {
        ArgumentNullException.ThrowIfNull(reader);
        var settings = new HubSettings
        {
            Listen = ReadListen(reader),
            Transport = reader.GetChoice<Transport>("broker.transport"),
            Reactors = reader.GetCount("broker.reactors", 0, 1024),
            Reactor = ReadReactor(reader),
            Clients = ReadClients(reader),
            Access = ReadAccess(reader),
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
                PageMax = reader.GetCount("broker.history.page-max", 1, 100_000),
                RecoveryMax = reader.GetCount("broker.history.recovery-max", 1, 100_000),
                RecoveryBytesMax = reader.GetSize("broker.history.recovery-bytes-max", KiB, GiB),
                IdempotencyTtl = reader.GetDuration("broker.history.idempotency-ttl", TimeSpan.FromSeconds(1), 24 * Hour),
            },
            Compression = new CompressionSettings
            {
                Enabled = reader.GetSwitch("broker.compression.enabled"),
                MessageBytesMin = reader.GetSize("broker.compression.message-bytes-min", 0, MiB),
                WindowBits = reader.GetCount("broker.compression.window-bits", 8, 15),
                MemoryMax = reader.GetSize("broker.compression.memory-max", 0, GiB),
            },
            ShutdownGrace = reader.GetDuration("broker.shutdown-grace", TimeSpan.Zero, Hour),
        };

        if (reader.IsGood) CompareWithEachOther(settings, reader);
        return settings;
    }

    private static void CompareWithEachOther(HubSettings settings, SettingsReader reader)
    {
        if (settings.Clients.PongLimit > settings.Clients.PingInterval)
        {
            reader.Refuse(
                "broker.centrifuge.pong-limit",
                $"at most the ping-interval of {SettingUnits.Write(settings.Clients.PingInterval)}");
        }

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

    // What holds for clients of every dialect has stood under centrifuge since that was the only one; the keys are kept.
    private static ClientSettings ReadClients(SettingsReader reader) => new()
    {
        PingInterval = reader.GetDuration("broker.centrifuge.ping-interval", TimeSpan.FromSeconds(1), Hour),
        PongLimit = reader.GetDuration("broker.centrifuge.pong-limit", Moment, Hour),
        ConnectLimit = reader.GetDuration("broker.centrifuge.connect-limit", Moment, Hour),
        ExpiredCloseDelay = reader.GetDuration("broker.centrifuge.expired-close-delay", TimeSpan.Zero, Hour),
        BytesBeforeConnectMax = reader.GetSize("broker.centrifuge.bytes-before-connect-max", 256, MiB),
        ChannelsMax = reader.GetCount("broker.centrifuge.channels-max", 1, 1_000_000),
        ChannelBytesMax = reader.GetSize("broker.centrifuge.channel-bytes-max", 1, 4 * KiB),
    };

    private static AccessSettings ReadAccess(SettingsReader reader) => new()
    {
        Anonymous = reader.GetSwitch("broker.centrifuge.anonymous"),
        Subscribe = reader.GetSwitch("broker.centrifuge.subscribe"),
        Publish = reader.GetSwitch("broker.centrifuge.publish"),
    };
}
