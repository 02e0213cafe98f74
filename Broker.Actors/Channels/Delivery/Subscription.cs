using Akka.Actor;
using Broker.Actors.Channels.Namespaces;
using Broker.Actors.Channels.SlowConsumers;
using Broker.Actors.Model;
using Broker.Core.Filters;

namespace Broker.Actors.Channels.Delivery;

/// <summary>One subscription of one client. Made by its session, kept in the dense list of its loop's fan-out.</summary>
/// <remarks>
/// Everything that changes it runs on the loop of its connection, but for <see cref="CountedBy"/>; the channel's relay, perhaps
/// on another loop, counts it and passes it on.
/// </remarks>
/// <param name="channel">The channel.</param>
/// <param name="loop">The loop that the connection lives on.</param>
/// <param name="session">The session that it belongs to.</param>
/// <param name="subscriber">Where publications go.</param>
public sealed class Subscription(string channel, int loop, IActorRef session, ISubscriber subscriber)
{
    /// <summary>The channel.</summary>
    public string Channel { get; } = channel;

    /// <summary>What the client wants of it.</summary>
    public SubscribeOptions Options { get; init; } = SubscribeOptions.None;

    /// <summary>The channel's namespace.</summary>
    public ChannelNamespace Namespace { get; init; } = ChannelNamespaces.Default.WithoutNamespace;

    /// <summary>Who subscribes, as presence tells it; null where no one asks for it.</summary>
    public ClientInfo? Info { get; init; }

    /// <summary>Which publications the client wants, by their tags; null for all.</summary>
    public TagsFilter? Filter { get; init; }

    /// <summary>The filter as the client wrote it: subscribers with the same one are served together.</summary>
    public string FilterText { get; init; } = "";

    /// <summary>The name that is unique among the client's subscriptions.</summary>
    public string Key => KeyOf(Channel, Options.Key);

    /// <summary>The loop that the connection lives on.</summary>
    public int Loop { get; } = loop;

    /// <summary>The session that it belongs to.</summary>
    public IActorRef Session { get; } = session;

    /// <summary>Where publications go.</summary>
    public ISubscriber Subscriber { get; } = subscriber;

    /// <summary>What its client reads.</summary>
    public PublicationFormat Format => Subscriber.Format;

    /// <summary>The channel's number; 0 until the fan-out has it.</summary>
    public uint Number { get; internal set; }

    /// <summary>Its place in the fan-out's list; -1 while it is in none.</summary>
    internal int Index { get; set; } = -1;

    /// <summary>The fan-out's list that it stands in; null while it is in none.</summary>
    internal SubscriberGroup? Group { get; set; }

    /// <summary>What waits for it while it is slow; null while it is not.</summary>
    internal WaitingPublications<byte[]>? Waiting { get; set; }

    /// <summary>What the relay grants it; set before it is added to the fan-out.</summary>
    internal SubscriptionGrants Grants { get; set; }

    /// <summary>
    /// What counts it in the channel's relay, from the subscribe to the unsubscribe. A relay that was restarted meanwhile has
    /// another and does not know it. The one property for the relay alone, on its thread.
    /// </summary>
    internal object? CountedBy { get; set; }

    /// <summary>The name of a subscription among those of its client: no channel's name holds a control character.</summary>
    internal static string KeyOf(string channel, string key) => key.Length == 0 ? channel : $"{channel}\n{key}";
}
