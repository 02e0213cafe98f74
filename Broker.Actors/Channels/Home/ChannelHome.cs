using Broker.Actors.Channels.Relay;
using Broker.Actors.Channels.History;
using Broker.Actors.Channels.Namespaces;
using Broker.Actors.Channels.Presence;
using Broker.Actors.Model;

namespace Broker.Actors.Channels.Home;

/// <summary>
/// The home of channels: gives the publications of each one order and one position, keeps their histories, knows who is there, and sends
/// publications to the nodes that are attached. Values in, values out.
/// </summary>
/// <remarks>
/// For one thread. Answers come at once with a store in memory; with another one later, on that same thread, and the caller sees to it that
/// nothing else is asked of the channel meanwhile but further publications (<see cref="ChannelGate"/>). What is not attached and not kept
/// is dropped; a channel that begins again has another epoch.
/// </remarks>
/// <param name="context">What all homes of the node share.</param>
/// <param name="store">Keeps the histories; not disposed of here, as it outlives a restart of the home.</param>
/// <param name="thread">Its own, to come back to.</param>
public sealed partial class ChannelHome(ChannelHomeContext context, IHistoryStore store, IHomeThread thread)
{
    private readonly Dictionary<string, HomeChannel> _channels = WatchedBy(store);
    // Publications that the store works on.
    private readonly Dictionary<string, (Task Last, int Count)> _late = new(StringComparer.Ordinal);
    private readonly IdempotencyTable<StreamPosition> _answers = new(context.Time);     // Of publications that are not kept.

    private static Dictionary<string, HomeChannel> WatchedBy(IHistoryStore store)
    {
        var channels = new Dictionary<string, HomeChannel>(StringComparer.Ordinal);
        store.WatchUse(channels.ContainsKey);
        return channels;
    }

    /// <summary>How many channels have a node attached.</summary>
    public int Count => _channels.Count;

    /// <summary>A node has a subscriber, or a further one that wants to recover.</summary>
    /// <param name="message">Which channel, and from where on.</param>
    /// <param name="listener">The node; it stays attached until it detaches, however often it attaches.</param>
    public ValueTask<ChannelHomeProtocol.Attached> AttachAsync(in ChannelHomeProtocol.Attach message, IChannelListener listener)
    {
        if (!TryResolve(message.Channel, out HomeChannel? channel, out ChannelNamespace? options, out HubError error))
            return new(new ChannelHomeProtocol.Attached(message.Request, default) { Error = error });

        if (!options.History.IsOn || (channel is not null && message.After is null))
        {
            channel ??= Add(message.Channel, options, new StreamPosition(context.Epochs.Next(), Offset: 0));
            channel.Attach(listener);
            return new(new ChannelHomeProtocol.Attached(message.Request, channel.Position)
            {
                Recoverable = options is { History.IsOn: true, Recovery: true },
                Recovered = message.After is { } after && channel.IsAt(after),
            });
        }

        HistoryQuery query =
            message.After is { } since ? Recovery.QueryFor(options.RecoveryMode, since, LimitOf(message)) : HistoryQuery.PositionOnly;
        ValueTask<HistoryPage> read = store.ReadAsync(message.Channel, query, options.History);
        return read.IsCompletedSuccessfully ? new(OnRead(message, listener, options, read.Result))
            : new(AttachLateAsync(message, listener, options, read));
    }

    private async Task<ChannelHomeProtocol.Attached> AttachLateAsync(
        ChannelHomeProtocol.Attach message, IChannelListener listener, ChannelNamespace options, ValueTask<HistoryPage> read)
    {
        (HistoryPage? page, Exception? failure) = await OutcomeOf(read.AsTask()).ConfigureAwait(false);
        await thread.SwitchTo();
        if (page is not null) return OnRead(message, listener, options, page);
        return new ChannelHomeProtocol.Attached(message.Request, default) { Error = ErrorOf(message.Channel, failure!) };
    }

    private ChannelHomeProtocol.Attached OnRead(
        in ChannelHomeProtocol.Attach message, IChannelListener listener, ChannelNamespace options, HistoryPage page)
    {
        if (!_channels.TryGetValue(message.Channel, out HomeChannel? channel)) channel = Add(message.Channel, options, page.Top);
        channel.Position = page.Top;
        channel.Attach(listener);
        var attached = new ChannelHomeProtocol.Attached(message.Request, page.Top) { Recoverable = options.Recovery };
        if (message.After is not { } since) return attached;
        RecoveryResult result = Recovery.Decide(options.RecoveryMode, since, page);
        bool isGiven = result.IsRecovered && result.Publications.Sum(static each => each.DataBytes) <= context.Settings.RecoveryBytesMax;
        return attached with { Recovered = isGiven, Missed = isGiven && result.Publications.Count > 0 ? result.Publications : null };
    }

