using System.Collections;
using System.Net;
using System.Text;
using Broker.Identity.Settings;
using Broker.Actors.Settings;
using Broker.Cluster.Settings;
using Broker.Dialects;
using Broker.Configuration;
using Broker.Cli.Commands;
using Broker.Host.Logging;
using Broker.Host.Tls;
using Broker.Host.UnixSockets;
using Broker.Store;
using Serilog.Events;

namespace Broker.Host.Settings;

/// <summary>Stacks the layers that a process is started with and reads its settings out of them.</summary>
/// <remarks>The strongest last: reference.conf, the file of <c>--config</c>, the environment, the command line.</remarks>
public static class SettingsLoader
{
    private static readonly IReadOnlyList<SettingsLayer> References =
        [.. StandardSettingsBinder.References, IdentitySettingsBinder.Reference, ClusterSettingsBinder.Reference,
            HubReference.Load(typeof(SettingsLoader).Assembly, "Broker.Host.reference.conf")];

    // sun_path of the system's sockaddr_un has 108, and the last is zero.
    private const int UnixSocketBytesMax = 107;
    private const string ReadBytesKey = "broker.store.read-bytes-max", ClientReadBytesKey =
        "broker.store.client-read-bytes-max", ResultBytesKey = "broker.store.result-bytes-max";

    /// <summary>Every key that has a meaning.</summary>
    public static IReadOnlyList<string> KnownKeys { get; } = SettingsLayers.KeysOf(References);

    /// <summary>Reads all layers.</summary>
    /// <param name="path">The file of <c>--config</c>, or <c>null</c> for none.</param>
    /// <param name="environment">The variables of the process.</param>
    /// <param name="commandLine">What the command line sets.</param>
    /// <exception cref="SettingException">The file cannot be read, is malformed, or a value in any layer is bad.</exception>
    public static LoadedSettings Load(string? path, IDictionary environment, SettingsLayer commandLine)
    {
        List<SettingsLayer> overrides = [];
        if (path is not null)
            overrides.Add(path.Length > 0 ? SettingsLayer.ReadFile(path) : throw new SettingException("The file of --config has no name."));
        overrides.Add(
            EnvironmentLayer.Read(
                WithoutClients(environment), new SettingsLayers(References, overrides).KnownKeys, out IReadOnlyList<string> warnings));
        overrides.Add(commandLine);
        return Judge(new SettingsLayers(References, overrides), warnings) with { Again = () => Load(path, environment, commandLine) };
    }

    private static LoadedSettings Judge(SettingsLayers layers, IReadOnlyList<string> unknown)
    {
        var reader = new SettingsReader(layers);
        HostSettings settings = Read(reader);
        reader.ThrowIfBad();
        if (ExposureRule.Check(settings.Hub, settings.OtherAddresses) == Exposure.Refused)
        {
            string culprit = ExposureRule.Check(settings.Hub) == Exposure.Refused ? "broker.listen.address" : "broker.tls.address";
            throw new SettingException(
                $"{layers.Find(culprit)!.Origin}: {ExposureRule.Describe(settings.Hub, settings.OtherAddresses)}. "
                + "Turn that off, listen on 127.0.0.1, or say --allow-anonymous-anywhere "
                + "(broker.listen.allow-anonymous-anywhere = on) if you mean it.");
        }

        CheckCluster(settings, layers);
        CheckStoreExposure(settings, layers);
        CheckStoreBounds(settings.Store, layers);
        List<string> warnings = [.. unknown, .. IdentitySettingsBinder.Warn(settings.Identity)];
        if (AkkaCheck.Check(layers, settings.Log, warnings) is { Count: > 0 } bad) throw new SettingException(bad);
        if (settings.Tls.Enabled && CertificateFiles.TryLoad(settings.Tls, out _)?.CheckDates(DateTimeOffset.UtcNow) is { } dates)
            warnings.Add(dates);
        return new LoadedSettings(settings, layers, warnings);
    }

