using Akka.Actor;
using Broker.Actors.Routing;
using Broker.Actors.Rpc;
using Broker.Actors.Sessions;
using Broker.Actors.Streams;
using Broker.Core.Centrifuge;
using Broker.Core.Framing;
using Broker.Core.Protocol.Messages;
using Broker.Reactor.Loops;
using Unsubscribed = Broker.Core.Centrifuge.Unsubscribed;

namespace Broker.Actors.Echo;

/// <summary>
/// Answers each message with itself, for conformance and measurement. It takes the road of every other dialect; its session
/// has no commands, and so nothing to answer.
/// </summary>
public sealed class EchoDialect(Connection connection) : IDialect, ICallOutlet
{
    private IActorRef _session = ActorRefs.Nobody;

    /// <inheritdoc />
    public Connection Connection { get; } = connection;

    /// <inheritdoc />
    public WireFormat Format => WireFormat.Json;

    /// <inheritdoc />
    public ICallOutlet Calls => this;

    /// <inheritdoc />
    public bool IsReady => true;

    /// <inheritdoc />
    public void OnBound(IActorRef session) => _session = session;

    /// <inheritdoc />
    public void OnTurn(Turn turn)
    {
        ArgumentNullException.ThrowIfNull(turn);
        while (turn.TryRead(out Message message)) turn.Echo(message);
        Connection.Loop.Counters.AddReceived(turn.MessagesIn, turn.MessagesIn);
        Connection.Loop.Counters.AddSent(turn.MessagesIn, turn.MessagesIn);
    }

    /// <inheritdoc />
    public void OnEnded(Closure closure) => _session.Tell(new SessionProtocol.Ended(closure), ActorRefs.NoSender);

    /// <inheritdoc />
    public void Disconnect(Disconnect why) => Connection.Close(CloseCode.InternalError, why.Reason);

    /// <inheritdoc />
    public void OnStarted(IDemand demand) { }

    /// <inheritdoc />
    public void OnDeadline() { }

    /// <inheritdoc />
    public void Connected(uint id, string client) { }

    /// <inheritdoc />
    public void Subscribed(uint id, string channel, ChannelPlace place) { }

    /// <inheritdoc />
    public void Unsubscribed(uint id, uint number) { }

    /// <inheritdoc />
    public void Published(uint id, int receivers, ulong offset) { }

    /// <inheritdoc />
    public void Failed(uint id, int index, CentrifugeError error) { }

    /// <inheritdoc />
    public void Returned(uint id, ReadOnlyMemory<byte> result) { }

    /// <inheritdoc />
    public void Faulted(uint id, FaultCode code, string text) { }

    /// <inheritdoc />
    public void Evicted(string channel, uint number, Unsubscribed why) { }

    /// <inheritdoc />
    public void Done(int bytes) { }
}
