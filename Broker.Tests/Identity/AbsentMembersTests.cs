using Broker.Actors.Access;
using Broker.Actors.Channels.Namespaces;
using Broker.Actors.Model;
using Broker.Identity.Access;
using Broker.Identity.Backend;
using Broker.Identity.Settings;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using static Broker.Tests.Identity.TestTokens;

namespace Broker.Tests.Identity;

/// <summary>What an answer of the backend does not have stays as it is: absent is not empty.</summary>
public sealed class AbsentMembersTests : IAsyncLifetime
{
    private static readonly Principal s_principal = new("42", "c1");

    private readonly TestBackend _backend = new();

    public Task InitializeAsync() => _backend.StartAsync();

    public async Task DisposeAsync() => await _backend.DisposeAsync();

    [Theory]
    [InlineData("""{"result":{}}""", null)]
    [InlineData("""{"result":{"skip_history":true}}""", null)]
    [InlineData("""{"result":{"data":[2]}}""", "[2]")]
    [InlineData("""{"result":{"b64data":"Mg=="}}""", "2")]
    public async Task A_publish_without_data_in_its_answer_keeps_the_clients_data(string answer, string? data)
    {
        _backend.Answer = answer;
        using BackendProxy proxy = new(
            new ProxySettings { Publish = Url("publish") }, TimeProvider.System, NullLogger.Instance);
        var request = new AuthorizationRequest(HubAction.Publish, "news", s_principal) { Data = "[1]"u8.ToArray() };

        AuthorizationResult result = await PublishAccess.AuthorizeAsync(proxy, request, default);

        Assert.True(result.IsAllowed);
        Assert.Equal(data, Text(result.Publication!.Data));
    }

    [Theory]
    [InlineData("""{"result":{"expire_at":4102444800}}""", null)]
    [InlineData("""{"result":{"expire_at":4102444800,"info":{"name":"Ada"}}}""", """{"name":"Ada"}""")]
    public async Task A_refresh_without_info_in_its_answer_keeps_the_connections_info(string answer, string? info)
    {
        _backend.Answer = answer;
        var settings = new IdentitySettings { Proxy = new ProxySettings { Connect = Url("connect"), Refresh = Url("refresh") } };
        using var access = new IdentityAccess(
            settings, new SettingsAccess(new AccessSettings()), new NamespacePolicies(ChannelNamespaces.Default, channelsMax: 128),
            new FakeTimeProvider(Now), NullLogger.Instance);

        RefreshResult result = await access.RefreshAsync(new RefreshRequest(s_principal, default), default);

        Assert.Null(result.Error);
        Assert.Equal(info, Text(result.Info));
    }

    private static string? Text(ReadOnlyMemory<byte>? bytes) => bytes is { } given ? System.Text.Encoding.UTF8.GetString(given.Span) : null;

    private Uri Url(string path) => new($"http://127.0.0.1:{_backend.Port}/{path}");
}
