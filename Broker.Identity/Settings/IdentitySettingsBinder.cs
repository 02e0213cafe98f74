using System.Globalization;
using System.Text.RegularExpressions;
using Broker.Identity.Keys;
using Broker.Identity.Tokens;
using Broker.Actors.Settings;
using Broker.Configuration;

namespace Broker.Identity.Settings;

/// <summary>Reads <see cref="IdentitySettings"/>: every key, its type and its range, and which combinations are refused.</summary>
public static partial class IdentitySettingsBinder
{
    private const int KeyLengthStrong = 16;

    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    /// <summary>The layer of defaults.</summary>
    public static SettingsLayer Reference { get; } =
        HubReference.Load(typeof(IdentitySettingsBinder).Assembly, "Broker.Identity.reference.conf");

    /// <summary>Reads every setting of access; what is wrong stays noted in the reader.</summary>
    public static IdentitySettings Read(SettingsReader reader)
    {
        ArgumentNullException.ThrowIfNull(reader);
        TokenSettings tokens = ReadTokens(reader, "broker.tokens");
        TokenSettings subscriptionTokens = ReadTokens(reader, "broker.subscription-tokens");
        bool isSeparate = reader.GetSwitch("broker.subscription-tokens.separate");
        if (!isSeparate && subscriptionTokens.IsEnabled)
        {
            reader.Refuse(
                "broker.subscription-tokens.separate",
                    "on, because a key of broker.subscription-tokens is set; while it is off, broker.tokens holds for both");
        }

        if (isSeparate && !subscriptionTokens.IsEnabled)
        {
            reader.Refuse(
                "broker.subscription-tokens.separate",
                    "off, because broker.subscription-tokens has no key, so no subscription token could be accepted");
        }

        return new IdentitySettings
        {
            Tokens = tokens,
            SubscriptionTokens = isSeparate ? subscriptionTokens : null,
            UserConnectionsMax = reader.GetCount("broker.users.connections-max", 0, 1_000_000),
            PersonalChannel = new PersonalChannelSettings
            {
                Enabled = reader.GetSwitch("broker.users.personal-channel.enabled"),
                Namespace = reader.GetText("broker.users.personal-channel.namespace"),
                SingleConnection = reader.GetSwitch("broker.users.personal-channel.single-connection"),
            },
            Revocation = new RevocationSettings
            {
                File = reader.GetFilePath("broker.revocation.file"),
                EntriesMax = reader.GetCount("broker.revocation.entries-max", 1, 10_000_000),
            },
            Api = new ApiSettings
            {
                Keys = reader.GetList<string>("broker.api.keys", "a list of keys of 1 to 1024 characters", TryReadKey),
                BodyBytesMax = reader.GetSize("broker.api.body-bytes-max", 1024, 1024 * 1024 * 1024),
                CommandsMax = reader.GetCount("broker.api.commands-max", 1, 100_000),
            },
            Proxy = ProxySettingsBinder.Read(reader),
        };
    }

    /// <summary>What is odd about settings, but no reason not to start.</summary>
    public static IEnumerable<string> Warn(IdentitySettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        List<string> warnings = [];
        if (settings.Api.Keys.Any(static key => key.Length < KeyLengthStrong))
            warnings.Add(
                $"a key of broker.api.keys has fewer than {KeyLengthStrong} characters; take {HmacKey.StrongBytesMin} random ones");
        foreach ((string name, TokenSettings? tokens) in (ReadOnlySpan<(string, TokenSettings?)>)[
            ("broker.tokens", settings.Tokens), ("broker.subscription-tokens", settings.SubscriptionTokens)])
        {
            if (tokens is { HmacSecret.Length: > 0 and < HmacKey.StrongBytesMin })
                warnings.Add(
                    $"{name}.hmac-secret has {tokens.HmacSecret.Length} characters, which can be guessed from one token; take "
                        + $"{HmacKey.StrongBytesMin} random ones");
        }

        return warnings;
    }

