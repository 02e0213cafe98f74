using Broker.Actors.Calls;
using Broker.Actors.Channels.Delivery;
using Akka.Actor;
using Broker.Actors.Dialects;
using Broker.Actors.Model;
using Broker.Actors.Sessions;
using Broker.Core.Framing;
using Broker.Reactor;
using Broker.Reactor.Loops;
using Broker.Reactor.Sockets;
using Broker.Reactor.Pipes;
using Broker.Core.Protocol.Calls;
using Broker.Core.Protocol.Messages;

namespace Broker.Dialects.Echo;

/// <summary>
/// Answers each message with itself, for conformance and measurement. It takes the way of every other dialect; its session
/// has no commands, and so nothing to answer.
/// </summary>
public sealed class EchoSession(Connection connection) : IDialectSession, ICallWriter
{
    private IActorRef _session = ActorRefs.Nobody;

    /// <inheritdoc />
    public Connection Connection { get; } = connection;

    /// <inheritdoc />
    public string Dialect => "echo";

    /// <inheritdoc />
    public PublicationFormat Format => throw new NotSupportedException("An echo has no subscriptions.");

    /// <inheritdoc />
    public ICallWriter Calls => this;

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
    public void Disconnect(DisconnectReason reason) => Connection.Close(CloseCode.InternalError, reason.Text);

    /// <inheritdoc />
    public void CloseByClient() => Connection.CloseByClient("bye");

    /// <inheritdoc />
    public void OnStarted(IDemand demand) { }

    /// <inheritdoc />
    public void OnDeadline() { }

    /// <inheritdoc />
    public void Pause() { }

    /// <inheritdoc />
    public void Resume() { }

    /// <inheritdoc />
    public void Connected(uint id, in Admission admission) { }

    /// <inheritdoc />
    public void Subscribed(uint id, Subscription subscription, in SubscribeResult result) { }

    /// <inheritdoc />
    public void Unsubscribed(uint id, uint number) { }

    /// <inheritdoc />
    public void Published(uint id, int receivers, StreamPosition position) { }

    /// <inheritdoc />
    public void Failed(uint id, int index, HubError error) { }

    /// <inheritdoc />
    public void Returned(uint id, ReadOnlyMemory<byte> result) { }

    /// <inheritdoc />
    public void Faulted(uint id, FaultCode code, string text) { }

    /// <inheritdoc />
    public void Evicted(Subscription subscription, UnsubscribeReason reason) { }

    /// <inheritdoc />
    public void Done(int bytes) { }
}
