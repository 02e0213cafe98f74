using Akka.Actor;
using Akka.Event;
using Akka.Streams;
using Broker.Actors.Streams;
using Broker.Core.Framing;
using Broker.Reactor.Loops;

namespace Broker.Actors.Sessions;

/// <summary>All sessions of one loop: gives each opened connection its session and its stream.</summary>
/// <remarks>A session that fails is stopped, and only that one: its client comes back to a new session.</remarks>
public sealed class SessionsActor : UntypedActor
{
    private readonly SessionEnvironment _around;
    private readonly Func<Connection, IDialect> _dialectOf;
    private readonly Props _session;    // Of every session, on the loop of this actor.
    private ConnectionFlow? _flow;

    /// <summary>Connection acceptor to sessions: a connection is open.</summary>
    public sealed record Opened(Connection Connection) : INoSerializationVerificationNeeded;

    /// <summary>How it is made.</summary>
    /// <param name="around">What all sessions share.</param>
    /// <param name="dialectOf">Makes the dialect that a connection's endpoint speaks.</param>
    public static Props PropsFor(SessionEnvironment around, Func<Connection, IDialect> dialectOf) =>
        Props.Create(() => new SessionsActor(around, dialectOf));

    /// <summary>Use <see cref="PropsFor"/>.</summary>
    public SessionsActor(SessionEnvironment around, Func<Connection, IDialect> dialectOf)
    {
        _around = around;
        _dialectOf = dialectOf;
        _session = SessionActor.PropsFor(around).WithDispatcher(Context.Props.Dispatcher);
    }

    /// <inheritdoc />
    protected override void PreStart() =>
        _flow = new ConnectionFlow(ActorMaterializer.Create(Context, ActorMaterializerSettings.Create(Context.System).WithDispatcher(Context.Props.Dispatcher)));

    /// <inheritdoc />
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(static _ => Directive.Stop);

    /// <inheritdoc />
    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case Opened opened: Start(opened.Connection); break;
            default: Unhandled(message); break;
        }
    }

    private void Start(Connection connection)
    {
        IActorRef session = ActorRefs.Nobody;
        try
        {
            IDialect dialect = _dialectOf(connection);
            session = Context.ActorOf(_session);
            session.Tell(new SessionProtocol.Bound(dialect), ActorRefs.NoSender);
            dialect.OnBound(session);
            _flow!.Run(connection, dialect);
        }
        catch (Exception failure)
        {
            // A connection that cannot be served must not take those of its neighbours along.
            _around.Log.Error(failure, "{0} could not be given a session.", connection.Id);
            Context.Stop(session);
            connection.Close(CloseCode.InternalError, "The session could not start.");
        }
    }
}