    private int LimitOf(in ChannelHomeProtocol.Attach message) =>
        message.Limit > 0 ? Math.Min(message.Limit, context.Settings.RecoveryMax) : context.Settings.RecoveryMax;

    /// <summary>A node has no subscriber any more.</summary>
    public void Detach(in ChannelHomeProtocol.Detach message, IChannelListener listener)
    {
        if (!_channels.TryGetValue(message.Channel, out HomeChannel? channel)) return;
        channel.Detach(listener);
        RemoveIfUnused(message.Channel, channel);
    }

    /// <summary>Tells an attached node where a channel stands.</summary>
    /// <param name="message">Which channel.</param>
    /// <param name="listener">The node.</param>
    public ValueTask<ChannelHomeProtocol.PositionChecked> CheckAsync(
        in ChannelHomeProtocol.CheckPosition message, IChannelListener listener)
    {
        if (!_channels.TryGetValue(message.Channel, out HomeChannel? channel) || !channel.IsAttachedTo(listener))
            return new(new ChannelHomeProtocol.PositionChecked(message.Request, default));
        if (!channel.Options.History.IsOn) return new(OnChecked(message, listener, channel.Position));
        ValueTask<HistoryPage> read = store.ReadAsync(message.Channel, HistoryQuery.PositionOnly, channel.Options.History);
        return read.IsCompletedSuccessfully ? new(OnChecked(message, listener, read.Result.Top))
            : new(CheckLateAsync(message, listener, read));
    }

    // A store that fails shows in what clients ask of it; a check that could not be made is made again after the interval.
    private async Task<ChannelHomeProtocol.PositionChecked> CheckLateAsync(
        ChannelHomeProtocol.CheckPosition message, IChannelListener listener, ValueTask<HistoryPage> read)
    {
        (HistoryPage? page, _) = await OutcomeOf(read.AsTask()).ConfigureAwait(false);
        await thread.SwitchTo();
        return page is null
            ? new ChannelHomeProtocol.PositionChecked(message.Request, default) { IsAttached = true, Error = HubError.Internal }
            : OnChecked(message, listener, page.Top);
    }

    // The store may be ahead by publications that are on their way to the nodes, and behind by those that were added since it was read:
    // both were sent, or will be, in their order.
    private ChannelHomeProtocol.PositionChecked OnChecked(
        in ChannelHomeProtocol.CheckPosition message, IChannelListener listener, StreamPosition top)
    {
        if (!_channels.TryGetValue(message.Channel, out HomeChannel? channel) || !channel.IsAttachedTo(listener))
            return new ChannelHomeProtocol.PositionChecked(message.Request, default);
        bool isAhead = top.Epoch == channel.Position.Epoch && top.Offset < channel.Position.Offset;
        if (!isAhead && !_late.ContainsKey(message.Channel)) channel.Position = top;
        return new ChannelHomeProtocol.PositionChecked(message.Request, channel.Position) { IsAttached = true };
    }

    /// <summary>Orders a publication, keeps it, and sends it to the attached nodes.</summary>
    public ValueTask<ChannelHomeProtocol.Published> PublishAsync(in ChannelHomeProtocol.Publish message)
    {
        if (!TryResolve(message.Channel, out HomeChannel? channel, out ChannelNamespace? options, out HubError error))
            return new(new ChannelHomeProtocol.Published(message.Request, default, Receivers: 0) { Error = error });
        if (!options.History.IsOn || message.Options.SkipsHistory) return new(PublishUnkept(message, channel, options));

        Publication kept =
            message.Publication.LongData is { } data ? message.Publication with { Data = data.ToArray(), LongData = null }
                : message.Publication;
        if (message.Options.Version != 0)
            kept = kept with { Extras = (kept.Extras ?? new PublicationExtras()) with { Version = message.Options.Version } };
        var append = new HistoryAppend(kept)
        {
            IdempotencyKey = message.Options.IdempotencyKey.Length > 0 ? message.Options.IdempotencyKey : null,
            IdempotencyTtl = context.Settings.IdempotencyTtl,
            VersionEpoch = message.Options.VersionEpoch,
        };
        ValueTask<AppendResult> appended = store.AppendAsync(message.Channel, append, options.History);
        if (appended.IsCompletedSuccessfully && !_late.ContainsKey(message.Channel))
            return new(OnAppended(message, options, appended.Result));

        // The store completes in order, but what waits for it may be woken in any: each publication waits for the one before it.
        (Task Last, int Count) before = _late.GetValueOrDefault(message.Channel, (Task.CompletedTask, 0));
        Task<ChannelHomeProtocol.Published> late = PublishLateAsync(message, options, appended, before.Last);
        _late[message.Channel] = (late, before.Count + 1);
        return new(late);
    }

