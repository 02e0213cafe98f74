using Broker.Actors.Channels.Delivery;
using Akka.Actor;
using Broker.Actors.Channels.Home;
using Broker.Actors.Channels.Namespaces;
using Broker.Actors.Channels.Presence;
using Broker.Actors.Model;
using Broker.Core.Protocol.Transfers;
using Broker.Core.Counting;
using static Broker.Actors.Channels.Delivery.ChannelProtocol;

namespace Broker.Actors.Channels.Relay;

/// <summary>
/// This node's side of the channels of one home: counts the subscriptions of each loop, attaches the node to the home with the first
/// and detaches it with the last, and keeps the account of bytes that the loops have not sent yet.
/// </summary>
/// <remarks>For the thread of its actor. While a loop lags behind by more than its bound, publishers wait for their replies.</remarks>
internal sealed class ChannelRelay
{
    private readonly ChannelHome _home;
    private readonly LoopFanOuts _fanOuts;
    private readonly ChannelNumbers _numbers;
    private readonly LoopCounters _counters;
    private readonly NamespaceCounters _namespaces;
    private readonly RelayChannels _channels;
    private readonly PublisherReplies _replies;
    private readonly ChannelOrder _order;
    private readonly ChannelNamespaces _named;
    private readonly ChannelContext _context;
    private readonly NodeHomes? _nodes;                             // In a cluster.

    /// <summary>Makes the relay.</summary>
    /// <param name="home">The home of its channels.</param>
    /// <param name="self">The home's number, and the actor that the relay runs in.</param>
    /// <param name="context">What it shares with the other relays of the node.</param>
    /// <param name="counters">Those of the loop that it runs on.</param>
    /// <param name="thread">Its own.</param>
    /// <param name="onWaiting">Called when joins and leaves begin to wait, for <see cref="FlushChanges"/> a second later.</param>
    /// <param name="clock">Milliseconds of the loop's clock; for the commands that wait for other nodes.</param>
    /// <param name="onNodesWaiting">
    /// Called when a command begins to wait for another node, for <see cref="TickNodes"/> a moment later.
    /// </param>
    internal ChannelRelay(
        ChannelHome home, HomeRef self, ChannelContext context, LoopCounters counters, IHomeThread thread, Action onWaiting,
            Func<long>? clock = null, Action? onNodesWaiting = null)
    {
        _context = context;
        _named = context.Homes.Namespaces;
        _home = home;
        _fanOuts = new LoopFanOuts(self, context.FanOuts, context.Formats);
        _numbers = context.Numbers;
        _counters = counters;
        _namespaces = context.CountersOf(self.Number);
        _channels = new RelayChannels(counters, onWaiting);
        _replies = new PublisherReplies(_fanOuts, context.Settings.LoopBytesMax);
        _order = new ChannelOrder(thread, Run);
        if (context.Nodes is { } nodes)
        {
            _nodes = new NodeHomes(this, nodes, thread, clock ?? (static () => 0), onNodesWaiting ?? (static () => { }));
            Listeners = new NodeListeners(this, home, nodes);
        }

        Positions = new ChannelPositions(home, _channels, _order, _namespaces, _nodes);
    }

    /// <summary>The other nodes that listen to the homes here; null in a hub of one node.</summary>
    internal NodeListeners? Listeners { get; }

    /// <summary>The home's number, and the actor that the relay runs in.</summary>
    internal HomeRef Self => _fanOuts.Home;

    /// <summary>Compares where channels stand here with their home.</summary>
    internal ChannelPositions Positions { get; }

    /// <summary>Asks for <see cref="CheckPosition"/> of channels with positioned subscribers; null where no one does.</summary>
    internal PositionChecks? Checks { get; set; }

    /// <summary>Channels with a subscription on this node.</summary>
    internal int Count => _channels.Count;

    /// <summary>Takes a command of a channel, in its turn.</summary>
    internal void Handle(object command)
    {
        if (!_order.IsEmpty && TurnOf(command) is (string channel, var isAppend) && _order.MustWait(channel, command, isAppend)) return;
        Run(command);
    }

