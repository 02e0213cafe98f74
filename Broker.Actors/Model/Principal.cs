namespace Broker.Actors.Model;

/// <summary>Who a client is, as far as it has shown. Made when it is admitted, and the same for its whole life.</summary>
/// <param name="User">The user; empty for an anonymous client.</param>
/// <param name="Client">The connection's id, unique in the whole hub.</param>
public sealed record Principal(string User, string Client)
{
    private readonly Attachment? _attachment;   // Most clients have neither.

    /// <summary>What others are sent about the connection, in the application's own format; may be empty. Not to be changed.</summary>
    public ReadOnlyMemory<byte> ConnectionInfo
    {
        get => _attachment is null ? default : _attachment.ConnectionInfo;
        init => _attachment = Attachment.Of(value, State);
    }

    /// <summary>Whatever the application's access rules keep about the client, such as claims of its token.</summary>
    public object? State
    {
        get => _attachment?.State;
        init => _attachment = Attachment.Of(ConnectionInfo, value);
    }

    private sealed record Attachment(ReadOnlyMemory<byte> ConnectionInfo, object? State)
    {
        internal static Attachment? Of(ReadOnlyMemory<byte> connectionInfo, object? state) =>
            connectionInfo.IsEmpty && state is null ? null : new Attachment(connectionInfo, state);
    }
}
