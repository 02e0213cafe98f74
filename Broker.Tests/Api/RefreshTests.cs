using Broker.Actors.Sessions;
using Broker.Dialects;
using Broker.Tests.Support;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Broker.Tests.Api;

/// <summary>What clients receive when the server sets anew when their connection expires.</summary>
public sealed class RefreshTests
{
    private static readonly DateTimeOffset s_now = new FakeTimeProvider().GetUtcNow();

    [Fact]
    public void A_client_gets_its_new_expiry_and_is_then_disconnected()
    {
        using var hub =
            new HubHarness(
                new StandardSettings { Clients =
                    new ClientSettings { PingInterval = TimeSpan.FromDays(20), ExpiredCloseDelay = TimeSpan.FromSeconds(1) } });
        HubClient client = hub.Connect();

        hub.Await(hub.Api.RefreshAsync(new UserConnections(""), new ConnectionExpiry(s_now + TimeSpan.FromSeconds(60))));
        Assert.Equal("""{"push":{"refresh":{"expires":true,"ttl":60}}}""", client.NextLine());
        hub.Await(hub.Api.RefreshAsync(new UserConnections(""), new ConnectionExpiry(At: null)));
        Assert.Equal("""{"push":{"refresh":{}}}""", client.NextLine());
        hub.Await(hub.Api.RefreshAsync(new UserConnections(""), new ConnectionExpiry(At: null, HasExpired: true)));
        Assert.Equal((3005, "connection expired"), client.NextClose());
    }
}