    // In which channel a command has its turn, and whether it is a publication, which may follow others into the store.
    private static (string? Channel, bool IsAppend) TurnOf(object command) => command switch
    {
        Publish publish => (publish.Channel, true),
        Subscribe subscribe => (subscribe.Subscription.Channel, false),
        Unsubscribe unsubscribe => (unsubscribe.Subscription.Channel, false),
        ReadHistory read => (read.Channel, false),
        RemoveHistory remove => (remove.Channel, false),
        CheckPosition check => (check.Channel, false),
        NodeRequest request => (request.Channel, request.IsAppend),
        MoveChannel move => (move.Channel, false),
        _ => (null, false),
    };

    // It is the command's turn: it waits for nothing that came behind it.
    private void Run(object command)
    {
        switch (command)
        {
            case Publish publish: Publish(publish); break;
            case Subscribe subscribe: Subscribe(subscribe); break;
            case Unsubscribe unsubscribe: Unsubscribe(unsubscribe); break;
            case ReadHistory read: Read(read); break;
            case RemoveHistory remove: RemoveHistory(remove); break;
            case CheckPosition check: Positions.Check(check.Channel); break;
            case NodeRequest request: Listeners!.Handle(request); break;
            case MoveChannel move: _nodes!.Handle(move); break;
            default: break;
        }
    }

    /// <summary>Goes on with an answer of the home, in the channel's turn.</summary>
    internal void Then<TCommand, TAnswer>(
        string channel, bool isAppend, ValueTask<TAnswer> answer, TCommand command, Action<ChannelRelay, TCommand, TAnswer> then) =>
        _order.Then(this, channel, isAppend, answer, command, then);

    // Counts a subscription, and has its fan-out answer it.
    private void Subscribe(Subscribe subscribe)
    {
        Subscription subscription = subscribe.Subscription;
        subscription.Grants = SubscriptionRules.GrantsOf(subscription, subscribe.Granted);
        StreamPosition? after = RecoverFrom(subscription);
        if (_channels.TryGet(subscription.Channel, out RelayChannel? channel) && after is null)
        {
            Subscribe(subscribe, channel, new SubscribeResult());
            return;
        }

        channel ??= new RelayChannel(_fanOuts, subscription.Channel, _numbers.Next(), subscription.Namespace);
        if (_nodes is not null && !_nodes.IsHere(subscription.Channel))
        {
            _nodes.Ask(NodeMethods.Attach, (subscribe, channel, after), subscription.Channel);
            return;
        }

        Then(subscription.Channel, isAppend: false, AttachHere(channel, subscribe.Id, after), (subscribe, channel),
            static (relay, asked, answer) => relay.OnAttached(asked.subscribe, asked.channel, answer));
    }

    // In a channel that keeps what is newest, all is given that.
    private static StreamPosition? RecoverFrom(Subscription subscription)
    {
        if (!subscription.Namespace.History.IsOn) return subscription.Options.RecoverFrom;
        if (!subscription.Grants.HasFlag(SubscriptionGrants.Recoverable)) return null;
        return subscription.Options.RecoverFrom ?? (subscription.Namespace.Retained ? default(StreamPosition) : null);
    }

    internal ValueTask<ChannelHomeProtocol.Attached> AttachHere(RelayChannel channel, uint id, StreamPosition? after) =>
        _home.AttachAsync(new ChannelHomeProtocol.Attach(channel.Name, id) { After = after }, channel);

    internal void OnAttached(Subscribe subscribe, RelayChannel channel, in ChannelHomeProtocol.Attached attached)
    {
        bool isKnown = _channels.Contains(channel.Name);

        // An answer of a home that the channel is not attached to yet: what it says is of another epoch than what is delivered here.
        bool isOfOther = isKnown && _nodes is not null && !_nodes.IsAnswerOfHome(channel.Name);
        if (attached.Error is null) CountRecovery(subscribe.Subscription, attached);
        HubError? error =
            attached.Error ?? (isOfOther ? (HubError?)HubError.Internal : null)
                ?? (subscribe.Subscription.Options.FailsUnrecovered && !attached.Recovered ? HubError.UnrecoverablePosition : null);
        if (error is { } why)
        {
            if (!isKnown) Detach(channel);
            subscribe.Subscription.Session.Tell(new Failed(subscribe.Id, subscribe.Bytes, why, subscribe.Subscription), ActorRefs.NoSender);
            return;
        }

        if (!isKnown)
        {
            channel.Position = attached.Position;
            _channels.Add(channel);
            _nodes?.Attached(channel.Name);
        }

        Subscribe(subscribe, channel,
            new SubscribeResult { Missed = attached.Missed, Recovered = attached.Recovered,
                WasRecovering = RecoverFrom(subscribe.Subscription) is not null });
    }

