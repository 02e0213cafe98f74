using Broker.Core.Centrifuge;
using Broker.Core.Reactor;

namespace Broker.Actors.Sessions;

/// <summary>What a session says to its client; each dialect says it in its own words. Only for the loop's thread.</summary>
public interface ISessionOutlet
{
    /// <summary>Where publications go. They do not pass through the session.</summary>
    Connection Connection { get; }

    /// <summary>The client is in.</summary>
    void Connected(uint id, string client);

    /// <summary>The client listens. What was said so far leaves before any publication of the channel.</summary>
    void Subscribed(uint id);

    /// <summary>The client listens no longer.</summary>
    void Unsubscribed(uint id);

    /// <summary>The publication is on its way.</summary>
    void Published(uint id);

    /// <summary>The command failed; the connection stays.</summary>
    void Failed(uint id, CentrifugeError error);

    /// <summary>The server ended a subscription.</summary>
    void Evicted(string channel, Unsubscribed why);

    /// <summary>The connection ends, with everything said before it.</summary>
    void Disconnect(Disconnect why);

    /// <summary>So many bytes of commands are no longer under way.</summary>
    void Done(int bytes);
}
