using Broker.Core.Protocol.Calls;
using Broker.Core.Protocol.Messages;
using CsCheck;
using Broker.Tests.Support;

namespace Broker.Tests.Protocol.Calls;

public sealed class CallTableTests
{
    [Fact]
    public void An_answer_finds_its_call_once_in_any_order()
    {
        var table = new CallTable<string>(callsMax: 10);
        table.Add(1, Seconds(5), "one");
        table.Add(2, Seconds(5), "two");

        Assert.True(table.TryTake(2, out string? state));
        Assert.Equal("two", state);
        Assert.False(table.TryTake(2, out _));
        Assert.True(table.TryGet(1, out state));
        Assert.Equal("one", state);
        Assert.Equal(1, table.Count);
    }

    [Fact]
    public void A_number_that_is_pending_is_refused_and_its_call_goes_on()
    {
        var table = new CallTable<string>(callsMax: 10);
        table.Add(1, Seconds(5), "one");

        Assert.Equal(FaultCode.BadId, table.Add(1, Seconds(9), "other"));
        Assert.True(table.TryTake(1, out string? state));
        Assert.Equal("one", state);
        Assert.Equal(FaultCode.None, table.Add(1, Seconds(9), "again"));
    }

    [Fact]
    public void One_call_too_many_is_refused()
    {
        var table = new CallTable<int>(callsMax: 2);

        Assert.Equal(FaultCode.None, table.Add(1, Seconds(5), 0));
        Assert.Equal(FaultCode.None, table.Add(2, Seconds(5), 0));
        Assert.Equal(FaultCode.Overloaded, table.Add(3, Seconds(5), 0));
        table.TryTake(1, out _);
        Assert.Equal(FaultCode.None, table.Add(3, Seconds(5), 0));
    }

    [Fact]
    public void Calls_expire_in_the_order_of_their_deadlines_and_once()
    {
        var table = new CallTable<string>(callsMax: 10);
        table.Add(1, Seconds(9), "late");
        table.Add(2, Seconds(3), "soon");
        table.Add(3, TimeSpan.MaxValue, "never");
        Assert.Equal(Seconds(3), table.NextDeadline);

        Assert.False(table.TryExpire(Seconds(2.9), out _, out _));
        Assert.True(table.TryExpire(Seconds(9), out uint id, out string? state));
        Assert.Equal((2u, "soon"), (id, state));
        Assert.True(table.TryExpire(Seconds(9), out id, out _));
        Assert.Equal(1u, id);
        Assert.False(table.TryExpire(Seconds(1e9), out _, out _));
        Assert.False(table.TryTake(2, out _));
        Assert.Null(table.NextDeadline);
        Assert.Equal(1, table.Count);
    }

    [Fact]
    public void A_lost_connection_fails_every_call_once()
    {
        var table = new CallTable<int>(callsMax: 1000);
        for (uint i = 0; i < 1000; i++) table.Add(i, Seconds(i % 7), (int)i);
        var failed = new List<int>();

        while (table.TryTakeFirst(out _, out int state)) failed.Add(state);

        Assert.Equal(Enumerable.Range(0, 1000), failed.Order());
        Assert.Equal(0, table.Count);
    }

    [Fact]
    public void Whatever_happens_each_call_leaves_once_and_none_stays_past_its_deadline() =>
        Gen.Select(Gen.Int[0, 3], Gen.UInt[0, 30], Gen.Int[0, 50]).Array[0, 300].Sample(steps =>
        {
            var table = new CallTable<uint>(callsMax: 20);
            Dictionary<uint, int> model = [];
            int now = 0;
            foreach ((int kind, uint id, int seconds) in steps)
            {
                switch (kind)
                {
                    case 0 or 1:
                        FaultCode expected = model.ContainsKey(id) ? FaultCode.BadId
                            : model.Count == 20 ? FaultCode.Overloaded : FaultCode.None;
                        Assert.Equal(expected, table.Add(id, Seconds(now + seconds), id));
                        if (expected == FaultCode.None) model[id] = now + seconds;
                        break;
                    case 2:
                        Assert.Equal(model.Remove(id), table.TryTake(id, out uint taken));
                        if (taken != 0) Assert.Equal(id, taken);
                        break;
                    default:
                        now += seconds;
                        int last = 0;
                        while (table.TryExpire(Seconds(now), out uint expired, out uint state))
                        {
                            Assert.Equal(expired, state);
                            Assert.True(model.Remove(expired, out int deadline));
                            Assert.InRange(deadline, last, now);
                            last = deadline;
                        }

                        Assert.True(model.Values.All(deadline => deadline > now));
                        break;
                }

                Assert.Equal(model.Count, table.Count);
                Assert.Equal(model.Count == 0 ? null : Seconds(model.Values.Min()), table.NextDeadline);
            }
        }, iter: 1000);

    [Fact]
    public void A_call_allocates_nothing_once_the_table_has_grown()
    {
        var table = new CallTable<object>(callsMax: 100);

        Assert.Equal(0, Allocations.Least(Pass));

        void Pass()
        {
            for (uint i = 0; i < 100; i++) table.Add(i, Seconds(i), table);
            for (uint i = 0; i < 100; i++) table.TryTake(i * 37 % 100, out _);
        }
    }

    private static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds);
}
