using System.Text;
using Broker.Core.Protocol.Messages;

namespace Broker.Client;

/// <summary>What one connection asks of channels, and the subscriptions that it feeds.</summary>
internal sealed class ChannelRequests(ConnectionState state, FrameSender sender, Uploads uploads)
{
    private const int ResubscribeFrom = 2500, KeepsNothing = 2502;     // Codes of unsubscribed: from the first on, subscribe again.

    private readonly RequestTable _requests = new();
    private readonly Dictionary<uint, Subscription> _channels = [];

    /// <summary>Publishes; the answer is the request's. Without the lock.</summary>
    public async Task<PublishReceipt> PublishAsync(
        string channel, ReadOnlyMemory<byte> data, IProgress<TransferProgress>? progress, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var request = new PendingPublish();
        uint id;
        lock (state.Gate)
        {
            state.ThrowIfEnded();
            id = _requests.Add(request);
            try
            {
                var message = new Publish { Request = id, Channel = Encoding.UTF8.GetBytes(channel) };
                uint taken = id;
                request.Upload = uploads.Post(message, data, progress, failure => Fail(taken, failure));
            }
            catch (BrokerException)
            {
                _requests.TryTake<PendingPublish>(id, out _);
                throw;
            }
        }

        using CancellationTokenRegistration registration = cancellationToken.Register(() => Abandon(id, request, cancellationToken));
        return await request.Answer.Task.ConfigureAwait(false);
    }