    private async Task<ChannelHomeProtocol.Published> PublishLateAsync(
        ChannelHomeProtocol.Publish message, ChannelNamespace options, ValueTask<AppendResult> append, Task before)
    {
        message.Publication.LongData?.AddRef();       // Its sender releases it when this call returns.
        (AppendResult result, Exception? failure) = await OutcomeOf(append.AsTask()).ConfigureAwait(false);
        await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await thread.SwitchTo();
        (Task last, int count) = _late[message.Channel];
        if (count == 1) _late.Remove(message.Channel);
        else _late[message.Channel] = (last, count - 1);
        try
        {
            if (failure is null) return OnAppended(message, options, result);
            return new ChannelHomeProtocol.Published(message.Request, default, Receivers: 0) { Error = ErrorOf(message.Channel, failure) };
        }
        finally
        {
            message.Publication.LongData?.Release();
        }
    }

    private ChannelHomeProtocol.Published OnAppended(
        in ChannelHomeProtocol.Publish message, ChannelNamespace options, in AppendResult result)
    {
        context.Counters.Add(options, result.Outcome == AppendOutcome.Added ? NamespaceCount.Published : NamespaceCount.Suppressed);
        if (result.Outcome != AppendOutcome.Added)
            return new ChannelHomeProtocol.Published(message.Request, result.Position, Receivers: 0) { Suppressed = true };
        if (!_channels.TryGetValue(message.Channel, out HomeChannel? channel))
            return new ChannelHomeProtocol.Published(message.Request, result.Position, Receivers: 0);
        channel.Position = result.Position;
        Publication added = message.Publication.LongData is { } data ? result.Added with { Data = default, LongData = data } : result.Added;
        return new ChannelHomeProtocol.Published(message.Request, result.Position, Deliver(message, options, channel, added));
    }

    private ChannelHomeProtocol.Published PublishUnkept(
        in ChannelHomeProtocol.Publish message, HomeChannel? channel, ChannelNamespace options)
    {
        string key = message.Options.IdempotencyKey;
        StreamPosition first = default;
        bool isKnown = key.Length > 0 && _answers.TryGet(message.Channel, key, out first);
        context.Counters.Add(options, isKnown ? NamespaceCount.Suppressed : NamespaceCount.Published);
        if (isKnown) return new ChannelHomeProtocol.Published(message.Request, first, Receivers: 0) { Suppressed = true };

        // Without a history the offsets count for as long as the channel has subscribers; a publication that skips its history takes none.
        bool takesOffset = channel is not null && !options.History.IsOn;
        if (takesOffset) channel!.Position = channel.Position with { Offset = channel.Position.Offset + 1 };
        StreamPosition position = takesOffset ? channel!.Position : default;
        if (key.Length > 0) _answers.Add(message.Channel, key, position, context.Settings.IdempotencyTtl);
        int receivers = channel is null ? 0 : Deliver(message, options, channel, message.Publication with { Offset = position.Offset });
        return new ChannelHomeProtocol.Published(message.Request, position, receivers);
    }

    private static int Deliver(
        in ChannelHomeProtocol.Publish message, ChannelNamespace options, HomeChannel channel, in Publication publication) =>
        channel.Deliver(new ChannelHomeProtocol.Deliver(message.Channel, channel.Position, publication, message.Options.ExceptClient)
        {
            UsesDelta = options.Delta != DeltaKind.Off && (options.DeltaPublish || message.Options.UsesDelta)
                && message.Options.ExceptClient.Length == 0,
        });

    /// <summary>Reads a page of a channel's history.</summary>
    /// <returns>The page, or the error to answer.</returns>
    public ValueTask<HistoryAnswer> ReadAsync(string channel, HistoryQuery query)
    {
        if (!TryResolve(channel, out _, out ChannelNamespace? options, out HubError error)) return new(new HistoryAnswer(null, error));
        if (!options.History.IsOn) return new(new HistoryAnswer(null, HubError.NotAvailable));
        if (query is { Reverse: true, Since.Offset: 0 }) return new(new HistoryAnswer(null, HubError.BadRequest));
        ValueTask<HistoryPage> read = store.ReadAsync(channel, query, options.History);
        return read.IsCompletedSuccessfully ? new(OnRead(read.Result)) : new(ReadLateAsync(channel, read));
    }

