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
    private readonly IReadOnlyList<IActorRef> _fanOuts;
    private readonly ChannelNumbers _numbers;
    private readonly ChannelSettings _settings;
    private readonly LoopCounters _counters;
    private readonly NamespaceCounters _namespaces;
    private readonly Dictionary<string, RelayChannel> _channels = new(StringComparer.Ordinal);
    private readonly long[] _pending;                               // Bytes of publications that each loop has not sent yet.
    private readonly Queue<(IActorRef Publisher, Published Reply)> _held = new();
    private readonly ChannelGate _gate = new();
    private readonly HashSet<RelayChannel> _waiting = [];           // Channels with joins and leaves that wait.
    private readonly IHomeThread _thread;
    private readonly Action _onWaiting;

    /// <summary>Makes the relay.</summary>
    /// <param name="home">The home of its channels.</param>
    /// <param name="self">The home's number, and the actor that the relay runs in.</param>
    /// <param name="context">What it shares with the other relays of the node.</param>
    /// <param name="counters">Those of the loop that it runs on.</param>
    /// <param name="thread">Its own.</param>
    /// <param name="onWaiting">Called when joins and leaves begin to wait, for <see cref="FlushChanges"/> a second later.</param>
    internal ChannelRelay(
        ChannelHome home, HomeRef self, ChannelContext context, LoopCounters counters, IHomeThread thread, Action onWaiting)
    {
        _thread = thread;
        _onWaiting = onWaiting;
        _home = home;
        Self = self;
        _fanOuts = context.FanOuts;
        Formats = context.Formats;
        _numbers = context.Numbers;
        _settings = context.Settings;
        _counters = counters;
        _namespaces = context.CountersOf(self.Number);
        _pending = new long[_fanOuts.Count];
    }

    /// <summary>The home's number, and the actor that the relay runs in.</summary>
    internal HomeRef Self { get; }

    /// <summary>How many loops the node has.</summary>
    internal int Loops => _fanOuts.Count;

    /// <summary>The formats of the hub.</summary>
    internal PublicationFormats Formats { get; }

    /// <summary>Channels with a subscription on this node.</summary>
    internal int Count => _channels.Count;

    /// <summary>Takes a command of a channel, in its turn.</summary>
    internal void Handle(object command)
    {
        switch (command)
        {
            case Publish publish when !MustWait(publish.Channel, publish, isAppend: true): Publish(publish); break;
            case Subscribe subscribe when !MustWait(subscribe.Subscription.Channel, subscribe, isAppend: false): Subscribe(subscribe);
            break;
            case Unsubscribe unsubscribe when !MustWait(unsubscribe.Subscription.Channel, unsubscribe, isAppend: false): Unsubscribe(
                unsubscribe); break;
            case ReadHistory read when !MustWait(read.Channel, read, isAppend: false): Read(read); break;
            case RemoveHistory remove when !MustWait(remove.Channel, remove, isAppend: false): RemoveHistory(remove); break;
            default: break;
        }
    }

    private bool MustWait(string channel, object command, bool isAppend) => !_gate.IsEmpty && _gate.MustWait(channel, command, isAppend);

    // Goes on with an answer of the home: at once, or on this thread when the store has finished. What waits behind it follows.
    private void Then<TCommand,
        TAnswer>(string channel, bool isAppend, ValueTask<TAnswer> answer, TCommand command, Action<ChannelRelay, TCommand, TAnswer> then)
    {
        if (answer.IsCompletedSuccessfully) then(this, command, answer.Result);
        else _ = ThenLateAsync(channel, isAppend, answer, command, then);
    }

    private async Task ThenLateAsync<TCommand,
        TAnswer>(string channel, bool isAppend, ValueTask<TAnswer> answer, TCommand command, Action<ChannelRelay, TCommand, TAnswer> then)
    {
        _gate.Begin(channel, isAppend);
        TAnswer late = await answer.ConfigureAwait(false);
        await _thread.SwitchTo();
        _gate.End(channel, isAppend);
        then(this, command, late);
        while (_gate.TryTake(channel, out object? next)) Handle(next);
    }

    // Counts a subscription, and has its fan-out answer it.
    private void Subscribe(Subscribe subscribe)
    {
        Subscription subscription = subscribe.Subscription;
        subscription.Grants = SubscriptionRules.GrantsOf(subscription, subscribe.Granted);
        StreamPosition? after = RecoverFrom(subscription);
        if (_channels.TryGetValue(subscription.Channel, out RelayChannel? channel) && after is null)
        {
            Subscribe(subscribe, channel, new SubscribeResult());
            return;
        }

        channel ??= new RelayChannel(this, subscription.Channel, _numbers.Next(), subscription.Namespace);
        ValueTask<ChannelHomeProtocol.Attached> attached =
            _home.AttachAsync(new ChannelHomeProtocol.Attach(subscription.Channel, subscribe.Id) { After = after }, channel);
        Then(subscription.Channel, isAppend: false, attached, (subscribe, channel),
            static (relay, asked, answer) => relay.OnAttached(asked.subscribe, asked.channel, answer));
    }

    // In a channel that keeps what is newest, all is given that.
    private static StreamPosition? RecoverFrom(Subscription subscription)
    {
        if (!subscription.Namespace.History.IsOn) return subscription.Options.RecoverFrom;
        if (!subscription.Grants.HasFlag(SubscriptionGrants.Recoverable)) return null;
        return subscription.Options.RecoverFrom ?? (subscription.Namespace.Retained ? default(StreamPosition) : null);
    }

    private void OnAttached(Subscribe subscribe, RelayChannel channel, in ChannelHomeProtocol.Attached attached)
    {
        bool isKnown = _channels.ContainsKey(channel.Name);
        if (attached.Error is null) CountRecovery(subscribe.Subscription, attached);
        HubError? error =
            attached.Error
                ?? (subscribe.Subscription.Options.FailsUnrecovered && !attached.Recovered ? HubError.UnrecoverablePosition : null);
        if (error is { } why)
        {
            if (!isKnown) _home.Detach(new ChannelHomeProtocol.Detach(channel.Name), channel);
            subscribe.Subscription.Session.Tell(new Failed(subscribe.Id, subscribe.Bytes, why, subscribe.Subscription), ActorRefs.NoSender);
            return;
        }

        if (!isKnown)
        {
            channel.Position = attached.Position;
            _channels.Add(channel.Name, channel);
            _counters.Add(LoopCount.Channels);
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
        bool hasJoined =
            grants.HasFlag(SubscriptionGrants.Presence) && subscription.Info is not null && _home.Join(channel.Name, subscription.Info);
        _fanOuts[subscription.Loop].Tell(
            new AddSubscriber(subscription, Self.Number, result, subscribe.Id, subscribe.Bytes), ActorRefs.NoSender);
        if (hasJoined && grants.HasFlag(SubscriptionGrants.SendsJoinLeave))
            Announce(channel, new PresenceChange(subscription.Info!, HasJoined: true));
    }

    private void Announce(RelayChannel channel, in PresenceChange change)
    {
        if (!channel.Announce(change)) return;
        if (_waiting.Count == 0) _onWaiting();
        _waiting.Add(channel);
    }

    /// <summary>Tells the joins and leaves that have waited in large channels.</summary>
    internal void FlushChanges()
    {
        foreach (RelayChannel channel in _waiting) channel.FlushChanges();
        _waiting.Clear();
    }

    // Counts a subscription no longer, and has its fan-out answer it.
    private void Unsubscribe(Unsubscribe unsubscribe)
    {
        Subscription subscription = unsubscribe.Subscription;

        // After a restart this relay does not know the subscription, though perhaps others of the same channel, made since;
        // the fan-out does not know it either, and still answers.
        bool isCounted =
            _channels.TryGetValue(subscription.Channel, out RelayChannel? channel) && ReferenceEquals(subscription.CountedBy, channel);
        _fanOuts[subscription.Loop].Tell(new RemoveSubscriber(subscription, unsubscribe.Id, unsubscribe.Bytes), ActorRefs.NoSender);
        if (isCounted) Uncount(subscription, channel!);
    }

    private void Uncount(Subscription subscription, RelayChannel channel)
    {
        subscription.CountedBy = null;
        channel.Add(subscription, -1);
        _counters.Add(LoopCount.Subscriptions, -1);
        ClientInfo? left =
            subscription is { Info: { } info } && subscription.Grants.HasFlag(SubscriptionGrants.Presence)
                ? _home.Leave(channel.Name, info.Client) : null;
        if (channel.Count == 0) Leave(channel);
        else if (left is not null && subscription.Grants.HasFlag(SubscriptionGrants.SendsJoinLeave))
            Announce(channel, new PresenceChange(left, HasJoined: false));
    }

    private void Leave(RelayChannel channel)
    {
        _channels.Remove(channel.Name);
        _waiting.Remove(channel);
        _counters.Add(LoopCount.Channels, -1);
        _home.Detach(new ChannelHomeProtocol.Detach(channel.Name), channel);
    }

    // Has the home publish, and answers the publisher: at once, or when no loop lags behind any more.
    private void Publish(Publish publish)
    {
        ValueTask<ChannelHomeProtocol.Published> published =
            _home.PublishAsync(new ChannelHomeProtocol.Publish(publish.Channel, publish.Id, publish.Publication, publish.Options));
        publish.Publication.LongData?.Release();
        Then(publish.Channel, isAppend: true, published, publish, static (relay, asked, answer) => relay.OnPublished(asked, answer));
    }

    private void OnPublished(Publish publish, in ChannelHomeProtocol.Published published)
    {
        if (published.Error is { } error)
        {
            publish.ReplyTo.Tell(new Failed(publish.Id, publish.Bytes, error, Subscription: null), ActorRefs.NoSender);
            return;
        }

        _counters.Add(LoopCount.Publications);
        var reply = new Published(publish.Id, publish.Bytes, published.Receivers, published.Position) { Suppressed = published.Suppressed };
        if (_held.Count == 0 && !LagsBehind) publish.ReplyTo.Tell(reply, ActorRefs.NoSender);
        else _held.Enqueue((publish.ReplyTo, reply));
    }

    private void Read(ReadHistory read) =>
        Then(read.Channel, isAppend: false, _home.ReadAsync(read.Channel, read.Query), read, static (_, asked, answer) =>
        {
            object reply =
                answer.Page is { } page ? new HistoryRead(asked.Id, asked.Bytes, asked.Channel, page)
                    : new Failed(asked.Id, asked.Bytes, answer.Error!.Value, Subscription: null);
            asked.ReplyTo.Tell(reply, ActorRefs.NoSender);
        });

    private void RemoveHistory(RemoveHistory remove) =>
        Then(remove.Channel, isAppend: false, _home.RemoveAsync(remove.Channel), remove, static (_, asked, error) =>
            asked.ReplyTo.Tell(error is { } why ? new Failed(0, 0, why, Subscription: null) : new HistoryRemoved(), ActorRefs.NoSender));

    /// <summary>Tells who is in a channel, or how many.</summary>
    internal void ReadPresence(ReadPresence read)
    {
        PresenceAnswer answer = _home.ReadPresence(read.Channel);
        object reply = answer.Members is { } members
            ? new PresenceRead(read.Id, read.Bytes, members.Counts, read.CountsOnly ? null : [.. members.Members])
            : new Failed(read.Id, read.Bytes, answer.Error!.Value, Subscription: null);
        read.ReplyTo.Tell(reply, ActorRefs.NoSender);
    }

    /// <summary>Tells the channels of this node, with their subscriptions.</summary>
    internal void ListChannels(ListChannels list) =>
        list.ReplyTo.Tell(
            new ChannelsListed(
                [.. _channels.Values.Where(each => list.Accepts(each.Name))
                    .Select(static each => KeyValuePair.Create(each.Name, each.Count))]), ActorRefs.NoSender);

    /// <summary>Frees what has expired of the histories.</summary>
    /// <returns>Whether there may be more.</returns>
    internal bool Sweep(int channelsMax) => _home.Sweep(channelsMax);

    /// <summary>One message for all subscriptions of a loop; its bytes are pending until the loop has sent them.</summary>
    internal void Send(int loop, Deliver deliver, int bytes)
    {
        _pending[loop] += bytes;
        _fanOuts[loop].Tell(deliver, ActorRefs.NoSender);
    }

    /// <summary>A loop has sent bytes.</summary>
    internal void OnSent(Sent sent)
    {
        // What was delivered before a restart is sent after it, and was never counted here.
        _pending[sent.Loop] = Math.Max(0, _pending[sent.Loop] - sent.Bytes);
        while (_held.Count > 0 && !LagsBehind)
        {
            (IActorRef publisher, Published reply) = _held.Dequeue();
            publisher.Tell(reply, ActorRefs.NoSender);
        }
    }

    /// <summary>The relay is lost: every fan-out evicts its subscriptions, and publishers that wait are answered.</summary>
    internal void Abandon()
    {
        foreach (IActorRef fanOut in _fanOuts) fanOut.Tell(new Reset(Self.Number), ActorRefs.NoSender);
        while (_held.TryDequeue(out (IActorRef Publisher, Published Reply) held)) held.Publisher.Tell(held.Reply, ActorRefs.NoSender);
        foreach (object command in _gate.TakeAll()) Fail(command);
    }

    /// <summary>Tells the one that sent a command that it failed: nothing is lost in silence.</summary>
    internal void Fail(object command)
    {
        switch (command)
        {
            case Publish publish: publish.ReplyTo.Tell(
                new Failed(publish.Id, publish.Bytes, HubError.Internal, Subscription: null), ActorRefs.NoSender); break;
            case Subscribe subscribe: subscribe.Subscription.Session.Tell(
                new Failed(subscribe.Id, subscribe.Bytes, HubError.Internal, subscribe.Subscription), ActorRefs.NoSender); break;
            case Unsubscribe unsubscribe:
                _fanOuts[unsubscribe.Subscription.Loop].Tell(
                    new RemoveSubscriber(unsubscribe.Subscription, unsubscribe.Id, unsubscribe.Bytes), ActorRefs.NoSender);
                break;
            case ReadHistory read: read.ReplyTo.Tell(
                new Failed(read.Id, read.Bytes, HubError.Internal, Subscription: null), ActorRefs.NoSender); break;
            case RemoveHistory remove: remove.ReplyTo.Tell(new Failed(0, 0, HubError.Internal, Subscription: null), ActorRefs.NoSender);
            break;
            case ReadPresence read: read.ReplyTo.Tell(
                new Failed(read.Id, read.Bytes, HubError.Internal, Subscription: null), ActorRefs.NoSender); break;
            case ListChannels list: list.ReplyTo.Tell(new ChannelsListed([]), ActorRefs.NoSender); break;
            default: break;
        }
    }

    private bool LagsBehind
    {
        get
        {
            foreach (long bytes in _pending)
            {
                if (bytes > _settings.LoopBytesMax) return true;
            }

            return false;
        }
    }
}
