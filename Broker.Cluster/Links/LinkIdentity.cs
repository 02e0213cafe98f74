namespace Broker.Cluster.Links;

/// <summary>What a link is for.</summary>
public enum LinkPurpose : byte
{
    /// <summary>To ask whether the node is in a cluster; ends after the answer.</summary>
    Probe = 1,

    /// <summary>Carries the messages of Akka.Remote.</summary>
    Membership = 2,

    /// <summary>Carries publications and what belongs to channels.</summary>
    Lane = 3,
}

/// <summary>What all nodes of a cluster have in common. A node with anything else is refused.</summary>
/// <param name="Cluster">The cluster's name.</param>
/// <param name="Secret">What every node knows and no other component; may be empty.</param>
/// <param name="Settings">Names and values that have to be equal, in one order everywhere.</param>
public sealed record LinkAgreement(string Cluster, string Secret, IReadOnlyList<KeyValuePair<string, string>> Settings);

/// <summary>What one side of a link says of itself.</summary>
/// <param name="Address">HOST:PORT under which other nodes reach it.</param>
/// <param name="Uid">The number of its subscription, which is another after each start of one; 0 before it has one.</param>
/// <param name="IsMember">Whether it is in a cluster.</param>
public readonly record struct LinkSelf(string Address, ulong Uid, bool IsMember);

/// <summary>The other side of an open link.</summary>
/// <param name="Address">HOST:PORT under which it is reached.</param>
/// <param name="Uid">The number of its subscription; 0 if it has none.</param>
/// <param name="IsMember">Whether it says that it is in a cluster.</param>
/// <param name="Purpose">What the link is for.</param>
/// <param name="Argument">What belongs to the purpose: for a lane, its number.</param>
public sealed record LinkPeer(string Address, ulong Uid, bool IsMember, LinkPurpose Purpose, ushort Argument);

/// <summary>Why a link is refused.</summary>
public enum LinkRefusalKind : byte
{
    /// <summary>It sent what is no handshake.</summary>
    Malformed = 1,

    /// <summary>The two have no version in common.</summary>
    Version = 2,

    /// <summary>It does not know the secret.</summary>
    Secret = 3,

    /// <summary>It is of another cluster.</summary>
    Cluster = 4,

    /// <summary>A setting differs that has to be equal on all nodes.</summary>
    Setting = 5,

    /// <summary>The cluster does not know it as a member: not yet, or not any more.</summary>
    NotMember = 6,

    /// <summary>The node is starting or stopping.</summary>
    NotReady = 7,
}

/// <summary>Why a link is refused.</summary>
/// <param name="Kind">The rule.</param>
/// <param name="Reason">For people, on both sides.</param>
public sealed record LinkRefusal(LinkRefusalKind Kind, string Reason)
{
    /// <summary>Whether it helps to try again without changing a configuration.</summary>
    public bool IsForGood =>
        Kind is LinkRefusalKind.Version or LinkRefusalKind.Secret or LinkRefusalKind.Cluster or LinkRefusalKind.Setting;
}
