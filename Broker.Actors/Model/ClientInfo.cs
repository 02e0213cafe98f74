namespace Broker.Actors.Model;

/// <summary>Who published, or who is present, as other clients are told. Values only; made once for a client and shared.</summary>
/// <param name="User">The user; empty for an anonymous client.</param>
/// <param name="Client">The connection's id.</param>
public sealed record ClientInfo(string User, string Client)
{
    private object?[] _encoded = [];        // By the encoding's slot.

    /// <summary>What the application says about the connection; may be empty. Not to be changed.</summary>
    public ReadOnlyMemory<byte> ConnectionInfo { get; init; }

    /// <summary>What the application says about the client in this channel; may be empty. Not to be changed.</summary>
    public ReadOnlyMemory<byte> ChannelInfo { get; init; }

    /// <summary>The info in the words of one encoding, made once and kept. From any thread.</summary>
    /// <param name="slot">Of the encoding.</param>
    /// <param name="encode">Makes it.</param>
    public ReadOnlyMemory<byte> EncodedFor(int slot, Func<ClientInfo, byte[]> encode)
    {
        ArgumentNullException.ThrowIfNull(encode);
        object?[] known = Volatile.Read(ref _encoded);
        if (slot < known.Length && known[slot] is byte[] kept) return kept;

        // Two homes may do it at once: both make the same.
        byte[] made = encode(this);
        object?[] grown = new object?[Math.Max(slot + 1, known.Length)];
        known.CopyTo(grown, 0);
        grown[slot] = made;
        Volatile.Write(ref _encoded, grown);
        return made;
    }

    /// <summary>By value: user, client and both infos.</summary>
    public bool Equals(ClientInfo? other) => other is not null && User == other.User && Client == other.Client
        && ConnectionInfo.Span.SequenceEqual(other.ConnectionInfo.Span) && ChannelInfo.Span.SequenceEqual(other.ChannelInfo.Span);

    /// <inheritdoc />
    public override int GetHashCode() => HashCode.Combine(User, Client);
}
