using System.Net;
using Broker.Core.Upgrade;
using Broker.Host.Http;

namespace Broker.Tests.Host;

public sealed class HttpConnectionsTests
{
    private const int SparesMax = 64;
    private static readonly IPAddress s_one = IPAddress.Parse("192.0.2.1"), s_other = IPAddress.Parse("192.0.2.2"), s_third =
        IPAddress.Parse("192.0.2.3");

    private readonly HttpConnections _all = new(4, ProxyTrust.None);

    [Fact]
    public void The_idlest_goes_where_one_more_does_not_fit()
    {
        HttpConnection first = Enter(s_one), second = Enter(s_other), third = Enter(s_other);
        Enter(s_one);
        _all.Begin(first);
        _all.End(first);        // So the second is the idlest now.

        Assert.Same(second, _all.Enter(New(s_third)));
        Assert.Same(third, _all.Enter(New(s_third)));
        Assert.Equal(4, _all.Count);
    }

    [Fact]
    public void An_address_at_its_share_loses_its_own_idlest()
    {
        HttpConnection others = Enter(s_other), first = Enter(s_one), second = Enter(s_one);

        Assert.Same(first, _all.Enter(New(s_one)));
        Assert.Same(second, _all.Enter(New(s_one)));
        Assert.True(others.IsCounted);
    }

    [Fact]
    public void A_proxy_has_no_share()
    {
        var all = new HttpConnections(4, new ProxyTrust { Forwarded = new AddressRanges([new IPNetwork(s_one, 32)]) });

        for (int i = 0; i < 4; i++)
        {
            HttpConnection connection = new(all, context: null, s_one);
            Assert.Null(all.Enter(connection));
            Assert.True(all.Begin(connection));
        }
    }

    [Fact]
    public void When_all_slots_are_busy_a_connection_is_accepted_but_not_served()
    {
        HttpConnection[] busy = [Enter(s_one), Enter(s_one), Enter(s_other), Enter(s_other)];
        Assert.All(busy, each => Assert.True(_all.Begin(each)));

        HttpConnection late = New(s_third);
        Assert.Null(_all.Enter(late));
        Assert.False(_all.Begin(late));
        _all.End(late);

        _all.End(busy[0]);
        _all.Leave(busy[0]);
        Assert.True(_all.Begin(late));
    }

    [Fact]
    public void Beyond_the_spares_the_oldest_request_goes()
    {
        var busy = new List<HttpConnection>();
        for (byte number = 1; number <= 4 + SparesMax; number++)
        {
            busy.Add(Enter(new IPAddress([10, 0, 0, number])));
            _all.Begin(busy[^1]);
        }

        Assert.Same(busy[0], _all.Enter(New(s_third)));
    }

    [Fact]
    public void A_connection_with_a_WebSocket_is_the_hubs()
    {
        HttpConnection[] open = [.. Enumerable.Range(0, 10).Select(_ => Enter(s_one, webSocket: true))];

        Assert.Equal(0, _all.Count);
        HttpConnection plain = Enter(s_one);
        Assert.True(_all.Begin(plain));
        _all.EndWebSocket(open[0]);
        Assert.Equal(2, _all.Count);
    }

    [Fact]
    public void An_IPv6_network_counts_as_one_address()
    {
        Assert.Equal(HttpConnections.KeyOf(End("2001:db8::1")), HttpConnections.KeyOf(End("2001:db8::2:3")));
        Assert.NotEqual(HttpConnections.KeyOf(End("2001:db8::1")), HttpConnections.KeyOf(End("2001:db8:0:1::1")));
        Assert.Equal(s_one, HttpConnections.KeyOf(End("::ffff:192.0.2.1")));
    }

    private static IPEndPoint End(string address) => new(IPAddress.Parse(address), 1);

    private HttpConnection Enter(IPAddress address) => Enter(address, webSocket: false);

    private HttpConnection Enter(IPAddress address, bool webSocket)
    {
        HttpConnection connection = New(address);
        Assert.Null(_all.Enter(connection));
        if (webSocket) _all.BeginWebSocket(connection);
        return connection;
    }

    private HttpConnection New(IPAddress address) => new(_all, context: null, address);
}
