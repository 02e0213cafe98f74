namespace Broker.Dialects.Centrifuge.Wire;

/// <summary>Why a server ends a subscription, pushed to the client. The connection stays.</summary>
/// <param name="Code">2000 to 2999. 2000 to 2099 and 2500 to 2599 are the protocol's own.</param>
/// <param name="Reason">A few words for people.</param>
public readonly record struct Unsubscribed(uint Code, string Reason)
{
    /// <summary>The client subscribes again, and may recover: codes from 2500. Under 2500 it stays unsubscribed.</summary>
    public bool Resubscribes => Code >= 2500;

    /// <summary>The server unsubscribed it. Stays unsubscribed.</summary>
    public static Unsubscribed ByServer { get; } = new(2000, "server unsubscribe");

    /// <summary>The client missed a publication. Subscribes again, and may recover.</summary>
    public static Unsubscribed InsufficientState { get; } = new(2500, "insufficient state");

    /// <summary>The subscription was not refreshed in time. Subscribes again.</summary>
    public static Unsubscribed Expired { get; } = new(2501, "subscription expired");

    /// <summary>What the client keeps of it, its token too, is void. Subscribes again with nothing kept.</summary>
    public static Unsubscribed StateInvalidated { get; } = new(2502, "state invalidated");

    /// <summary>All of them, by code.</summary>
    public static IReadOnlyList<Unsubscribed> All { get; } = [ByServer, InsufficientState, Expired, StateInvalidated];
}
