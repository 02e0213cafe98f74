using System.Security.Cryptography;
using Broker.Tests.Identity;

namespace Broker.Tests.EndToEnd.Identity;

/// <summary>
/// One host for several tests: keys from a URL, histories, the server API, and a backend that grants subscriptions for a time.
/// </summary>
public sealed class IdentityHost : IAsyncLifetime
{
    public const string ApiKey = "a long random key";

    private readonly string _config = Path.GetTempFileName();
    private readonly List<(string Path, string Body, IReadOnlyDictionary<string, string> Headers)> _asked = [];
    private int _refreshes;

    internal RSA Key { get; } = RSA.Create(2048);

    internal TestBackend Backend { get; } = new();

    internal HostProcess Host { get; private set; } = null!;

    internal Uri Api => new(Host.HttpUri, "api");

    /// <summary>What the backend was asked at a path.</summary>
    internal IReadOnlyList<(string Path, string Body, IReadOnlyDictionary<string, string> Headers)> Asked(string path)
    {
        lock (_asked) return [.. _asked.Where(each => each.Path == path)];
    }

    internal string Token(string claims) => TestTokens.Rsa(Key, claims);

    public async Task InitializeAsync()
    {
        await Backend.StartAsync();
        Backend.AnswerTo = Answer;
        string backend = $"http://127.0.0.1:{Backend.Port}";
        await File.WriteAllTextAsync(_config, $$"""
            broker {
              tokens.jwks { url = "{{backend}}/keys", hosts = ["127.0.0.1"], timeout = 60s }
              api.keys = ["{{ApiKey}}"]
              centrifuge.anonymous = off
              namespaces {
                kept { history { size = 10, ttl = 1m }, recovery = on }
                lent { subscribe = none, subscribe-proxy = on }
              }
              proxy {
                connect = "{{backend}}/connect"
                subscribe = "{{backend}}/subscribe"
                sub-refresh = "{{backend}}/sub_refresh"
                emulated-headers = ["X-Room"]
                timeout = 60s
              }
            }
            """);
        Host = await HostProcess.StartAsync(null, "--config", _config);
    }

    public async Task DisposeAsync()
    {
        File.Delete(_config);
        if (Host is not null) await Host.DisposeAsync();
        await Backend.DisposeAsync();
        Key.Dispose();
    }

    private string Answer(string path, string body)
    {
        lock (_asked) _asked.Add((path, body, Backend.Headers));
        return path switch
        {
            "/keys" => TestTokens.JwksOf(("1", Key)),
            "/connect" => """{"result":{"user":"7"}}""",
            "/subscribe" => $$$"""{"result":{"expire_at":{{{InASecond()}}}}}""",
            "/sub_refresh" when Interlocked.Increment(ref _refreshes) == 1 => $$$"""{"result":{"expire_at":{{{InASecond()}}}}}""",
            _ => """{"result":{"expired":true}}""",
        };
    }

    private static long InASecond() => DateTimeOffset.UtcNow.ToUnixTimeSeconds() + 2;
}
