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
    private static readonly UpgradeRequest s_request =
        Heads.Read(Heads.With(
            "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13"));

    [Fact]
    public async Task A_connection_over_those_of_an_address_is_answered_429()
    {
        var settings = new StandardSettings
        {
            Reactors = 1,
            Transport = Transport.Kestrel,
            Listen = new ListenSettings { AddressConnectionsMax = 1, ConnectionsMax = 2 },
        };
        await using var hub = new Hub(settings, Config.Empty, TimeProvider.System, StandardDialects.Of(settings));
        hub.Start(plainHttp: null);
        var opened = new List<CarriedOpening>();

        Assert.Equal((null, 429, null, 503), (Open("192.0.2.1"), Open("192.0.2.1"), Open("192.0.2.2"), Open("192.0.2.3")));

        // Neither the refused one nor the one that did not open keeps its place.
        hub.Entrance.Withdraw(opened[0]);
        Assert.Null(Open("192.0.2.3"));
        hub.Entrance.Withdraw(opened[1]);
        Assert.Null(Open("192.0.2.1"));

        int? Open(string address)
        {
            UpgradeFault? fault =
                hub.Entrance.Check(
                    s_request, settings.Centrifuge.Path, isConnect: false, out CarriedOpening? opening,
                        new IPEndPoint(IPAddress.Parse(address), 1));
            if (opening is not null) opened.Add(opening);
            return fault?.Status;
        }
    }

    [Fact]
    public async Task Connections_through_another_server_count_for_their_address()
    {
        var time = new FakeTimeProvider();
        var settings =
            new StandardSettings { Reactors = 1, Transport = Transport.Kestrel,
                Limits = new LimitSettings { Address = new SharedRateSettings { Connects = 1 } } };
        await using var hub = new Hub(settings.Hub, Config.Empty, time, StandardDialects.Of(settings));
        hub.Start(plainHttp: null);
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
                    s_request, settings.Centrifuge.Path, isConnect: false, out CarriedOpening? opening,
                        new IPEndPoint(IPAddress.Parse(address), 1));
            if (opening is not null) hub.Entrance.Withdraw(opening);
            return fault;
        }
    }
}