    private static TokenSettings ReadTokens(SettingsReader reader, string root)
    {
        string hmac =
            reader.GetText(
                $"{root}.hmac-secret", "a secret, and not a key in PEM", static text =>
                    !text.Contains("-----BEGIN", StringComparison.Ordinal));
        string previous = reader.GetText($"{root}.hmac-previous-secret");
        string until =
            reader.GetText(
                $"{root}.hmac-previous-until", "nothing, or a time such as 2030-01-31T12:00:00Z", static text =>
                    text.Length == 0 || TryReadTime(text, out _));
        var settings = new TokenSettings
        {
            HmacSecret = hmac,
            HmacPreviousSecret = previous,
            HmacPreviousUntil = TryReadTime(until, out DateTimeOffset end) ? end : null,
            RsaPublicKey = reader.GetText($"{root}.rsa-public-key"),
            EcdsaPublicKey = reader.GetText($"{root}.ecdsa-public-key"),
            Jwks = new JwksSettings
            {
                File = reader.GetFilePath($"{root}.jwks.file"),
                Url = reader.GetText($"{root}.jwks.url"),
                Hosts = reader.GetList<string>(
                    $"{root}.jwks.hosts", "a list of host names without ports, such as [\"login.example.org\"]", TryReadHost),
                Times = new JwksTimes
                {
                    Refresh = reader.GetDuration($"{root}.jwks.refresh", TimeSpan.FromSeconds(1), TimeSpan.FromDays(7)),
                    KeepMax = reader.GetDuration($"{root}.jwks.keep-max", TimeSpan.FromSeconds(1), TimeSpan.FromDays(365)),
                    MissInterval = reader.GetDuration($"{root}.jwks.miss-interval", TimeSpan.FromSeconds(1), Hour),
                    Timeout = reader.GetDuration($"{root}.jwks.timeout", Moment, TimeSpan.FromMinutes(1)),
                },
            },
            Rules = new TokenRules
            {
                Issuer = reader.GetText($"{root}.issuer"),
                Audience = reader.GetText($"{root}.audience"),
                UserIdClaim =
                    reader.GetText($"{root}.user-id-claim", "a name of letters and underscores", static text => ClaimName().IsMatch(text)),
                Skew = reader.GetDuration($"{root}.skew", TimeSpan.Zero, TimeSpan.FromMinutes(10)),
                BytesMax = reader.GetSize($"{root}.bytes-max", 256, 64 * 1024),
            },
        };
        RefuseCombinations(settings, reader, root);
        return settings;
    }

    private static void RefuseCombinations(TokenSettings settings, SettingsReader reader, string root)
    {
        JwksSettings jwks = settings.Jwks;
        if (settings.HmacPreviousSecret.Length > 0 && settings.HmacSecret.Length == 0)
            reader.Refuse($"{root}.hmac-secret", $"a secret, because {root}.hmac-previous-secret is set");
        if (settings.HmacPreviousUntil is not null && settings.HmacPreviousSecret.Length == 0)
            reader.Refuse($"{root}.hmac-previous-until", $"nothing, because {root}.hmac-previous-secret is not set");
        if (jwks.File.Length > 0 && jwks.Url.Length > 0)
            reader.Refuse($"{root}.jwks.file", $"nothing, because {root}.jwks.url is set: keys come from one of them");
        if (jwks.IsEnabled && (settings.HmacSecret.Length > 0 || settings.RsaPublicKey.Length > 0 || settings.EcdsaPublicKey.Length > 0))
            reader.Refuse(
                jwks.Url.Length > 0 ? $"{root}.jwks.url" : $"{root}.jwks.file",
                    $"nothing, because {root} has a key of its own: keys come from a key set or from the settings");
        if (jwks.Url.Length > 0 && JwksLoaders.CheckUrl(jwks.Url, jwks.Hosts) is { } wrongUrl)
            reader.Refuse(
                $"{root}.jwks.url", wrongUrl.Replace("the list of allowed hosts", $"{root}.jwks.hosts", StringComparison.Ordinal));
        if (jwks.Hosts.Count > 0 && jwks.Url.Length == 0)
            reader.Refuse($"{root}.jwks.hosts", $"nothing, because {root}.jwks.url is not set");
        if (jwks.Times.KeepMax < jwks.Times.Refresh)
            reader.Refuse($"{root}.jwks.keep-max", $"at least the refresh of {SettingUnits.Write(jwks.Times.Refresh)}");
        RefuseKey(reader, $"{root}.rsa-public-key", settings.RsaPublicKey, KeyFiles.ReadRsa);
        RefuseKey(reader, $"{root}.ecdsa-public-key", settings.EcdsaPublicKey, KeyFiles.ReadEcdsa);
        if (jwks.File.Length > 0) RefuseKey(reader, $"{root}.jwks.file", jwks.File, ReadKeySet);
    }

    private static void RefuseKey<T>(SettingsReader reader, string key, string value, Func<string, T> read)
    {
        if (value.Length == 0) return;
        try
        {
            read(value);
        }
        catch (InvalidDataException bad)
        {
            reader.Refuse(key, $"a key that can be read, but {bad.Message}");
        }
    }

    private static IReadOnlyDictionary<string, TokenKey> ReadKeySet(string path)
    {
        try
        {
            return JwksDocument.Read(SettingFile.ReadAllBytes(path, JwksDocument.BytesMax));
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new InvalidDataException($"the file cannot be read: {unreadable.Message}", unreadable);
        }
    }

    private static bool TryReadKey(string text, out string? key)
    {
        key = text;
        return text.Length is > 0 and <= 1024;
    }

    private static bool TryReadHost(string text, out string? host)
    {
        host = text;
        return Uri.CheckHostName(text) != UriHostNameType.Unknown;
    }

    private static bool TryReadTime(string text, out DateTimeOffset time) => DateTimeOffset.TryParseExact(
        text, ["yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mmK", "yyyy-MM-dd"], CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal, out time);

    [GeneratedRegex("^[a-zA-Z_]+$", RegexOptions.CultureInvariant)]
    private static partial Regex ClaimName();
}