    // Of clients that come back; what is given to all who subscribes is no recovery.
    private void CountRecovery(Subscription subscription, in ChannelHomeProtocol.Attached attached)
    {
        if (subscription.Options.RecoverFrom is null || RecoverFrom(subscription) is null) return;
        ChannelNamespace of = subscription.Namespace;
        NamespaceCount outcome =
            !attached.Recovered ? NamespaceCount.NotRecovered : attached.Missed is { Count: > 0 } ? NamespaceCount.Recovered
                : NamespaceCount.RecoveredNothing;
        _namespaces.Add(of, outcome);
        _namespaces.Add(of, NamespaceCount.RecoveredPublications, attached.Missed?.Count ?? 0);
    }

    private void Subscribe(Subscribe subscribe, RelayChannel channel, SubscribeResult result)
    {
        Subscription subscription = subscribe.Subscription;
        SubscriptionGrants grants = subscription.Grants;
        _counters.Add(LoopCount.Subscriptions);
        channel.Add(subscription, 1);
        subscription.CountedBy = channel;
        if (channel.Positioned > 0) Checks?.Watch(channel);
        result = result with
        {
            Number = channel.Number,
            Position = channel.Position,
            Recoverable = grants.HasFlag(SubscriptionGrants.Recoverable),
            Positioned = grants.HasFlag(SubscriptionGrants.Positioned),
            Delta = grants.HasFlag(SubscriptionGrants.Delta) ? subscription.Options.Delta : null,
            Data = subscribe.Terms.Data,
            TimeLeft = subscribe.Terms.TimeLeft,
        };
        subscription.Since = result.Missed is { Count: > 0 } missed ? missed[0].Offset - 1 : channel.Position.Offset;
        subscription.HasNotRecovered = result.WasRecovering && !result.Recovered && subscription.Options.RecoverFrom is not null;
        bool hasJoined =
            grants.HasFlag(SubscriptionGrants.Presence) && subscription.Info is not null
                && Join(channel.Name, subscription.Info, grants.HasFlag(SubscriptionGrants.SendsJoinLeave));
        _fanOuts.Send(subscription.Loop, new AddSubscriber(subscription, Self.Number, result, subscribe.Id, subscribe.Bytes));
        if (!hasJoined || !grants.HasFlag(SubscriptionGrants.SendsJoinLeave)) return;
        var change = new PresenceChange(subscription.Info!, HasJoined: true);
        Announce(channel, change);
        Listeners?.Announce(channel.Name, change);
    }

    // The home on another node tells all itself.
    private bool Join(string channel, ClientInfo member, bool isReported) =>
        (_nodes is null || _nodes.Join(channel, member, isReported)) && _home.Join(channel, member);

    private ClientInfo? Leave(string channel, string client, bool isReported) =>
        _nodes is null || _nodes.Leave(channel, client, isReported) ? _home.Leave(channel, client) : null;

    /// <summary>Sends a join or leave to the subscribers of this node.</summary>
    internal void Announce(RelayChannel channel, in PresenceChange change) => _channels.Announce(channel, change);

    /// <summary>Sends the joins and leaves that have waited in large channels.</summary>
    internal void FlushChanges() => _channels.FlushChanges();

    // Counts a subscription no longer, and has its fan-out answer it.
    private void Unsubscribe(Unsubscribe unsubscribe)
    {
        Subscription subscription = unsubscribe.Subscription;

        // After a restart this relay does not know the subscription, though perhaps others of the same channel, made since;
        // the fan-out does not know it either, and still answers.
        bool isCounted =
            _channels.TryGet(subscription.Channel, out RelayChannel? channel) && ReferenceEquals(subscription.CountedBy, channel);
        _fanOuts.Send(subscription.Loop, new RemoveSubscriber(subscription, unsubscribe.Id, unsubscribe.Bytes));
        if (isCounted) Uncount(subscription, channel!);
    }

