namespace Broker.Actors.Model;

/// <summary>What kind of reason ends a subscription. Each dialect has its own codes for them.</summary>
public enum UnsubscribeKind : byte
{
    /// <summary>The server ended it.</summary>
    ByServer,

    /// <summary>The client missed a publication, or the server lost what it knew of the subscription.</summary>
    InsufficientState,

    /// <summary>It was not refreshed in time.</summary>
    Expired,

    /// <summary>What the client keeps of it is void, its token too.</summary>
    StateInvalidated,
}

/// <summary>Why the server ends a subscription. The connection stays open.</summary>
/// <param name="Kind">What kind of reason.</param>
/// <param name="Text">A few words for people.</param>
/// <param name="Resubscribes">Whether the client subscribes again by itself.</param>
public readonly record struct UnsubscribeReason(UnsubscribeKind Kind, string Text, bool Resubscribes)
{
    /// <summary>The server ended it. Final.</summary>
    public static UnsubscribeReason ByServer { get; } = new(UnsubscribeKind.ByServer, "server unsubscribe", Resubscribes: false);

    /// <summary>The client missed a publication. It subscribes again, and may recover.</summary>
    public static UnsubscribeReason InsufficientState { get; } =
        new(UnsubscribeKind.InsufficientState, "insufficient state", Resubscribes: true);

    /// <summary>It was not refreshed in time. The client subscribes again.</summary>
    public static UnsubscribeReason Expired { get; } = new(UnsubscribeKind.Expired, "subscription expired", Resubscribes: true);

    /// <summary>What the client keeps is void. It subscribes again with nothing kept.</summary>
    public static UnsubscribeReason StateInvalidated { get; } =
        new(UnsubscribeKind.StateInvalidated, "state invalidated", Resubscribes: true);
}