    private async Task<HistoryAnswer> ReadLateAsync(string channel, ValueTask<HistoryPage> read)
    {
        (HistoryPage? page, Exception? failure) = await OutcomeOf(read.AsTask()).ConfigureAwait(false);
        await thread.SwitchTo();
        if (page is not null) return OnRead(page);
        return new HistoryAnswer(null, ErrorOf(channel, failure!));
    }

    private static HistoryAnswer OnRead(HistoryPage page) =>
        page.IsForeignEpoch ? new(null, HubError.UnrecoverablePosition) : new(page, null);

    /// <summary>Removes the publications of a channel's history.</summary>
    /// <returns>Nothing, or the error to answer.</returns>
    public ValueTask<HubError?> RemoveAsync(string channel)
    {
        if (!TryResolve(channel, out _, out ChannelNamespace? options, out HubError error)) return new((HubError?)error);
        if (!options.History.IsOn) return new((HubError?)HubError.NotAvailable);
        ValueTask removal = store.RemoveAsync(channel);
        return removal.IsCompletedSuccessfully ? new((HubError?)null) : new(RemoveLateAsync(channel, removal));
    }

    private async Task<HubError?> RemoveLateAsync(string channel, ValueTask removal)
    {
        Exception? failure = null;
        try
        {
            await removal.ConfigureAwait(false);
        }
        catch (Exception broken)
        {
            failure = broken;
        }

        await thread.SwitchTo();
        return failure is null ? null : ErrorOf(channel, failure);
    }

    // A store without room has said so once, and is not at fault.
    private HubError ErrorOf(string channel, Exception failure)
    {
        if (failure is HistoryRejectedException refused) return HubError.TooManyRequests with { Message = refused.Message };
        context.OnStoreFailed(channel, failure);
        return HubError.Internal;
    }

    /// <summary>A client is in a channel that a node is attached to.</summary>
    /// <returns>Whether it was not there before.</returns>
    public bool Join(string channel, ClientInfo member) =>
        _channels.TryGetValue(channel, out HomeChannel? known) && known.Presence.Add(member);

    /// <summary>A client is in the channel no longer.</summary>
    /// <returns>Who it was, or null if it was not there.</returns>
    public ClientInfo? Leave(string channel, string client) =>
        _channels.TryGetValue(channel, out HomeChannel? known) ? known.Presence.Remove(client) : null;

    /// <summary>Who is in a channel.</summary>
    /// <returns>The members, not to be kept; or the error to answer.</returns>
    public PresenceAnswer ReadPresence(string channel)
    {
        if (!TryResolve(channel, out HomeChannel? known, out ChannelNamespace? options, out HubError error))
            return new PresenceAnswer(null, error);
        return options.Presence ? new PresenceAnswer(known?.Presence ?? PresenceTable.Empty, null)
            : new PresenceAnswer(null, HubError.NotAvailable);
    }

    /// <summary>Frees what has expired, a bounded part of it.</summary>
    /// <returns>Whether there may be more.</returns>
    public bool Sweep(int channelsMax) => store.Sweep(channelsMax) | _answers.Sweep(channelsMax);

    private bool TryResolve(
        string name, out HomeChannel? channel, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out ChannelNamespace? options,
            out HubError error)
    {
        error = default;
        if (!_channels.TryGetValue(name, out channel)) return context.Namespaces.TryResolve(name, out options, out error);
        options = channel.Options;
        return true;
    }

    private HomeChannel Add(string name, ChannelNamespace options, StreamPosition position)
    {
        var channel = new HomeChannel(options, position);
        _channels.Add(name, channel);
        return channel;
    }

    // The one rule of what is dropped: the store keeps what outlives the subscribers.
    private void RemoveIfUnused(string name, HomeChannel channel)
    {
        if (!channel.IsAttached) _channels.Remove(name);
    }

    private static async Task<(T? Result, Exception? Failure)> OutcomeOf<T>(Task<T> task)
    {
        try
        {
            return (await task.ConfigureAwait(false), null);
        }
        catch (Exception failure)
        {
            return (default, failure);
        }
    }
}

/// <summary>Answer to a read of a history: one of both.</summary>
/// <param name="Page">The page.</param>
/// <param name="Error">Why not.</param>
public readonly record struct HistoryAnswer(HistoryPage? Page, HubError? Error);

/// <summary>Answer to a read of the presence: one of both.</summary>
/// <param name="Members">Who is there; not to be kept.</param>
/// <param name="Error">Why not.</param>
public readonly record struct PresenceAnswer(PresenceTable? Members, HubError? Error);
