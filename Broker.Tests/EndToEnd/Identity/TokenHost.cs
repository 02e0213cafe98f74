namespace Broker.Tests.EndToEnd.Identity;

/// <summary>One host that takes tokens only, for the tests of a class.</summary>
public sealed class TokenHost : IAsyncLifetime
{
    internal const string Secret = "a secret of thirty-two characters", ApiKey = "a long random key";

    private HostProcess? _process;

    /// <summary>The running host.</summary>
    internal HostProcess Process => _process!;

    /// <inheritdoc/>
    public async Task InitializeAsync() => _process = await HostProcess.StartAsync(new Dictionary<string, string>
    {
        ["BROKER_TOKENS_HMAC_SECRET"] = Secret,
        ["BROKER_API_KEYS"] = ApiKey,
        ["BROKER_CENTRIFUGE_ANONYMOUS"] = "off",
        ["BROKER_CHANNELS_SUBSCRIBE"] = "token",
        ["BROKER_USERS_PERSONAL_CHANNEL_ENABLED"] = "on",
    });

    /// <summary>Whatever the tests did to it, it still ends gracefully.</summary>
    public async Task DisposeAsync()
    {
        if (_process is null) return;
        await using (_process) await _process.StopAsync();
    }
}
