using System.Net;
using Broker.Actors.Settings;
using Broker.Cluster.Links;
using Broker.Configuration;

namespace Broker.Cluster.Settings;

/// <summary>Reads <see cref="ClusterSettings"/>: every key, its type and its range, and which combinations are refused.</summary>
public static class ClusterSettingsBinder
{
    private const int SecretLengthMin = 16;
    private const int SecretLengthMax = 1024;

    /// <summary>The layer of defaults.</summary>
    public static SettingsLayer Reference { get; } =
        HubReference.Load(typeof(ClusterSettingsBinder).Assembly, "Broker.Cluster.reference.conf");

    /// <summary>Reads every setting; what is wrong stays noted in the reader.</summary>
    public static ClusterSettings Read(SettingsReader reader)
    {
        ArgumentNullException.ThrowIfNull(reader);
        var settings = new ClusterSettings
        {
            Address = reader.GetText(
                "broker.cluster.address", "nothing, or HOST:PORT such as 10.0.0.1:7700, with an IPv6 address in brackets", static text =>
                    text.Length == 0 || NodeAddress.TryParse(text, out _, out _)),
            BindAddress =
                reader.GetText(
                    "broker.cluster.bind-address", "nothing, or an IP address", static text =>
                        text.Length == 0 || IPAddress.TryParse(text, out _)) is { Length: > 0 } bind
                            && IPAddress.TryParse(bind, out IPAddress? ip) ? ip : null,
            Seeds = reader.GetList(
                "broker.cluster.seeds", "a list of HOST:PORT", static (string text, out string? seed) =>
                    NodeAddress.TryParse(seed = text, out _, out int port) && port > 0),
            Name = reader.GetText("broker.cluster.name", "1 to 64 letters, digits, dots, dashes or underscores", IsName),
            Secret = reader.GetText(
                "broker.cluster.secret", $"nothing, or {SecretLengthMin} to {SecretLengthMax} characters", static text =>
                    text.Length is 0 or (>= SecretLengthMin and <= SecretLengthMax)),
            AllowUnprotected = reader.GetSwitch("broker.cluster.allow-unprotected"),
            Partitions = reader.GetCount("broker.cluster.partitions", 1, 16_384),
            Lanes = reader.GetCount("broker.cluster.lanes", 1, 64),
            MembersMin = reader.GetCount("broker.cluster.members-min", 1, 1_000),
            Strategy = reader.GetChoice("broker.cluster.split-brain.strategy", s_strategies),
            StableAfter = reader.GetDuration("broker.cluster.split-brain.stable-after", TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(10)),
            DownAllWhenUnstable = reader.GetSwitch("broker.cluster.split-brain.down-all-when-unstable"),
            HeartbeatInterval =
                reader.GetDuration("broker.cluster.heartbeat-interval", TimeSpan.FromMilliseconds(50), TimeSpan.FromMinutes(1)),
            AcceptablePause =
                reader.GetDuration("broker.cluster.acceptable-pause", TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10)),
            SeedPatience = reader.GetDuration("broker.cluster.seed-patience", TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10)),
            DrainRate = reader.GetCount("broker.cluster.drain-rate", 1, 1_000_000),
            DrainLimit = reader.GetDuration("broker.cluster.drain-limit", TimeSpan.Zero, TimeSpan.FromHours(1)),
        };
        if (reader.IsGood && settings.IsEnabled) Check(settings, reader);
        return settings;
    }

    private static readonly Dictionary<string, SplitStrategy> s_strategies = new(StringComparer.OrdinalIgnoreCase)
    {
        ["keep-majority"] = SplitStrategy.KeepMajority,
        ["keep-oldest"] = SplitStrategy.KeepOldest,
    };

    private static bool IsName(string text) =>
        text.Length is >= 1 and <= 64 && text.All(static each => char.IsAsciiLetterOrDigit(each) || each is '.' or '-' or '_');

    private static void Check(ClusterSettings settings, SettingsReader reader)
    {
        _ = NodeAddress.TryParse(settings.Address, out string host, out _);
        _ = IPAddress.TryParse(host, out IPAddress? ip);
        IPAddress? bound = settings.BindAddress ?? ip;
        if (IPAddress.Any.Equals(ip) || IPAddress.IPv6Any.Equals(ip))
            reader.Refuse(
                "broker.cluster.address",
                    "an address under which other nodes reach this one; broker.cluster.bind-address may be every address");
        bool isLoopback = bound is not null ? IPAddress.IsLoopback(bound) : host == "localhost";
        if (!isLoopback && !settings.AllowUnprotected)
        {
            reader.Refuse("broker.cluster.address",
                "an address that only this machine reaches, as links between nodes are not encrypted; say --cluster-unprotected "
                    + "(broker.cluster.allow-unprotected = on) where the network itself is trusted, such as a VPN");
        }
    }
}