    /// <summary>Subscribes, with recovery where the channel has it. Without the lock.</summary>
    public async Task SubscribeAsync(Subscription subscription, CancellationToken cancellationToken)
    {
        var request = new PendingSubscribe(subscription);
        uint id;
        byte[] message;
        lock (state.Gate)
        {
            state.ThrowIfEnded();
            id = _requests.Add(request);
            message = NativeWriter.Message(new Subscribe
            {
                Request = id,
                Options = (subscription.CanRecover ? SubscribeOptions.Recover : SubscribeOptions.None)
                    | (subscription.OnMemberChange is null ? SubscribeOptions.None : SubscribeOptions.JoinLeave),
                Epoch = subscription.Epoch,
                Offset = subscription.Offset,
                Channel = Encoding.UTF8.GetBytes(subscription.Channel),
                Token = subscription.Token.Span,
            });
        }

        try
        {
            await sender.PostAsync(message, static () => true, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is BrokerException or OperationCanceledException)
        {
            lock (state.Gate) _requests.TryTake<PendingSubscribe>(id, out _);
            throw;
        }

        await request.Answer.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Reads a page of a history. Without the lock.</summary>
    public async Task<HistoryPage> ReadHistoryAsync(string channel, HistoryRange range, CancellationToken cancellationToken)
    {
        var request = new PendingHistory();
        uint id;
        byte[] message;
        lock (state.Gate)
        {
            state.ThrowIfEnded();
            id = _requests.Add(request);
            message = NativeWriter.Message(new HistoryRequest
            {
                Request = id,
                Options = (range.Since is null ? HistoryOptions.None : HistoryOptions.Since) | (
                    range.Reverse ? HistoryOptions.Reverse : HistoryOptions.None),
                Epoch = range.Since?.Epoch ?? 0,
                Offset = range.Since?.Offset ?? 0,
                Limit = (uint)range.Limit,
                Channel = Encoding.UTF8.GetBytes(channel),
            });
        }

        try
        {
            await sender.PostAsync(message, static () => true, cancellationToken).ConfigureAwait(false);
            return await request.Answer.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is BrokerException or OperationCanceledException)
        {
            lock (state.Gate) _requests.TryTake<PendingHistory>(id, out _);
            throw;
        }
    }

    /// <summary>Asks who is in a channel. Without the lock.</summary>
    public async Task<ChannelPresence> ReadPresenceAsync(string channel, bool countsOnly, CancellationToken cancellationToken)
    {
        var request = new PendingPresence();
        uint id;
        byte[] message;
        lock (state.Gate)
        {
            state.ThrowIfEnded();
            id = _requests.Add(request);
            message = NativeWriter.Message(new PresenceRequest
            {
                Request = id,
                Options = countsOnly ? PresenceOptions.CountsOnly : PresenceOptions.None,
                Channel = Encoding.UTF8.GetBytes(channel),
            });
        }

        try
        {
            await sender.PostAsync(message, static () => true, cancellationToken).ConfigureAwait(false);
            return await request.Answer.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is BrokerException or OperationCanceledException)
        {
            lock (state.Gate) _requests.TryTake<PendingPresence>(id, out _);
            throw;
        }
    }

    public void OnPresence(PresenceReply reply)
    {
        if (!_requests.TryTake(reply.Request, out PendingPresence? request)) return;
        var members = new List<ChannelMember>();
        var reader = new MemberReader(reply.Members);
        while (reader.Read(out Member member)) members.Add(ChannelMember.Of(member));
        request.Answer.TrySetResult(new ChannelPresence((int)reply.Clients, (int)reply.Users, members));
    }

    public void OnHistory(HistoryReply reply)
    {
        if (!_requests.TryTake(reply.Request, out PendingHistory? request)) return;
        var publications = new List<HistoryPublication>();
        var reader = new HistoryPublications(reply.Publications);
        while (reader.Read(out ulong offset, out ReadOnlySpan<byte> data)) publications.Add(new HistoryPublication(offset, data.ToArray()));
        request.Answer.TrySetResult(new HistoryPage(new HistoryPosition(reply.Epoch, reply.Offset), publications));
    }

    /// <summary>
    /// Subscribes again; a hub that refuses ends the subscription, a connection that ends does not. With the lock or without.
    /// </summary>
    public async Task ResubscribeAsync(Subscription subscription)
    {
        try
        {
            await SubscribeAsync(subscription, CancellationToken.None).ConfigureAwait(false);
        }
        catch (ConnectionLostException)
        {
            // The next connection subscribes again.
        }
        catch (BrokerException refused)
        {
            End(subscription, refused);
        }
    }

    /// <summary>Unsubscribes, if the channel is subscribed here; no caller waits for the answer. Without the lock.</summary>
    public void Unsubscribe(Subscription subscription)
    {
        lock (state.Gate)
        {
            if (state.CloseInfo is not null) return;
            foreach ((uint number, Subscription other) in _channels)
            {
                if (other != subscription) continue;
                _channels.Remove(number);
                sender.PostControl(new Unsubscribe { Request = uint.MaxValue, Channel = number });
                return;
            }
        }
    }

    public void OnDelivery(Core.Protocol.Messages.Delivery delivery)
    {
        if (_channels.TryGetValue(delivery.Channel, out Subscription? subscription))
            subscription.Take(delivery.Offset, delivery.Data.ToArray());
    }

    /// <summary>One that came as a stream, and so perhaps behind later ones.</summary>
    /// <param name="channel">The channel's number.</param>
    /// <param name="offset">Its place.</param>
    /// <param name="data">The subscription's from now on.</param>
    public void OnLongDelivery(uint channel, ulong offset, ReadOnlyMemory<byte> data)
    {
        if (_channels.TryGetValue(channel, out Subscription? subscription)) subscription.Take(offset, data);
    }

    public void OnMissed(Missed missed)
    {
        if (_channels.TryGetValue(missed.Channel, out Subscription? subscription)) subscription.Miss(missed.Offset, missed.Count);
    }

    public void OnJoined(Joined joined) => OnMemberChange(joined.Channel, joined.Member, hasJoined: true);

    public void OnLeft(Left left) => OnMemberChange(left.Channel, left.Member, hasJoined: false);

    private void OnMemberChange(uint channel, in Member member, bool hasJoined)
    {
        if (!_channels.TryGetValue(channel, out Subscription? subscription) || subscription.OnMemberChange is not { } listener) return;
        var change = new MemberChange(ChannelMember.Of(member), hasJoined);
        listener.Notify(each => each(change));
    }

    public void OnPublished(Published published)
    {
        if (!_requests.TryTake(published.Request, out PendingPublish? request)) return;
        uploads.Cancel(request.Upload);
        request.Answer.TrySetResult(new PublishReceipt(published.Offset, (int)published.Receivers));
    }

    public void OnSubscribed(Subscribed subscribed)
    {
        if (!_requests.TryTake(subscribed.Request, out PendingSubscribe? request)) return;
        if (request.Subscription.IsLeft)
        {
            sender.PostControl(new Unsubscribe { Request = uint.MaxValue, Channel = subscribed.Channel });
            return;
        }

        _channels[subscribed.Channel] = request.Subscription;
        request.Subscription.Confirm(
            (subscribed.State & SubscribedState.Recoverable) != 0,
            (subscribed.State & SubscribedState.Recovered) != 0,
            subscribed.Epoch,
            subscribed.Offset);
        request.Answer.TrySetResult();
    }

    public void OnUnsubscribed(Unsubscribed unsubscribed)
    {
        // What was asked for is over already, and its number may be a new subscription's.
        if (unsubscribed.Request != 0 || !_channels.Remove(unsubscribed.Channel, out Subscription? subscription)) return;
        if (unsubscribed.Code == KeepsNothing) subscription.DropPosition();
        if (unsubscribed.Code >= ResubscribeFrom) _ = ResubscribeAsync(subscription);
        else
            End(subscription,
                new RequestRejectedException(
                    unsubscribed.Code, $"The hub has unsubscribed {subscription.Channel}: {Encoding.UTF8.GetString(unsubscribed.Text)}"));
    }

    /// <summary>The hub refuses a request.</summary>
    public void OnRefused(NativeError error)
    {
        if (!_requests.TryTake(error.Id, out PendingRequest? request)) return;
        uploads.Cancel(request.Upload);
        request.Fail(new RequestRejectedException(error.Code, $"The hub refused: {Encoding.UTF8.GetString(error.Text)} ({error.Code})"));
    }

    /// <summary>The connection is gone: what waited, to be failed without the lock.</summary>
    public IReadOnlyList<PendingRequest> TakeAll()
    {
        _channels.Clear();
        return _requests.TakeAll();
    }

    private void End(Subscription subscription, BrokerException reason)
    {
        ClientLog.SubscriptionEnded(state.Log, subscription.Channel, reason);
        subscription.Queue.End(reason);
    }

    private void Fail(uint id, Exception failure)
    {
        if (_requests.TryTake(id, out PendingRequest? request)) request.Fail(failure);
    }

    private void Abandon(uint id, PendingPublish request, CancellationToken cancellationToken)
    {
        lock (state.Gate)
        {
            if (!_requests.TryTake<PendingPublish>(id, out _)) return;
            uploads.Cancel(request.Upload);
        }

        request.Answer.TrySetCanceled(cancellationToken);
    }
}
