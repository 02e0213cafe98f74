using Broker.Actors.Channels.Namespaces;
using Broker.Actors.Model;

namespace Broker.Actors.Channels.Delivery;

/// <summary>
/// What a client wants of a subscription beside the publications to come. Travels from the session to the channel's home.
/// </summary>
public sealed record SubscribeOptions
{
    /// <summary>Nothing more than the publications to come.</summary>
    public static SubscribeOptions None { get; } = new();

    /// <summary>Send what was published after this position; null for nothing of it. Epoch 0 is whatever epoch the channel has.</summary>
    public StreamPosition? RecoverFrom { get; init; }

    /// <summary>With <see cref="RecoverFrom"/>: the subscribe fails where not everything after the position can be sent.</summary>
    public bool FailsUnrecovered { get; init; }

    /// <summary>The client wants its position watched for gaps.</summary>
    public bool Positioned { get; init; }

    /// <summary>The client will want to recover after a lost connection.</summary>
    public bool Recoverable { get; init; }

    /// <summary>The client wants to be told of joins and leaves.</summary>
    public bool JoinLeave { get; init; }

    /// <summary>The delta that the client can apply; empty for none.</summary>
    public string Delta { get; init; } = "";

    /// <summary>A filter over tags, as the dialect carries it; empty for none.</summary>
    public ReadOnlyMemory<byte> Filter { get; init; }

    /// <summary>Data for the one that authorises the subscription.</summary>
    public ReadOnlyMemory<byte> Data { get; init; }

    /// <summary>A token for this subscription, UTF-8; empty for none.</summary>
    public ReadOnlyMemory<byte> Token { get; init; }

    /// <summary>Asks for a kind of subscription that the hub does not have.</summary>
    public bool IsUnavailable { get; init; }

    /// <summary>
    /// Tells several subscriptions of one client to one channel apart; empty where a client has one. No control characters.
    /// </summary>
    public string Key { get; init; } = "";

    /// <summary>The server made it, and not the client.</summary>
    public bool IsServerSide { get; init; }

    /// <summary>The client was notified of it in the answer to its connect, up to <see cref="RecoverFrom"/>.</summary>
    public bool IsReported { get; init; }
}
