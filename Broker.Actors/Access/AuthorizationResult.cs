using Broker.Actors.Channels.Home;
using Broker.Actors.Model;

namespace Broker.Actors.Access;

/// <summary>Whether a client may do what it wants. <c>default</c> allows it.</summary>
public readonly record struct AuthorizationResult
{
    private readonly object? _outcome;      // One reference, as it is asked for with every publication.

    private AuthorizationResult(object outcome) => _outcome = outcome;

    /// <summary>It may, with nothing more to say.</summary>
    public static AuthorizationResult Allowed => default;

    /// <summary>Whether it may.</summary>
    public bool IsAllowed => _outcome is null or SubscriptionTerms or PublicationTerms;

    /// <summary>The command fails with this error. Otherwise null.</summary>
    public HubError? Error => _outcome is HubError error ? error : null;

    /// <summary>The connection ends with this reason. Otherwise null.</summary>
    public DisconnectReason? Disconnect => _outcome is DisconnectReason reason ? reason : null;

    /// <summary>Of a subscribe: what else holds for it, such as its end; null for the namespace's own rules.</summary>
    public SubscriptionTerms? Terms => _outcome as SubscriptionTerms;

    /// <summary>Of a publish: what is published in place of what the client sent; null for just that.</summary>
    public PublicationTerms? Publication => _outcome as PublicationTerms;

    /// <summary>A publish is allowed, changed so.</summary>
    public static AuthorizationResult Allow(PublicationTerms terms) => new(terms);

    /// <summary>A subscribe is allowed on these terms.</summary>
    public static AuthorizationResult Allow(SubscriptionTerms terms) => new(terms);

    /// <summary>The command fails.</summary>
    public static AuthorizationResult Reject(HubError error) => new(error);

    /// <summary>The connection ends.</summary>
    public static AuthorizationResult Reject(DisconnectReason reason) => new(reason);
}

/// <summary>What is published in place of what a client sent.</summary>
public sealed record PublicationTerms
{
    /// <summary>The data; null leaves the client's.</summary>
    public ReadOnlyMemory<byte>? Data { get; init; }

    /// <summary>Whether <see cref="Data"/> is one JSON value for sure.</summary>
    public bool IsJson { get; init; }

    /// <summary>Tags, beside none of the client's.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Tags { get; init; } = [];

    /// <summary>How it is to be taken.</summary>
    public PublishOptions Options { get; init; } = PublishOptions.None;
}

/// <summary>What holds for one subscription, over what its namespace says.</summary>
public sealed record SubscriptionTerms
{
    /// <summary>When it expires unless it is refreshed; null for never.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>Whether the client itself may refresh it, and so learns when it expires.</summary>
    public bool ClientRefreshes { get; init; } = true;

    /// <summary>What others are sent about the client in this channel.</summary>
    public ReadOnlyMemory<byte> ChannelInfo { get; init; }

    /// <summary>Data for the client in the answer; a JSON value for JSON clients.</summary>
    public ReadOnlyMemory<byte> Data { get; init; }

    /// <summary>Whether the client may recover; null leaves it to the namespace.</summary>
    public bool? Recoverable { get; init; }

    /// <summary>Whether the client's position is watched; null leaves it to the namespace.</summary>
    public bool? Positioned { get; init; }

    /// <summary>Whether the client shows up in presence; null leaves it to the namespace.</summary>
    public bool? Presence { get; init; }

    /// <summary>Whether joins and leaves are published; null leaves it to the namespace.</summary>
    public bool? JoinLeave { get; init; }

    /// <summary>Whether the client is sent joins and leaves; null leaves it to the namespace.</summary>
    public bool? PushJoinLeave { get; init; }
}
