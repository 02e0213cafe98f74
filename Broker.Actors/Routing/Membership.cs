using Akka.Actor;
using Broker.Actors.Sessions;

namespace Broker.Actors.Routing;

/// <summary>One client's place in one channel. Made by its session, kept in the dense list of its loop's fan-out.</summary>
/// <remarks>
/// Everything else that changes it runs on the loop of its connection; the channel's home, perhaps on another loop, only
/// counts it and passes it on.
/// </remarks>
public sealed class Membership(string channel, int loop, IActorRef session, ISessionOutlet outlet)
{
    /// <summary>The channel.</summary>
    public string Channel { get; } = channel;

    /// <summary>The loop that the connection lives on.</summary>
    public int Loop { get; } = loop;

    /// <summary>The session that it belongs to.</summary>
    public IActorRef Session { get; } = session;

    /// <summary>Where publications go.</summary>
    public ISessionOutlet Outlet { get; } = outlet;

    /// <summary>What its client reads.</summary>
    public WireFormat Format { get; } = outlet.Format;

    /// <summary>The channel's number; 0 until the fan-out has let the client in.</summary>
    public uint Number { get; internal set; }

    /// <summary>Its place in the fan-out's list; -1 while it is in none.</summary>
    internal int Index { get; set; } = -1;

    /// <summary>
    /// Who counts it in the channel's home, from the subscribe to the unsubscribe. A home that started anew meanwhile is
    /// another one and does not know it. The one member for the home alone, on its thread.
    /// </summary>
    internal object? CountedBy { get; set; }
}
