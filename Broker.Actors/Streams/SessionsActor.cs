using Akka.Actor;
using Akka.Event;
using Akka.Streams;
using Broker.Actors.Dialects;
using Broker.Actors.Sessions;
using Broker.Core.Framing;
using Broker.Reactor.Loops;

namespace Broker.Actors.Streams;

/// <summary>All sessions of one loop: gives each opened connection its session and its stream.</summary>
/// <remarks>A session that fails is stopped, and only that one: its client comes back to a new session.</remarks>
public sealed class SessionsActor : UntypedActor
{
    private readonly SessionContext _context;
    private readonly Func<Connection, IDialectSession> _dialectOf;
    private readonly Props _session;    // Of every session, on the loop of this actor.
    private ConnectionFlow? _flow;

    /// <summary>Connection acceptor to sessions: a connection is open.</summary>
    /// <param name="Connection">The connection.</param>
    /// <param name="Upgrade">What access is given of its request.</param>
    /// <param name="FirstMessage">The client's first message, where that came with the request.</param>
    public sealed record Opened(Connection Connection, UpgradeInfo? Upgrade = null, ReadOnlyMemory<byte>? FirstMessage = null)
        : INoSerializationVerificationNeeded;

    /// <summary>How it is made.</summary>
    /// <param name="context">What all sessions share.</param>
    /// <param name="dialectOf">Makes the dialect that a connection's endpoint uses.</param>
    public static Props PropsFor(SessionContext context, Func<Connection, IDialectSession> dialectOf) =>
        Props.Create(() => new SessionsActor(context, dialectOf));

    /// <summary>Use <see cref="PropsFor"/>.</summary>
    public SessionsActor(SessionContext context, Func<Connection, IDialectSession> dialectOf)
    {
        _context = context;
        _dialectOf = dialectOf;
        _session = SessionActor.PropsFor(context).WithDispatcher(Context.Props.Dispatcher);
    }

    /// <inheritdoc />
    protected override void PreStart() =>
        _flow = new ConnectionFlow(
            ActorMaterializer.Create(Context, ActorMaterializerSettings.Create(Context.System).WithDispatcher(Context.Props.Dispatcher)));

    /// <inheritdoc />
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(static _ => Directive.Stop);

    /// <inheritdoc />
    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case Opened opened: Start(opened); break;
            case SessionsProtocol.NotifyClients notify: Notify(notify); break;
            case SessionsProtocol.Describe describe: Describe(describe); break;
            case SessionsProtocol.Count count: count.ReplyTo.Tell(
                new SessionsProtocol.Counted(_context.Connected?.Count ?? 0, [.. _context.Connected?.Users ?? []]), ActorRefs.NoSender);
                break;
            default: Unhandled(message); break;
        }
    }

    private void Notify(SessionsProtocol.NotifyClients notify)
    {
        int reported = 0;
        foreach ((string client, IActorRef session) in _context.Connected?.Find(notify.Target) ?? [])
        {
            if (notify.Except.Contains(client)) continue;
            session.Tell(notify.Message, ActorRefs.NoSender);
            reported++;
        }

        notify.ReplyTo.Tell(new SessionsProtocol.Notified(reported), ActorRefs.NoSender);
    }

    // A session that has ended when it is asked is among the ends by then, and answers nothing.
    private void Describe(SessionsProtocol.Describe describe)
    {
        if (_context.Connected?.Find(describe.Client) is { } session)
            session.Tell(new SessionProtocol.DescribeClient(describe.Channel, Answer), ActorRefs.NoSender);
        else Answer(null);

        void Answer(ClientDescription? live) =>
            describe.ReplyTo.Tell(
                new SessionsProtocol.Described(live, _context.Ends.Find(describe.Client, describe.Channel), _context.Ends.DroppedBefore),
                    ActorRefs.NoSender);
    }

    private void Start(Opened opened)
    {
        Connection connection = opened.Connection;
        IActorRef session = ActorRefs.Nobody;
        try
        {
            IDialectSession dialect = _dialectOf(connection);
            session = Context.ActorOf(_session);
            session.Tell(new SessionProtocol.Bound(dialect, opened.Upgrade), ActorRefs.NoSender);
            dialect.OnBound(session);
            _flow!.Run(connection, dialect);
            if (opened.FirstMessage is { } message) dialect.OnFirstMessage(message.Span);
        }
        catch (Exception failure)
        {
            // A connection that cannot be served must not take those of its neighbours along.
            _context.Log.Error(failure, "{0} could not be given a session.", connection.Id);
            Context.Stop(session);
            connection.Close(CloseCode.InternalError, "The session could not start.");
        }
    }
}
