using System.Text.RegularExpressions;
using Broker.Actors.Channels.History;
using Broker.Actors.Channels.SlowConsumers;

namespace Broker.Actors.Channels.Namespaces;

/// <summary>What the channels of one namespace keep, allow and bound. Never changed; one instance for a namespace.</summary>
public sealed record ChannelNamespace
{
    /// <summary>Its name; empty for channels without a namespace.</summary>
    public string Name { get; init; } = "";

    /// <summary>How much is kept, and for how long.</summary>
    public HistoryOptions History { get; init; } = HistoryOptions.Off;

    /// <summary>Whether a client that comes back is given what it missed. Needs history.</summary>
    public bool Recovery { get; init; }

    /// <summary>What it is given.</summary>
    public RecoveryMode RecoveryMode { get; init; }

    /// <summary>Every subscriber is given the newest publication as it subscribes, without asking. Needs recovery in cache mode.</summary>
    public bool Retained { get; init; }

    /// <summary>Whether subscribers are watched for gaps, and told of them.</summary>
    public bool Positioning { get; init; }

    /// <summary>Whether it is known who is subscribed.</summary>
    public bool Presence { get; init; }

    /// <summary>Who is told who joins and leaves.</summary>
    public JoinLeave JoinLeave { get; init; }

    /// <summary>With more members than this, joins and leaves are told together, once a second.</summary>
    public int CoalesceAbove { get; init; } = 1000;

    /// <summary>Who may subscribe.</summary>
    public ChannelAccess Subscribe { get; init; } = ChannelAccess.Anonymous;

    /// <summary>Who may publish.</summary>
    public ChannelAccess Publish { get; init; } = ChannelAccess.Anonymous;

    /// <summary>Who may ask who is there.</summary>
    public ChannelAccess PresenceAccess { get; init; } = ChannelAccess.Subscribers;

    /// <summary>Who may read the history.</summary>
    public ChannelAccess HistoryAccess { get; init; } = ChannelAccess.Subscribers;

    /// <summary>Whether the application's backend is asked who may subscribe, where nothing before it has decided.</summary>
    public bool SubscribeProxy { get; init; }

    /// <summary>Whether the application's backend is asked who may publish what.</summary>
    public bool PublishProxy { get; init; }

    /// <summary>Whether a <c>#</c> in a name limits the channel to the users named behind it.</summary>
    public bool UserLimited { get; init; }

    /// <summary>What the part of a name behind the namespace has to match as a whole; null for any.</summary>
    public Regex? Pattern { get; init; }

    /// <summary>The longest data of a publication.</summary>
    public int MessageBytesMax { get; init; } = 1024 * 1024 * 1024;

    /// <summary>Publications that one client may send to channels of the namespace in a second, on average; 0 for any number.</summary>
    public int PublishRate { get; init; }

    /// <summary>What happens to slow subscribers.</summary>
    public SlowConsumerPolicy SlowConsumer { get; init; }

    /// <summary>Bytes of a channel's publications that may wait for one slow subscriber, unless it is disconnected.</summary>
    public int SlowConsumerBytesMax { get; init; } = 256 * 1024;

    /// <summary>Whether subscribers may ask for deltas.</summary>
    public DeltaKind Delta { get; init; }

    /// <summary>Whether every publication makes a delta, or only those that ask for it.</summary>
    public bool DeltaPublish { get; init; } = true;

    /// <summary>Whether subscribers may filter by tags.</summary>
    public bool TagsFilter { get; init; }

    /// <summary>Whether anything of a channel outlives its last subscriber.</summary>
    public bool IsKept => History.IsOn;
}

/// <summary>Who may do something with a channel.</summary>
public enum ChannelAccess
{
    /// <summary>No one by a rule of the namespace.</summary>
    None,

    /// <summary>Every client.</summary>
    Anonymous,

    /// <summary>Every client with a user.</summary>
    Authenticated,

    /// <summary>Every client that is subscribed to the channel. Not for subscribing itself.</summary>
    Subscribers,

    /// <summary>Only the one that shows a token that names the channel. For subscribing alone.</summary>
    Token,
}

/// <summary>Who is told who joins and leaves a channel.</summary>
public enum JoinLeave
{
    /// <summary>No one.</summary>
    Off,

    /// <summary>Subscribers that ask for it and may ask who is there.</summary>
    Asked,

    /// <summary>Every subscriber.</summary>
    On,
}

/// <summary>A form of difference between two publications.</summary>
public enum DeltaKind
{
    /// <summary>None.</summary>
    Off,

    /// <summary>Fossil.</summary>
    Fossil,
}
