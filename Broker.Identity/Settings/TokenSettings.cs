using Broker.Identity.Keys;
using Broker.Identity.Tokens;

namespace Broker.Identity.Settings;

/// <summary>Whose tokens are accepted: <c>broker.tokens</c> or <c>broker.subscription-tokens</c>.</summary>
public sealed record TokenSettings
{
    /// <summary>The secret of HS256, HS384 and HS512; empty for none.</summary>
    public string HmacSecret { get; init; } = "";

    /// <summary>The secret before it, which is accepted too; empty for none.</summary>
    public string HmacPreviousSecret { get; init; } = "";

    /// <summary>Until when the previous secret is accepted; <c>null</c> for no end.</summary>
    public DateTimeOffset? HmacPreviousUntil { get; init; }

    /// <summary>The public key of RS256, RS384 and RS512, in PEM or as the path of a file; empty for none.</summary>
    public string RsaPublicKey { get; init; } = "";

    /// <summary>The public key of ES256, ES384 or ES512, in PEM or as the path of a file; empty for none.</summary>
    public string EcdsaPublicKey { get; init; } = "";

    /// <summary>Keys by key id.</summary>
    public JwksSettings Jwks { get; init; } = new();

    /// <summary>What tokens have to say.</summary>
    public TokenRules Rules { get; init; } = new();

    /// <summary>Whether any key is set, so that a token can be accepted at all.</summary>
    public bool IsEnabled => HmacSecret.Length > 0 || RsaPublicKey.Length > 0 || EcdsaPublicKey.Length > 0 || Jwks.IsEnabled;
}

/// <summary>A key set in a file or at a URL.</summary>
public sealed record JwksSettings
{
    /// <summary>The path of the file; empty for none.</summary>
    public string File { get; init; } = "";

    /// <summary>The URL; empty for none.</summary>
    public string Url { get; init; } = "";

    /// <summary>Hosts that the URL may name.</summary>
    public IReadOnlyList<string> Hosts { get; init; } = [];

    /// <summary>When the keys are fetched.</summary>
    public JwksTimes Times { get; init; } = new();

    /// <summary>Whether there is a key set.</summary>
    public bool IsEnabled => File.Length > 0 || Url.Length > 0;
}
