using System.Collections;
using System.Text;
using Broker.Identity.Settings;
using Broker.Actors.Settings;
using Broker.Configuration;
using Broker.Cli.Commands;
using Broker.Store;
using Serilog.Events;

namespace Broker.Host.Settings;

/// <summary>Stacks the layers that a process is started with and reads its settings out of them.</summary>
/// <remarks>The strongest last: reference.conf, the file of <c>--config</c>, the environment, the command line.</remarks>
public static class SettingsLoader
{
    private static readonly IReadOnlyList<SettingsLayer> References =
        [HubReference.Layer, IdentitySettingsBinder.Reference, HubReference.Load(typeof(SettingsLoader).Assembly, "Broker.Host.reference.conf")];

    // sun_path of the system's sockaddr_un has 108, and the last is zero.
    private const int UnixSocketBytesMax = 107;

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
        if (path is not null) overrides.Add(ReadFile(path));
        overrides.Add(EnvironmentLayer.Read(WithoutClients(environment), new SettingsLayers(References, overrides).KnownKeys, out IReadOnlyList<string> warnings));
        overrides.Add(commandLine);

        var layers = new SettingsLayers(References, overrides);
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

        CheckStoreExposure(settings, layers);
        return new LoadedSettings(settings, layers, [.. warnings, .. IdentitySettingsBinder.Warn(settings.Identity)]);
    }

    /// <summary>Reads every setting there is; what is wrong stays noted in the reader.</summary>
    public static HostSettings Read(SettingsReader reader)
    {
        ArgumentNullException.ThrowIfNull(reader);
        TimeSpan second = TimeSpan.FromSeconds(1);
        TimeSpan minutes = TimeSpan.FromMinutes(10);
        var settings = new HostSettings
        {
            Hub = HubSettingsBinder.Read(reader),
            Identity = IdentitySettingsBinder.Read(reader),
            Log = new LogSettings
            {
                Level = reader.GetChoice<LogEventLevel>("broker.log.level"),
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
            Store = ReadStore(reader),
            TrimAfter = reader.GetDuration("broker.memory.trim-after", TimeSpan.Zero, TimeSpan.FromHours(1)),
            UnixSocket = reader.GetText(
                "broker.unix-socket",
                $"nothing, or an absolute path of at most {UnixSocketBytesMax} bytes",
                path => path.Length == 0 || (Path.IsPathFullyQualified(path) && Encoding.UTF8.GetByteCount(path) <= UnixSocketBytesMax)),
        };

        if (reader.IsGood && settings.Tls.Enabled) CheckFiles(settings.Tls, reader);
        return settings;
    }

    // Whoever lets in anyone from anywhere has not said yet that anyone may change what is kept for good.
    private static void CheckStoreExposure(HostSettings settings, SettingsLayers layers)
    {
        HostStoreSettings store = settings.Store;
        if (store.Path.Length == 0 || store.Anonymous == StoreAccess.None || store.AllowAnonymousAnywhere) return;
        if (ExposureRule.Check(settings.Hub, settings.OtherAddresses) != Exposure.Wished || !settings.Hub.Access.Anonymous) return;
        throw new SettingException(
            $"{layers.Find("broker.store.path")!.Origin}: the keyed store would be open to anyone who can reach the hub. "
            + "Set broker.store.anonymous = none, or broker.store.allow-anonymous-anywhere = on if you mean it.");
    }

    private static HostStoreSettings ReadStore(SettingsReader reader) => new()
    {
        Path = reader.GetText("broker.store.path"),
        Anonymous = reader.GetChoice<StoreAccess>("broker.store.anonymous"),
        AllowAnonymousAnywhere = reader.GetSwitch("broker.store.allow-anonymous-anywhere"),
        ResultBytesMax = reader.GetSize("broker.store.result-bytes-max", 1024, 1024 * 1024 * 1024),
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
            WriteBufferBytes = reader.GetSize("broker.store.write-buffer-bytes", 64 * 1024, 1024 * 1024 * 1024),
        },
    };

    private static TlsSettings ReadTls(SettingsReader reader) => new()
    {
        Enabled = reader.GetSwitch("broker.tls.enabled"),
        Address = reader.GetAddress("broker.tls.address"),
        Port = reader.GetPort("broker.tls.port"),
        Certificate = reader.GetText("broker.tls.certificate"),
        Key = reader.GetText("broker.tls.key"),
        Password = reader.GetText("broker.tls.password"),
    };

    private static void CheckFiles(TlsSettings tls, SettingsReader reader)
    {
        if (!File.Exists(tls.Certificate)) reader.Refuse("broker.tls.certificate", "the path of a PEM or PFX file, because broker.tls.enabled is on");
        if (tls.Key.Length > 0 && !File.Exists(tls.Key)) reader.Refuse("broker.tls.key", "nothing, or the path of a PEM file");
    }

    // What the commands of a client read is no mistake where a hub is started with it.
    private static Hashtable WithoutClients(IDictionary environment)
    {
        var rest = new Hashtable(environment);
        foreach (string variable in ClientVariables.All) rest.Remove(variable);
        return rest;
    }

    private static SettingsLayer ReadFile(string path)
    {
        if (path.Length == 0) throw new SettingException("The file of --config has no name.");
        try
        {
            return SettingsLayer.Parse(path, File.ReadAllText(path));
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            throw new SettingException($"The file {path} of --config cannot be read: {unreadable.Message}");
        }
    }
}

/// <summary>Settings, and where they came from.</summary>
/// <param name="Settings">The settings in force.</param>
/// <param name="Layers">Which layer set what.</param>
/// <param name="Warnings">What is odd, but no reason not to start.</param>
public sealed record LoadedSettings(HostSettings Settings, SettingsLayers Layers, IReadOnlyList<string> Warnings);