    /// <summary>Reads every setting there is; what is wrong stays noted in the reader.</summary>
    public static HostSettings Read(SettingsReader reader)
    {
        ArgumentNullException.ThrowIfNull(reader);
        TimeSpan second = TimeSpan.FromSeconds(1);
        TimeSpan minutes = TimeSpan.FromMinutes(10);
        var settings = new HostSettings
        {
            Hub = StandardSettingsBinder.Read(reader),
            Identity = IdentitySettingsBinder.Read(reader),
            Cluster = ClusterSettingsBinder.Read(reader),
            Log = new LogSettings
            {
                Level = reader.GetChoice("broker.log.level", LogLevels.Aliases),
                Levels = ReadLevels(reader),
                QueueBytesMax = reader.GetSize("broker.log.queue-bytes-max", 64 * 1024, 1024 * 1024 * 1024),
                Format = reader.GetChoice<LogFormat>("broker.log.format"),
            },
            Http = new HttpSettings
            {
                Page = reader.GetSwitch("broker.http.page"),
                Metrics = reader.GetSwitch("broker.http.metrics"),
                ConnectionsMax = reader.GetCount("broker.http.connections-max", 1, 100_000),
                WaitingMax = reader.GetCount("broker.http.waiting-max", 1, 100_000),
                HeadLimit = reader.GetDuration("broker.http.head-limit", second, minutes),
                KeepAliveLimit = reader.GetDuration("broker.http.keep-alive-limit", second, minutes),
                BodyBytesMax = reader.GetSize("broker.http.body-bytes-max", 0, 1024 * 1024 * 1024),
            },
            Tls = ReadTls(reader),
            Traces = ReadTraces(reader),
            Store = FitStoreBounds(ReadStore(reader), reader),
            TrimAfter = reader.GetDuration("broker.memory.trim-after", TimeSpan.Zero, TimeSpan.FromHours(1)),
            UnixSocket = reader.GetFilePath("broker.unix-socket", CheckUnixSocket),
            UnixSocketMode = reader.Get(
                "broker.unix-socket-mode", "three octal digits that let the owner read and write, such as 660",
                    (string text, out UnixFileMode mode) => UnixFileModes.TryRead(text, out mode)),
        };

        if (reader.IsGood) Compare(settings, reader);
        return settings;
    }

    private static string? CheckUnixSocket(string path) =>
        path.Length == 0 ? null
        : !Path.IsPathFullyQualified(path) || Encoding.UTF8.GetByteCount(path) > UnixSocketBytesMax
        ? $"nothing, or an absolute path of at most {UnixSocketBytesMax} bytes"
        : Path.GetFullPath(path) != path ? "a path without empty parts, . and .."
        : !Directory.Exists(Path.GetDirectoryName(path)) ? "a path in a folder that exists"
        : Directory.Exists(path) || UnixSocketFile.IsOther(path) ? "the path of a socket; there is something else"
        : null;

    private static string? CheckStorePath(string path) => File.Exists(path) ? "the path of a folder; there is a file" : null;

    private static Dictionary<string, LogEventLevel> ReadLevels(SettingsReader reader) => reader.GetList(
            "broker.log.levels",
            "a list of a source and its level, such as [\"Broker.Actors = debug\", \"Akka = warning\"]",
            (string text, out KeyValuePair<string, LogEventLevel> level) => LogLevels.TryReadSource(text, out level))
        .DistinctBy(level => level.Key)
        .ToDictionary();

    private static void Compare(HostSettings settings, SettingsReader reader)
    {
        StandardSettings hub = settings.Hub;
        foreach ((string key, string path) in hub.Paths) CheckPath(key, path);
        if (!settings.Tls.Enabled) return;

        if (CertificateFiles.TryLoad(settings.Tls, out CertificateFault? fault) is null)
            reader.Refuse($"broker.tls.{fault!.Key}", fault.Expected);
        bool isSamePort = settings.Tls.Port != 0 && settings.Tls.Port == hub.Listen.Port;
        if (isSamePort && Overlap(settings.Tls.Address, hub.Listen.Address))
            reader.Refuse("broker.tls.port", "another port than broker.listen.port");

        void CheckPath(string key, string path)
        {
            if (HttpPaths.OwnerOf(path, settings.Http) is { } owner)
                reader.Refuse(key, $"another path, because this one is answered by {owner}");
        }
    }

