using Broker.Identity.Keys;
using Broker.Identity.Settings;
using Microsoft.Extensions.Logging;

namespace Broker.Identity.Tokens;

/// <summary>The verifiers that settings ask for, with their keys.</summary>
public sealed class TokenVerifiers : IDisposable
{
    private readonly HttpClient? _client;
    private readonly List<JwksSource> _sources = [];

    private TokenVerifiers(IdentitySettings settings, TimeProvider time, ILogger log, HttpClient? client)
    {
        _client = client;
        Connections = Create(settings.Tokens, time, log);
        Subscriptions = settings.SubscriptionTokens is { } others ? Create(others, time, log) : Connections;
    }

    /// <summary>Verifies connection tokens; <c>null</c> if no key is set.</summary>
    public TokenVerifier? Connections { get; }

    /// <summary>Verifies subscription tokens; the same one unless they have keys of their own.</summary>
    public TokenVerifier? Subscriptions { get; }

    /// <summary>Makes the verifiers.</summary>
    /// <param name="settings">Settings that have been checked.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">Gets a line when keys cannot be fetched.</param>
    public static TokenVerifiers Create(IdentitySettings settings, TimeProvider time, ILogger log)
    {
        ArgumentNullException.ThrowIfNull(settings);
        bool fetches = settings.Tokens.Jwks.Url.Length > 0 || settings.SubscriptionTokens?.Jwks.Url.Length > 0;
        return new TokenVerifiers(settings, time, log, fetches ? JwksLoaders.CreateClient() : null);
    }

    /// <summary>Fetches the key sets, so that the first client does not wait for them. Never fails: the log has the reason.</summary>
    public Task WarmAsync() => Task.WhenAll(_sources.Select(static source => source.WarmAsync()));

    /// <inheritdoc />
    public void Dispose() => _client?.Dispose();

    private TokenVerifier? Create(TokenSettings settings, TimeProvider time, ILogger log)
    {
        if (!settings.IsEnabled) return null;
        List<TokenKey> keys = [];
        if (settings.HmacSecret.Length > 0) keys.Add(new HmacKey(settings.HmacSecret));
        if (settings.HmacPreviousSecret.Length > 0) keys.Add(new HmacKey(settings.HmacPreviousSecret, settings.HmacPreviousUntil, time));
        if (settings.RsaPublicKey.Length > 0) keys.Add(KeyFiles.ReadRsa(settings.RsaPublicKey));
        if (settings.EcdsaPublicKey.Length > 0) keys.Add(KeyFiles.ReadEcdsa(settings.EcdsaPublicKey));
        JwksSource? source = null;
        if (settings.Jwks.IsEnabled)
        {
            Func<CancellationToken, Task<byte[]>> load = settings.Jwks.File.Length > 0
                ? JwksLoaders.FromFile(settings.Jwks.File)
                : JwksLoaders.FromUrl(new Uri(settings.Jwks.Url), _client!);
            source = new JwksSource(load, settings.Jwks.Times, time, log);
            _sources.Add(source);
        }

        return new TokenVerifier(keys, source, settings.Rules, time);
    }
}
