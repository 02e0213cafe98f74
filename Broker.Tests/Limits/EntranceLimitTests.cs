using System.Net;
using Akka.Configuration;
using Broker.Actors;
using Broker.Actors.Limits;
using Broker.Actors.Settings;
using Broker.Core.Upgrade;
using Broker.Reactor.Pipes;
using Broker.Dialects;
using Broker.Tests.Upgrade;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Broker.Tests.Limits;

/// <summary>New connections that come through another server have the same rates.</summary>
public sealed class EntranceLimitTests
{
    [Fact]
    public async Task Connections_through_another_server_count_for_their_address()
    {
        var time = new FakeTimeProvider();
        var settings =
            new StandardSettings { Reactors = 1, Transport = Transport.Kestrel,
                Limits = new LimitSettings { Address = new SharedRateSettings { Connects = 1 } } };
        await using var hub = new Hub(settings.Hub, Config.Empty, time, StandardDialects.Of(settings));
        hub.Start(plainHttp: null);
        UpgradeRequest request =
            Heads.Read(Heads.With(
                "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13"));

        Assert.Null(Check("10.0.0.1"));
        Assert.Null(Check("10.0.0.1"));
        Assert.Equal(429, Check("10.0.0.1")?.Status);
        Assert.True(Check("10.0.0.1")!.Value.RetryAfter >= TimeSpan.FromSeconds(1));
        Assert.Null(Check("10.0.0.2"));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(Check("10.0.0.1"));
        Assert.Equal(2, hub.Counters.Limited.Read(LimitScope.Address, LimitKind.Connects));

        UpgradeFault? Check(string address)
        {
            UpgradeFault? fault =
                hub.Entrance.Check(
                    request, settings.Centrifuge.Path, isConnect: false, out CarriedOpening? opening,
                        new IPEndPoint(IPAddress.Parse(address), 1));
            if (opening is not null) hub.Entrance.Withdraw();
            return fault;
        }
    }
}
