using Broker.Actors.Runtime;
using Broker.Tests.Support;

namespace Broker.Tests.Sessions;

public class LoopTurnTests
{
    [Theory]
    [InlineData(Pumped.Wrote, true, 2)]
    [InlineData(Pumped.Unflushed, true, 2)]
    [InlineData(Pumped.Waiting, false, 2)]
    [InlineData(Pumped.Idle, false, 1)]
    public void A_loop_sleeps_only_where_a_socket_or_the_stream_itself_wakes_it(Pumped pumped, bool goesOn, int asked)
    {
        var replies = new LoopTurn(new FakeLoop());
        var pump = new Pump(pumped);
        replies.Add(pump);

        Assert.Equal(goesOn, replies.PumpTransfers());

        replies.PumpTransfers();
        Assert.Equal(asked, pump.Asked);
    }

    private sealed class Pump(Pumped pumped) : IChunkPump
    {
        internal int Asked { get; private set; }

        Pumped IChunkPump.Pump()
        {
            Asked++;
            return pumped;
        }
    }
}
