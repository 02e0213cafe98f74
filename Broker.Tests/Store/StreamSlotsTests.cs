using Broker.Core.Protocol.Messages;
using Broker.Core.Protocol.Calls;
using Broker.Store;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Broker.Tests.Store;

public sealed class StreamSlotsTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly StreamSlots _slots = new(max: 4);

    private IdleWatch Take(string client)
    {
        var watch = new IdleWatch(TimeSpan.FromSeconds(60), _time, CancellationToken.None);
        _slots.Take(client, watch);
        return watch;
    }

    private void Refused(string client) => Assert.Equal(FaultCode.Overloaded, Assert.Throws<CallFaultException>(() => Take(client)).Code);

    private static void IsShed(IdleWatch watch)
    {
        Assert.True(watch.Token.WaitHandle.WaitOne(TimeSpan.FromSeconds(60)));
        Assert.Equal(FaultCode.Overloaded, Assert.Throws<CallFaultException>(watch.ThrowIfLate).Code);
    }

    [Fact]
    public void One_client_has_at_most_half_of_all()
    {
        Take("hostile");
        IdleWatch last = Take("hostile");
        Refused("hostile");
        Take("honest");

        _slots.Release(last);
        Take("hostile");
        Assert.Equal(3, _slots.Count);
    }

    [Fact]
    public void When_slots_run_out_the_largest_client_loses_its_idlest()
    {
        IdleWatch moving = Take("one"), idle = Take("one");
        Take("two");
        Take("two");
        _time.Advance(TimeSpan.FromSeconds(0.5));
        moving.Moved();

        Take("honest");

        IsShed(idle);
        Assert.False(moving.Token.IsCancellationRequested);
        Assert.Equal(4, _slots.Count);
        _slots.Release(idle);
        Assert.Equal(4, _slots.Count);
    }

    [Fact]
    public void Where_all_have_one_only_what_stands_still_makes_room()
    {
        IdleWatch[] each = [Take("a"), Take("b"), Take("c"), Take("d")];
        Refused("e");
        _time.Advance(TimeSpan.FromSeconds(1));
        foreach (IdleWatch moving in each[1..]) moving.Moved();

        Take("e");

        IsShed(each[0]);
        Refused("f");
    }
}
