using Broker.Actors.Model;

namespace Broker.Actors.Access;

/// <summary>What a client may want to do.</summary>
public enum HubAction : byte
{
    /// <summary>Subscribe to a channel.</summary>
    Subscribe,

    /// <summary>Publish to a channel.</summary>
    Publish,

    /// <summary>Read a channel's history, or recover from a position in it.</summary>
    History,

    /// <summary>Read who is subscribed to a channel.</summary>
    Presence,

    /// <summary>Call a method.</summary>
    Call,
}

/// <summary>Who wants to do what.</summary>
/// <param name="Action">What.</param>
/// <param name="Subject">With which channel; of a call, the method's name.</param>
/// <param name="Principal">Who.</param>
public readonly record struct AuthorizationRequest(HubAction Action, string Subject, Principal Principal)
{
    /// <summary>Of a subscribe: the token for this channel, UTF-8; otherwise empty.</summary>
    public ReadOnlyMemory<byte> Token { get; init; }

    /// <summary>Of a subscribe: data for the server; of a publish: the data. Borrowed until the answer.</summary>
    public ReadOnlyMemory<byte> Data { get; init; }

    /// <summary>
    /// Of a subscribe: it is one wish of several in a connect, for which no backend is asked; what only that could allow is denied.
    /// </summary>
    public bool IsOfConnect { get; init; }

    /// <summary>Whether the client is subscribed to the channel.</summary>
    public bool IsSubscribed { get; init; }
}