    private static bool Overlap(IPAddress one, IPAddress other) =>
        one.Equals(other) || IsEvery(one) || IsEvery(other);

    private static bool IsEvery(IPAddress address) => address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);

    private static void CheckCluster(HostSettings settings, SettingsLayers layers)
    {
        if (!settings.Cluster.IsEnabled) return;
        SettingOrigin origin = layers.Find("broker.cluster.address")!.Origin;
        if (settings.Hub.Transport == Transport.Kestrel)
            throw new SettingException($"{origin}: a node of a cluster needs the hub's own reactor; broker.transport is kestrel.");
        if (settings.Hub.Namespaces.Prepend(settings.Hub.Channels).FirstOrDefault(static each => each.History.IsOnDisk) is { } kept)
            throw new SettingException(
                $"{origin}: the histories of a cluster are in memory, and "
                    + $"{(kept.Name.Length > 0 ? $"the namespace {kept.Name}" : "broker.channels")} keeps one on the disk.");
    }

    // The one that admits anyone from anywhere has not said yet that anyone may change what is kept for good.
    private static void CheckStoreExposure(HostSettings settings, SettingsLayers layers)
    {
        HostStoreSettings store = settings.Store;
        if (store.Path.Length == 0 || store.Anonymous == StoreAccess.None || store.AllowAnonymousAnywhere) return;
        if (ExposureRule.Check(settings.Hub, settings.OtherAddresses) != Exposure.Wished || !settings.Hub.Access.Anonymous) return;
        throw new SettingException(
            $"{layers.Find("broker.store.path")!.Origin}: the keyed store would be open to anyone who can reach the hub. "
            + "Set broker.store.anonymous = none, or broker.store.allow-anonymous-anywhere = on if you mean it.");
    }

    // One result alone has to be within the client's share, and that within what all share: else an honest read could never be answered.
    private static void CheckStoreBounds(HostStoreSettings store, SettingsLayers layers)
    {
        if (store.ReadBytesMax < store.ResultBytesMax) Refuse(ReadBytesKey, store.ReadBytesMax, ResultBytesKey, store.ResultBytesMax);
        if (store.ClientReadBytesMax < store.ResultBytesMax)
            Refuse(ClientReadBytesKey, store.ClientReadBytesMax, ResultBytesKey, store.ResultBytesMax);
        if (store.ReadBytesMax < store.ClientReadBytesMax)
            Refuse(ReadBytesKey, store.ReadBytesMax, ClientReadBytesKey, store.ClientReadBytesMax);

        void Refuse(string key, long bytes, string other, long otherBytes) =>
            throw new SettingException(
                $"{layers.Find(key)!.Origin}: {key} is {bytes} B, and has to be at least {other}, which is {otherBytes} B.");
    }

    // What nothing has set gives way to what someone has.
    private static HostStoreSettings FitStoreBounds(HostStoreSettings store, SettingsReader reader)
    {
        (long read, long client, int result) = (store.ReadBytesMax, store.ClientReadBytesMax, store.ResultBytesMax);
        if (reader.IsDefault(ReadBytesKey)) read = Math.Max(read, Math.Max(client, result));
        if (reader.IsDefault(ClientReadBytesKey)) client = Math.Min(Math.Max(client, result), read);
        if (reader.IsDefault(ResultBytesKey)) result = (int)Math.Min(result, client);
        return store with { ReadBytesMax = read, ClientReadBytesMax = client, ResultBytesMax = result };
    }

    private static HostStoreSettings ReadStore(SettingsReader reader) => new()
    {
        Path = reader.GetFilePath("broker.store.path", CheckStorePath),
        Anonymous = reader.GetChoice<StoreAccess>("broker.store.anonymous"),
        AllowAnonymousAnywhere = reader.GetSwitch("broker.store.allow-anonymous-anywhere"),
        ResultBytesMax = reader.GetSize(ResultBytesKey, 1024, 1024 * 1024 * 1024),
        ReadBytesMax = reader.GetLongSize(ReadBytesKey, 1024, 1L << 40),
        ClientReadBytesMax = reader.GetLongSize(ClientReadBytesKey, 1024, 1L << 40),
        StreamsMax = reader.GetCount("broker.store.streams-max", 1, 65_536),
        StreamIdleLimit = reader.GetDuration("broker.store.stream-idle-limit", TimeSpan.FromMilliseconds(10), TimeSpan.FromHours(1)),
        Bounds = new StoreSettings
        {
            KeyBytesMax = reader.GetSize("broker.store.key-bytes-max", 1, StoreSettings.KeyBytesLimit),
            ValueBytesMax = reader.GetSize("broker.store.value-bytes-max", 0, 1024 * 1024 * 1024),
            StreamedValueBytesMax = reader.GetLongSize("broker.store.streamed-value-bytes-max", 0, 1L << 40),
            BatchBytesMax = reader.GetSize("broker.store.batch-bytes-max", 1024, 1024 * 1024 * 1024),
            BatchChangesMax = reader.GetCount("broker.store.batch-changes-max", 1, 1_000_000),
            QueuedBytesMax = reader.GetSize("broker.store.queued-bytes-max", 1024, 1024 * 1024 * 1024),
            CacheBytes = reader.GetSize("broker.store.cache-bytes", 1024 * 1024, int.MaxValue),
            VerifiesTables = reader.GetSwitch("broker.store.verify-tables"),
            WriteBufferBytes = reader.GetSize("broker.store.write-buffer-bytes", 64 * 1024, 1024 * 1024 * 1024),
        },
    };

    private static TimeSpan ReadReloadInterval(SettingsReader reader) => reader.Get(
        "broker.tls.reload-interval", "0s for never, or a duration from 10ms to 1d", (string text, out TimeSpan interval) =>
            SettingUnits.TryReadDuration(text, out interval)
            && (interval == TimeSpan.Zero || (interval >= TimeSpan.FromMilliseconds(10) && interval <= TimeSpan.FromDays(1))));

    private static TraceSettings ReadTraces(SettingsReader reader)
    {
        string endpoint =
            reader.GetText(
                "broker.traces.endpoint", "a URL, http or https, such as \"http://127.0.0.1:4318/v1/traces\"; or nothing", static text =>
            text.Length == 0 || (Uri.TryCreate(text, UriKind.Absolute, out Uri? url) && url.Scheme is "http" or "https"));
        return new TraceSettings
        {
            Endpoint = Uri.TryCreate(endpoint, UriKind.Absolute, out Uri? url) ? url : null,
            Headers = reader.GetTexts(
                "broker.traces.headers", static headers =>
                    headers.FirstOrDefault(
                        static header =>
                            header.IndexOf(':', StringComparison.Ordinal) <= 0 || header.Contains(',', StringComparison.Ordinal)) is { } bad
                ? $"a list of headers, such as [\"Authorization: Bearer abc\"], without commas; '{bad}' is none"
                : null),
            OneOf = reader.GetCount("broker.traces.one-of", 1, 1_000_000_000),
        };
    }

    private static TlsSettings ReadTls(SettingsReader reader) => new()
    {
        Enabled = reader.GetSwitch("broker.tls.enabled"),
        Address = reader.GetAddress("broker.tls.address"),
        Port = reader.GetPort("broker.tls.port"),
        Certificate = reader.GetFilePath("broker.tls.certificate"),
        Key = reader.GetFilePath("broker.tls.key"),
        ReloadInterval = ReadReloadInterval(reader),
        Password = reader.GetText("broker.tls.password"),
    };

    // What the commands of a client read is no mistake where a hub is started with it.
    private static Hashtable WithoutClients(IDictionary environment)
    {
        var rest = new Hashtable(environment);
        foreach (string variable in ClientVariables.All) rest.Remove(variable);
        return rest;
    }
}

/// <summary>Settings, and where they came from.</summary>
/// <param name="Settings">The settings in force.</param>
/// <param name="Layers">Which layer set what.</param>
/// <param name="Warnings">What is odd, but no reason not to start.</param>
public sealed record LoadedSettings(HostSettings Settings, SettingsLayers Layers, IReadOnlyList<string> Warnings)
{
    /// <summary>
    /// Reads the same file, variables and options again; throws as <see cref="SettingsLoader.Load"/> does. Null where nothing can have
    /// changed.
    /// </summary>
    public Func<LoadedSettings>? Again { get; init; }
}
