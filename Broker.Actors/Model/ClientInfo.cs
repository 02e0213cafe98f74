namespace Broker.Actors.Model;

/// <summary>Who a client is, as publications, presence, joins and leaves tell it. Never changed, so it may be shared.</summary>
/// <param name="User">The user; empty for an anonymous client.</param>
/// <param name="Client">The connection's id.</param>
/// <param name="ConnectionInfo">What the application says about the connection: one JSON value, or empty.</param>
/// <param name="ChannelInfo">What it says about this client in this channel: one JSON value, or empty.</param>
public sealed record ClientInfo(string User, string Client, ReadOnlyMemory<byte> ConnectionInfo = default, ReadOnlyMemory<byte> ChannelInfo = default)
{
    private byte[]? _json;

    /// <summary>The JSON object that text dialects send, made by <paramref name="encode"/> once and kept.</summary>
    /// <remarks>For any thread: two that encode at once make equal bytes.</remarks>
    internal byte[] JsonOr(Func<ClientInfo, byte[]> encode) => _json ??= encode(this);

    /// <inheritdoc />
    public bool Equals(ClientInfo? other) =>
        ReferenceEquals(this, other) || (other is not null && User == other.User && Client == other.Client
            && ConnectionInfo.Span.SequenceEqual(other.ConnectionInfo.Span) && ChannelInfo.Span.SequenceEqual(other.ChannelInfo.Span));

    /// <inheritdoc />
    public override int GetHashCode() => HashCode.Combine(User, Client);
}