    private void Uncount(Subscription subscription, RelayChannel channel)
    {
        subscription.CountedBy = null;
        channel.Add(subscription, -1);
        _counters.Add(LoopCount.Subscriptions, -1);
        ClientInfo? left = subscription is { Info: { } info } && subscription.Grants.HasFlag(SubscriptionGrants.Presence)
            ? Leave(channel.Name, info.Client, subscription.Grants.HasFlag(SubscriptionGrants.SendsJoinLeave))
            : null;
        PresenceChange? reported =
            left is not null && subscription.Grants.HasFlag(SubscriptionGrants.SendsJoinLeave) ? new PresenceChange(left, HasJoined: false)
                : null;
        if (reported is { } change) Listeners?.Announce(channel.Name, change);
        if (channel.Count == 0) Leave(channel);
        else if (reported is { } received) Announce(channel, received);
    }

    private void Leave(RelayChannel channel)
    {
        _channels.Remove(channel);
        Detach(channel);
    }

    private void Detach(RelayChannel channel)
    {
        if (_nodes is null || _nodes.Detached(channel.Name)) _home.Detach(new ChannelHomeProtocol.Detach(channel.Name), channel);
    }

    // Has the home publish, and answers the publisher: at once, or when no loop lags behind any more.
    private void Publish(Publish publish)
    {
        if (_nodes is not null && !_nodes.IsHere(publish.Channel))
        {
            _nodes.Ask(NodeMethods.Publish, publish, publish.Channel);
            return;
        }

        ValueTask<ChannelHomeProtocol.Published> published = PublishHere(publish);
        publish.Publication.LongData?.Release();
        Then(publish.Channel, isAppend: true, published, publish, static (relay, asked, answer) => relay.OnPublished(asked, answer));
    }

    internal ValueTask<ChannelHomeProtocol.Published> PublishHere(Publish publish) =>
        _home.PublishAsync(new ChannelHomeProtocol.Publish(publish.Channel, publish.Id, publish.Publication, publish.Options));

    internal void OnPublished(Publish publish, in ChannelHomeProtocol.Published published)
    {
        if (published.Error is { } error)
        {
            publish.ReplyTo.Tell(new Failed(publish.Id, publish.Bytes, error, Subscription: null), ActorRefs.NoSender);
            return;
        }

        _counters.Add(LoopCount.Publications);
        var reply = new Published(publish.Id, publish.Bytes, published.Receivers, published.Position) { Suppressed = published.Suppressed };
        _replies.Reply(publish.ReplyTo, reply);
    }

    private void Read(ReadHistory read)
    {
        if (_nodes is not null && !_nodes.IsHere(read.Channel)) _nodes.Ask(NodeMethods.ReadHistory, read, read.Channel);
        else Then(read.Channel, isAppend: false, ReadHere(read), read, static (_, asked, answer) => RelayReplies.OnRead(asked, answer));
    }

    internal ValueTask<HistoryAnswer> ReadHere(ReadHistory read) => _home.ReadAsync(read.Channel, read.Query);

    private void RemoveHistory(RemoveHistory remove)
    {
        if (_nodes is not null && !_nodes.IsHere(remove.Channel)) _nodes.Ask(NodeMethods.RemoveHistory, remove, remove.Channel);
        else
            Then(remove.Channel, isAppend: false, RemoveHere(remove), remove,
                static (_, asked, error) => RelayReplies.OnRemoved(asked, error));
    }

    internal ValueTask<HubError?> RemoveHere(RemoveHistory remove) => _home.RemoveAsync(remove.Channel);

    /// <summary>Tells who is in a channel, or how many.</summary>
    internal void ReadPresence(ReadPresence read)
    {
        if (_nodes is not null && !_nodes.IsHere(read.Channel)) _nodes.Ask(NodeMethods.ReadPresence, read, read.Channel);
        else RelayReplies.OnPresenceRead(read, PresenceHere(read));
    }

    internal NodeProtocol.PresenceRead PresenceHere(ReadPresence read) => PresenceOf(read.Channel, 0, read.CountsOnly);

    /// <summary>Who is in a channel whose home is here.</summary>
    internal NodeProtocol.PresenceRead PresenceOf(string channel, ulong request, bool countsOnly)
    {
        PresenceAnswer answer = _home.ReadPresence(channel);
        return answer.Members is { } members
            ? new NodeProtocol.PresenceRead(request, members.Counts, countsOnly ? null : [.. members.Members], null)
            : new NodeProtocol.PresenceRead(request, default, null, answer.Error);
    }

