namespace Broker.Actors.Model;

/// <summary>Who a client is, as far as it has shown. Made when it is admitted, and the same for its whole life.</summary>
/// <param name="User">The user; empty for an anonymous client.</param>
/// <param name="Client">The connection's id, unique in the whole hub.</param>
public sealed record Principal(string User, string Client)
{
    /// <summary>What others are told about the connection, in the application's own format; may be empty. Not to be changed.</summary>
    public ReadOnlyMemory<byte> ConnectionInfo { get; init; }

    /// <summary>Whatever the application's access rules keep about the client, such as claims of its token.</summary>
    public object? State { get; init; }
}
