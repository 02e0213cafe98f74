using Broker.Actors.Calls;
using Broker.Actors.Channels.Delivery;
using Broker.Actors.Model;
using Broker.Actors.Sessions;
using Broker.Reactor;
using Broker.Reactor.Loops;
using Broker.Reactor.Sockets;
using Broker.Reactor.Pipes;

namespace Broker.Bench.Memory;

/// <summary>A client that only counts the channels that it has been let into.</summary>
internal sealed class CountingWriter(PublicationFormat format) : ISessionWriter
{
    private int _subscribed;

    /// <summary>How many channels let it in.</summary>
    public int Channels => Volatile.Read(ref _subscribed);

    public Connection Connection => throw new NotSupportedException("Nothing is published in this run.");

    public PublicationFormat Format => format;

    public string Dialect => "none";

    public ICallWriter Calls => throw new NotSupportedException("Nothing is called in this run.");

    public void Subscribed(uint id, Subscription subscription, in SubscribeResult result) =>
        Volatile.Write(ref _subscribed, _subscribed + 1);

    public void Connected(uint id, in Admission admission) { }

    public void Unsubscribed(uint id, uint number) { }

    public void Published(uint id, int receivers, StreamPosition position) { }

    public void Failed(uint id, int index, HubError error) { }

    public void Evicted(Subscription subscription, UnsubscribeReason reason) { }

    public void Disconnect(DisconnectReason reason) { }

    public void CloseByClient() { }

    public void Pause() { }

    public void Resume() { }

    public void Done(int bytes) { }
}