    /// <summary>Takes what the cluster tells.</summary>
    internal void Handle(NodeEvents.Arrived arrived)
    {
        if (_nodes is null) return;
        foreach ((int partition, byte[] message) in arrived.Messages)
        {
            if (!_nodes.TryHandle(arrived.Lane, message)) Listeners!.Handle(arrived.Lane, partition, message);
        }
    }

    /// <summary>Homes, or ways to them, have changed.</summary>
    internal void OnNodesChanged() => _nodes?.OnChanged();

    /// <summary>A lane has ended.</summary>
    internal void OnLaneEnded(INodeLane lane)
    {
        Listeners?.OnEnded(lane);
        _nodes?.OnEnded(lane);
    }

    /// <summary>A node is no member any more.</summary>
    internal void OnNodeRemoved(string node) => Listeners?.OnRemoved(node);

    /// <summary>Tries again what waits for other nodes.</summary>
    /// <returns>Whether something still waits.</returns>
    internal bool TickNodes() => _nodes?.Tick() ?? false;

    /// <summary>Takes a command behind what its channel waits for.</summary>
    internal void Enqueue(object command) => Handle(command);

    /// <summary>Holds what comes for a channel, until <see cref="EndGate"/>.</summary>
    internal void BeginGate(string channel, bool isAppend) => _order.Begin(channel, isAppend);

    /// <summary>Goes on, and then with what waits.</summary>
    internal void EndGate(string channel, bool isAppend, Action then) => _order.End(channel, isAppend, then);

    /// <summary>A channel with subscriptions here, or null.</summary>
    internal RelayChannel? Find(string channel) => _channels.TryGet(channel, out RelayChannel? known) ? known : null;

    /// <summary>Whether a channel has a history.</summary>
    internal bool IsKept(string channel) => _channels.TryGet(channel, out RelayChannel? known)
        ? known.Options.History.IsOn
        : _named.TryResolve(channel, out ChannelNamespace? options, out _) && options.History.IsOn;

    /// <summary>Drops the histories of a partition, whose home is elsewhere now.</summary>
    internal void Evict(int partition) => (_context.StoreOf(Self.Number) as PartitionedHistoryStore)?.Evict(partition);

    /// <summary>The home of a channel is elsewhere now: the one here does not count this node any more.</summary>
    internal void DetachHere(RelayChannel channel, IEnumerable<string> members)
    {
        foreach (string client in members) _home.Leave(channel.Name, client);
        _home.Detach(new ChannelHomeProtocol.Detach(channel.Name), channel);
    }

    /// <summary>A client of this node is in a channel whose home is here now; no one is told.</summary>
    internal void JoinHere(string channel, ClientInfo member) => _home.Join(channel, member);

    internal void OnMoved(RelayChannel channel, in ChannelHomeProtocol.Attached attached) => _nodes!.OnMoved(channel, attached);

    /// <summary>Tells all, on all nodes that listen, who joined or left.</summary>
    internal void AnnounceAll(string channel, in PresenceChange change)
    {
        if (_channels.TryGet(channel, out RelayChannel? known)) Announce(known, change);
        Listeners?.Announce(channel, change);
    }

    /// <summary>Answers with the channels of this node, and their subscriptions.</summary>
    internal void ListChannels(ListChannels list) => _channels.List(list);

    /// <summary>Frees what has expired of the histories.</summary>
    /// <returns>Whether there may be more.</returns>
    internal bool Sweep(int channelsMax) => _home.Sweep(channelsMax);

    /// <summary>A loop has sent bytes.</summary>
    internal void OnSent(Sent sent) => _replies.OnSent(sent);

    /// <summary>The relay is lost: every fan-out evicts its subscriptions, and publishers that wait are answered.</summary>
    internal void Abandon()
    {
        for (int loop = 0; loop < _fanOuts.Count; loop++) _fanOuts.Send(loop, new Reset(Self.Number));
        Listeners?.Abandon();
        _nodes?.Abandon();
        _replies.Abandon();
        foreach (object command in _order.TakeAll()) Fail(command);
    }

    /// <summary>Tells the one that sent a command that it failed: nothing is lost in silence.</summary>
    internal void Fail(object command) => RelayReplies.Fail(command, _fanOuts);
}
