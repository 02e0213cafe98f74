using Broker.Identity.Backend;

namespace Broker.Identity.Access;

/// <summary>What the hub keeps about a connection's identity, for the questions that follow its connect.</summary>
public sealed class ConnectionIdentity
{
    internal ConnectionIdentity(BackendClient client) => Client = client;

    /// <summary>Whether the backend let the connection in, and so is asked when it expires.</summary>
    public bool IsByBackend { get; internal init; }

    /// <summary>Channels that its token subscribed it to, in alphabetical order; a new token may not change them.</summary>
    internal IReadOnlyList<string> Channels { get; init; } = [];

    /// <summary>The client as the backend is sent it. Replaced when the backend changes its meta.</summary>
    internal BackendClient Client { get; set; }
}
