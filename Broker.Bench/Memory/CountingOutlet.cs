using Broker.Actors.Routing;
using Broker.Actors.Rpc;
using Broker.Actors.Sessions;
using Broker.Core.Centrifuge;
using Broker.Reactor.Loops;

namespace Broker.Bench.Memory;

/// <summary>A client that only counts the channels that it has been let into.</summary>
internal sealed class CountingOutlet : ISessionOutlet
{
    private int _subscribed;

    /// <summary>How many channels let it in.</summary>
    public int Channels => Volatile.Read(ref _subscribed);

    public Connection Connection => throw new NotSupportedException("Nothing is published in this run.");

    public WireFormat Format => WireFormat.Json;

    public ICallOutlet Calls => throw new NotSupportedException("Nothing is called in this run.");

    public void Subscribed(uint id, string channel, ChannelPlace place) => Volatile.Write(ref _subscribed, _subscribed + 1);

    public void Connected(uint id, string client) { }

    public void Unsubscribed(uint id, uint number) { }

    public void Published(uint id, int receivers, ulong offset) { }

    public void Failed(uint id, int index, CentrifugeError error) { }

    public void Evicted(string channel, uint number, Unsubscribed why) { }

    public void Disconnect(Disconnect why) { }

    public void Done(int bytes) { }
}
