namespace Broker.Actors.Recent;

/// <summary>What has ended, or was missed.</summary>
internal enum RecentEndKind : byte
{
    /// <summary>A connection of a client that had connected.</summary>
    Connection,

    /// <summary>A subscription.</summary>
    Subscription,

    /// <summary>A subscribe was refused: the subscription never began.</summary>
    Refusal,

    /// <summary>Publications that a slow subscriber was not sent.</summary>
    Gap,
}

/// <summary>Why a subscription has ended.</summary>
internal enum SubscriptionEnd : byte
{
    /// <summary>It has not.</summary>
    None,

    /// <summary>The client unsubscribed.</summary>
    ByClient,

    /// <summary>The server ended it.</summary>
    ByServer,

    /// <summary>A publication was lost, or the hub lost the channel.</summary>
    InsufficientState,

    /// <summary>It was not refreshed in time.</summary>
    Expired,

    /// <summary>What the client kept of it became void.</summary>
    StateInvalidated,

    /// <summary>The connection ended, and it with that.</summary>
    ConnectionEnded,
}

/// <summary>One of them. What it does not have is empty or 0.</summary>
/// <param name="Kind">What.</param>
/// <param name="Time">When.</param>
/// <param name="Client">The client's id.</param>
internal readonly record struct RecentEnd(RecentEndKind Kind, DateTimeOffset Time, string Client)
{
    /// <summary>The channel; empty of a connection.</summary>
    public string Channel { get; init; } = "";

    /// <summary>The user; of a connection.</summary>
    public string User { get; init; } = "";

    /// <summary>Of a subscription: the offset that it began behind. Of a gap: its first offset.</summary>
    public ulong From { get; init; }

    /// <summary>Of a subscription: the offset of the last publication while it was there. Of a gap: its last offset.</summary>
    public ulong To { get; init; }

    /// <summary>Of a gap: how many in between were missed, which may be less than all.</summary>
    public ulong Count { get; init; }

    /// <summary>Of a subscription: why.</summary>
    public SubscriptionEnd End { get; init; }

    /// <summary>Of a connection: the code of its first Close frame. Of a refusal: the error's.</summary>
    public int Code { get; init; }

    /// <summary>In words: the cause and reason of a connection's end, the policy of a gap, the error of a refusal.</summary>
    public string Text { get; init; } = "";

    /// <summary>Of a connection: bytes that were queued for it may not have reached it.</summary>
    public bool MayHaveLost { get; init; }

    /// <summary>About how many bytes it holds.</summary>
    internal long Bytes => 144 + (2L * (Client.Length + Channel.Length + User.Length + Text.Length));
}
