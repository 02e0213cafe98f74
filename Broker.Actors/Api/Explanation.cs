namespace Broker.Actors.Api;

/// <summary>Why a client did or did not get a publication, or how it stands to a channel.</summary>
public enum ExplanationKind
{
    /// <summary>No client with this id is connected, and none that is remembered was.</summary>
    ClientUnknown,

    /// <summary>The channel's namespace is not configured.</summary>
    ChannelUnknown,

    /// <summary>The channel keeps no positions, so that single publications cannot be distinguished.</summary>
    NotNumbered,

    /// <summary>The channel has not come to this offset.</summary>
    NeverPublished,

    /// <summary>The client's connection had ended before the publication; or, without one, has ended.</summary>
    Disconnected,

    /// <summary>The client is connected, and has not subscribed as far as is remembered.</summary>
    NotSubscribed,

    /// <summary>The client asked to subscribe and was refused.</summary>
    SubscribeRefused,

    /// <summary>The subscription had ended before the publication; or, without one, has ended.</summary>
    SubscriptionEnded,

    /// <summary>The client subscribed after the publication, and did not ask for what was before.</summary>
    SubscribedLater,

    /// <summary>The client subscribed after the publication and asked for what it missed, but that could not be given any more.</summary>
    NotRecovered,

    /// <summary>The client subscribed after the publication, which has left the history since.</summary>
    Expired,

    /// <summary>The subscription's filter does not match the publication.</summary>
    Filtered,

    /// <summary>The subscription has a filter, and the publication is not kept any more: whether it matched cannot be told.</summary>
    FilterUnknown,

    /// <summary>The client was too slow for it, and the namespace's policy dropped it; the client was notified, or will be.</summary>
    Dropped,

    /// <summary>The client is slow, and the publication waits for it.</summary>
    Waiting,

    /// <summary>The publication was handed to the client's connection, where bytes still wait for the client to read.</summary>
    Queued,

    /// <summary>The publication was handed to the client's connection, which ended before everything had been sent.</summary>
    EndedWhileSending,

    /// <summary>The publication was handed to the client's connection, and nothing waits there.</summary>
    Delivered,

    /// <summary>
    /// The publication has a place in the channel, and has not come to the client's loop: it is on its way, or was lost and will be found
    /// by the next check of positions.
    /// </summary>
    OnTheWay,

    /// <summary>Without a publication: the client is subscribed.</summary>
    Subscribed,

    /// <summary>Without a publication: the client is subscribed, and reads too slowly.</summary>
    Slow,
}

/// <summary>Answer to <see cref="IHubApi.ExplainAsync"/>.</summary>
/// <param name="Kind">The answer, for programs.</param>
/// <param name="Text">The answer, for people: one or two sentences.</param>
public sealed record Explanation(ExplanationKind Kind, string Text)
{
    /// <summary>Whether the client is connected now.</summary>
    public bool IsConnected { get; init; }

    /// <summary>The client's user, as far as it is known.</summary>
    public string? User { get; init; }

    /// <summary>Bytes that wait for the client to read, now.</summary>
    public long QueuedBytes { get; init; }

    /// <summary>Of the subscription: the offset that it began behind; null where there is none.</summary>
    public ulong? Since { get; init; }

    /// <summary>Of the subscription: the offset of the last publication that came to it; null where there is none.</summary>
    public ulong? UpTo { get; init; }

    /// <summary>The newest offset of the channel; null where it is not known.</summary>
    public ulong? Top { get; init; }

    /// <summary>The oldest offset that is kept; null for none.</summary>
    public ulong? Oldest { get; init; }

    /// <summary>Of what has ended: the close code, the code of the unsubscribe, or of the error; 0 for none.</summary>
    public int Code { get; init; }

    /// <summary>When it ended; null where nothing has.</summary>
    public DateTimeOffset? At { get; init; }
}
