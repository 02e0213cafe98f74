using System.Net;
using Broker.Actors.Limits;
using Broker.Core.Upgrade;

namespace Broker.Tests.Limits;

/// <summary>How many connections one address may have open.</summary>
public sealed class AddressPlacesTests
{
    private readonly LimitCounters _counters = new();
    private int _open;

    private AddressPlaces Places(int addressMax = 0, int placesMax = 80, ProxyTrust? proxies = null) =>
        new(addressMax, () => placesMax, proxies ?? ProxyTrust.None, _counters);

    private IDisposable? Take(AddressPlaces places, string address)
    {
        if (places.TryTake(IPAddress.Parse(address), _open, out IDisposable? place) is { } refused)
        {
            Assert.Equal(429, refused.Status);
            Assert.Contains("broker.listen.address-connections-max", refused.Reason, StringComparison.Ordinal);
            Assert.InRange(refused.RetryAfter!.Value, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(5));
            return null;
        }

        _open++;
        return place;
    }

    [Fact]
    public void The_last_eighth_is_for_others_than_the_one_with_half()
    {
        AddressPlaces places = Places();

        for (int i = 0; i < 70; i++) Assert.NotNull(Take(places, "192.0.2.1"));
        Assert.Null(Take(places, "192.0.2.1"));
        for (int i = 0; i < 10; i++) Assert.NotNull(Take(places, "192.0.2.2"));
        Assert.Equal(1, _counters.Read(LimitScope.Address, LimitKind.Connections));
    }

    [Fact]
    public void An_address_below_half_may_have_the_last_place()
    {
        AddressPlaces places = Places();

        for (int i = 0; i < 80; i++) Assert.NotNull(Take(places, $"192.0.2.{i % 3}"));
    }

    [Fact]
    public void A_number_that_is_set_holds_however_much_is_free()
    {
        AddressPlaces places = Places(addressMax: 2);

        IDisposable? first = Take(places, "192.0.2.1");
        Assert.NotNull(Take(places, "192.0.2.1"));
        Assert.Null(Take(places, "192.0.2.1"));
        first!.Dispose();
        Assert.NotNull(Take(places, "192.0.2.1"));
    }

    [Theory]
    [InlineData("192.0.2.1", "::ffff:192.0.2.1", true)]
    [InlineData("2001:db8::1", "2001:db8::2:1", true)]
    [InlineData("2001:db8::1", "2001:db8:0:1::1", false)]
    public void An_address_is_counted_however_it_is_written_and_a_network_as_one(string first, string second, bool areOne)
    {
        AddressPlaces places = Places(addressMax: 1);

        Assert.NotNull(Take(places, first));
        Assert.Equal(areOne, Take(places, second) is null);
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    [InlineData("255.255.255.255")]
    [InlineData("10.0.0.7")]
    public void Loopback_proxies_and_who_has_no_address_are_not_counted(string address)
    {
        AddressPlaces places =
            Places(addressMax: 1, proxies: new ProxyTrust { ProxyProtocol = new AddressRanges([IPNetwork.Parse("10.0.0.0/8")]) });

        for (int i = 0; i < 3; i++) Assert.Null(places.TryTake(IPAddress.Parse(address), open: 80, out _));
        Assert.Equal(0, places.Count);
    }

    [Fact]
    public void Nothing_is_remembered_of_an_address_without_connections()
    {
        AddressPlaces places = Places();
        IDisposable? first = Take(places, "192.0.2.1"), second = Take(places, "192.0.2.1");

        first!.Dispose();
        Assert.Equal(1, places.Count);
        second!.Dispose();
        Assert.Equal(0, places.Count);
    }
}
