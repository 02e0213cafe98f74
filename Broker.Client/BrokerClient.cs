using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Broker.Core.Protocol.Messages;
using Microsoft.Extensions.Logging;

namespace Broker.Client;

/// <summary>The state of a client's connection.</summary>
public enum ClientState
{
    /// <summary>It tries to connect.</summary>
    Connecting,

    /// <summary>It is connected.</summary>
    Connected,

    /// <summary>It waits before the next attempt.</summary>
    Waiting,

    /// <summary>It is closed, and stays so.</summary>
    Closed,
}

/// <summary>A client of the hub: one connection, made again whenever it is lost. For any thread.</summary>
/// <remarks>
/// Connecting --welcome--> Connected --lost--> Waiting --backoff--> Connecting; Closed after <see cref="DisposeAsync"/>, or
/// when the hub forbids another attempt. A request that waits for its answer when the connection is lost fails, because it is unknown
/// whether it took effect; a request without a connection fails at once. Subscriptions continue after a reconnect.
/// </remarks>
public sealed partial class BrokerClient : IAsyncDisposable
{
    private readonly BrokerClientOptions _options;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Subscription> _subscriptions = [];
    private Connection? _connection;
    private CloseInfo _lastClose = new() { Code = 1006, Text = "It has not been connected.", MayReconnect = true };
    private Task _running = Task.CompletedTask;

    private BrokerClient(BrokerClientOptions options)
    {
        _options = options;
        _log = ClientLog.CreateLogger(options);
    }

    /// <summary>
    /// Raised after each change of <see cref="State"/>, one at a time; a listener must not block. What a listener throws is logged and goes
    /// to <see cref="TaskScheduler.UnobservedTaskException"/>, and the client goes on.
    /// </summary>
    public event Action<ClientState>? StateChanged;

    /// <summary>The state of the connection.</summary>
    public ClientState State { get; private set; }

    /// <summary>How the last connection ended.</summary>
    public CloseInfo LastClose
    {
        get
        {
            lock (_gate) return _lastClose;
        }
    }

    /// <summary>The id that the hub gave the connection, or none.</summary>
    public string? ClientId
    {
        get
        {
            lock (_gate) return _connection?.ClientId;
        }
    }

    /// <summary>
    /// The most bytes of a payload and its head that the hub takes in one message, in chunks or not; of the last connection while there is
    /// none.
    /// </summary>
    public long MessageBytesMax { get; private set; }

    /// <summary>Connects. This first attempt is not repeated; afterwards the client comes back by itself.</summary>
    /// <exception cref="ConnectionLostException">It could not connect.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A window is not over 0.</exception>
    public static async Task<BrokerClient> ConnectAsync(BrokerClientOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.StreamWindow);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.ItemsWindow);
        var client = new BrokerClient(options);
        (Connection first, _) = await client.OpenAsync(cancellationToken).ConfigureAwait(false);
        client._running = client.RunAsync(first);
        return client;
    }

    /// <summary>Publishes, and waits until the publication has its place in the channel.</summary>
    /// <param name="channel">The channel.</param>
    /// <param name="data">Must not change before the answer. What is too long for a frame goes in chunks.</param>
    /// <param name="progress">Gets how many bytes have been sent.</param>
    /// <param name="cancellationToken">Stops waiting, and sending if it is still being sent. What has been sent may be published.</param>
    public Task<PublishReceipt> PublishAsync(
        string channel, ReadOnlyMemory<byte> data, IProgress<TransferProgress>? progress = null, CancellationToken cancellationToken =
            default)
    {
        ArgumentException.ThrowIfNullOrEmpty(channel);
        ChannelRequests channels = Current().Channels;
        Activity? activity = BrokerClientTelemetry.StartForChannel("send", channel, _options.Url, ActivityKind.Producer);
        Task<PublishReceipt> receipt = channels.PublishAsync(channel, data, progress, cancellationToken);
        return activity is null ? receipt : TraceAsync(activity, receipt);
    }

    /// <summary>Reads a page of a channel's history.</summary>
    /// <param name="channel">The channel.</param>
    /// <param name="range">Where the page begins, and which way it goes; null for all that is kept, oldest first.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="RequestRejectedException">
    /// 108: the channel keeps no history. 112: another epoch. 103: the client may not. 107: backwards from offset 0.
    /// </exception>
    public Task<HistoryPage> ReadHistoryAsync(string channel, HistoryRange? range = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(channel);
        range ??= new HistoryRange();
        ArgumentOutOfRangeException.ThrowIfNegative(range.Limit);
        return Current().Channels.ReadHistoryAsync(channel, range, cancellationToken);
    }

    /// <summary>Asks who is subscribed to a channel, or how many.</summary>
    /// <param name="channel">The channel.</param>
    /// <param name="countsOnly">How many is enough: the list of a large channel may not fit a frame.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="RequestRejectedException">
    /// 108: the channel has no presence. 103: the client may not. 106: the list is too long for a frame.
    /// </exception>
    public Task<ChannelPresence> ReadPresenceAsync(string channel, bool countsOnly = false, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(channel);
        return Current().Channels.ReadPresenceAsync(channel, countsOnly, cancellationToken);
    }

    /// <summary>Subscribes a channel, and waits until the hub has confirmed. A channel is subscribed once per client.</summary>
    /// <param name="channel">The channel.</param>
    /// <param name="token">What shows that the client may; sent again after each reconnect.</param>
    /// <param name="cancellationToken">Stops waiting, and gives the subscription up.</param>
    public Task<Subscription> SubscribeAsync(
        string channel, ReadOnlyMemory<byte> token = default, CancellationToken cancellationToken = default) =>
        SubscribeAsync(channel, token, onMemberChange: null, cancellationToken);

    /// <summary>Subscribes a channel and asks for its joins and leaves, which the hub sends where the channel has them.</summary>
    /// <param name="channel">The channel.</param>
    /// <param name="onMemberChange">
    /// Called for each join and leave, one at a time, in the order of the channel; must not block. Changes while the connection was lost
    /// are not reported: read the presence after a reconnect.
    /// </param>
    /// <param name="token">What shows that the client may; sent again after each reconnect.</param>
    /// <param name="cancellationToken">Stops waiting, and gives the subscription up.</param>
    public Task<Subscription> SubscribeAsync(
        string channel, Action<MemberChange> onMemberChange, ReadOnlyMemory<byte> token = default, CancellationToken cancellationToken =
            default)
    {
        ArgumentNullException.ThrowIfNull(onMemberChange);
        return SubscribeAsync(channel, token, onMemberChange, cancellationToken);
    }

    private async Task<Subscription> SubscribeAsync(
        string channel, ReadOnlyMemory<byte> token, Action<MemberChange>? onMemberChange, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(channel);
        var subscription = new Subscription(Leave, channel, token, _options.SubscriptionBytesMax, onMemberChange);
        Connection connection;
        lock (_gate)
        {
            connection = Current();
            if (!_subscriptions.TryAdd(channel, subscription))
                throw new InvalidOperationException($"The channel {channel} is subscribed already.");
        }

        Activity? activity = BrokerClientTelemetry.StartForChannel("subscribe", channel, _options.Url, ActivityKind.Client);
        try
        {
            await connection.Channels.SubscribeAsync(subscription, cancellationToken).ConfigureAwait(false);
            BrokerClientTelemetry.Stop(activity, failure: null);
            return subscription;
        }
        catch (Exception failure)
        {
            BrokerClientTelemetry.Stop(activity, failure);
            await subscription.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Asks the hub whether it is there, between whatever else is being sent.</summary>
    /// <returns>How long the answer took.</returns>
    public Task<TimeSpan> PingAsync(CancellationToken cancellationToken = default) => Current().Pings.PingAsync(cancellationToken);

    /// <summary>Calls a method of the hub.</summary>
    /// <param name="method">Its name.</param>
    /// <param name="arguments">Must not change before the answer. What is too long for a frame goes in chunks.</param>
    /// <param name="settings">Deadline and progress.</param>
    /// <param name="cancellationToken">Stops waiting, and cancels the call at the hub.</param>
    /// <exception cref="CallFailedException">The method failed, is unknown, or its time is over.</exception>
    public Task<ReadOnlyMemory<byte>> CallAsync(
        string method, ReadOnlyMemory<byte> arguments, CallSettings settings = default, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(method);
        OutboundCalls calls = Current().Calls;
        Activity? activity = BrokerClientTelemetry.StartForCall(method, _options.Url);
        Task<ReadOnlyMemory<byte>> result = calls.CallAsync(method, arguments, settings, cancellationToken);
        return activity is null ? result : TraceAsync(activity, result);
    }

    /// <summary>Calls a method whose arguments and result are JSON.</summary>
    public async Task<TResult?> CallAsync<TArguments, TResult>(
        string method, TArguments arguments, CallSettings settings = default, CancellationToken cancellationToken = default)
    {
        byte[] bytes = JsonSerializer.SerializeToUtf8Bytes(arguments, JsonSerializerOptions.Web);
        ReadOnlyMemory<byte> result = await CallAsync(method, bytes, settings, cancellationToken).ConfigureAwait(false);
        return JsonSerializer.Deserialize<TResult>(result.Span, JsonSerializerOptions.Web);
    }

    /// <summary>A method whose arguments and result are JSON, as a delegate.</summary>
    public Func<TArguments, CancellationToken, Task<TResult?>> Method<TArguments,
        TResult>(string method, CallSettings settings = default) =>
        (arguments, cancellationToken) => CallAsync<TArguments, TResult>(method, arguments, settings, cancellationToken);

    /// <summary>Begins a call with items: arguments that follow, results before the last one, or both.</summary>
    /// <param name="method">Its name.</param>
    /// <param name="arguments">Those that come first, in a frame if others follow; must not change before they are sent.</param>
    /// <param name="sendsItems">
    /// Whether further arguments follow: <see cref="OpenedCall.SendAsync"/>, and then <see cref="OpenedCall.EndArguments"/>.
    /// </param>
    /// <param name="settings">Deadline of the whole call, and progress.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    public OpenedCall OpenCall(
        string method, ReadOnlyMemory<byte> arguments = default, bool sendsItems = false, CallSettings settings =
            default, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(method);
        Activity? activity = BrokerClientTelemetry.StartForCall(method, _options.Url);
        try
        {
            OpenedCall call =
                Current().Calls.Open(
                    method, arguments, sendsItems ? CallOptions.MoreArguments : CallOptions.None, settings, cancellationToken);
            if (activity is not null) _ = TraceEndAsync(activity, call.Result);
            return call;
        }
        catch (Exception failure)
        {
            BrokerClientTelemetry.Stop(activity, failure);
            throw;
        }
    }

    /// <summary>Calls a method that has several results, and enumerates them. Leaving the enumeration cancels the call.</summary>
    /// <param name="method">Its name.</param>
    /// <param name="arguments">Those that come first.</param>
    /// <param name="items">
    /// Further arguments, sent as fast as the hub accepts them. Their token is cancelled when the call is over, and this ends when their
    /// enumeration has; what it throws before fails the call.
    /// </param>
    /// <param name="settings">Deadline of the whole call, and progress.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <exception cref="CallFailedException">
    /// The method failed, is unknown, or its time is over: after the items that came before.
    /// </exception>
    public async IAsyncEnumerable<ReadOnlyMemory<byte>> StreamAsync(
        string method,
        ReadOnlyMemory<byte> arguments = default,
        IAsyncEnumerable<ReadOnlyMemory<byte>>? items = null,
        CallSettings settings = default,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await using OpenedCall call = OpenCall(method, arguments, sendsItems: items is not null, settings, cancellationToken);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task sending = items is null ? Task.CompletedTask : SendAllAsync(call, items, over.Token);
        try
        {
            await foreach (ReadOnlyMemory<byte> item in call.WithCancellation(cancellationToken).ConfigureAwait(false)) yield return item;
            await call.Result.ConfigureAwait(false);
        }
        finally
        {
            // Nothing of the caller's items is used behind the end of this.
            await over.CancelAsync().ConfigureAwait(false);
            await call.DisposeAsync().ConfigureAwait(false);
            await sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>A method whose arguments and results are JSON, and which has several results, as a delegate.</summary>
    public Func<TArguments, CancellationToken, IAsyncEnumerable<TItem?>> StreamMethod<TArguments,
        TItem>(string method, CallSettings settings = default)
    {
        return Stream;

        async IAsyncEnumerable<TItem?> Stream(TArguments arguments, [EnumeratorCancellation] CancellationToken cancellationToken)
        {
            byte[] bytes = JsonSerializer.SerializeToUtf8Bytes(arguments, JsonSerializerOptions.Web);
            await foreach (
                ReadOnlyMemory<byte> item in StreamAsync(method, bytes, settings: settings, cancellationToken: cancellationToken)
                    .ConfigureAwait(false))
            {
                yield return JsonSerializer.Deserialize<TItem>(item.Span, JsonSerializerOptions.Web);
            }
        }
    }

    /// <summary>
    /// Holds frames back until the returned object is disposed, so that all messages in between leave in as few frames as the cap allows.
    /// Without it, messages that are queued while a frame is being sent leave together in the next one.
    /// </summary>
    public IDisposable Batch() => new Corked(Current());

    /// <summary>Closes for good: ends the subscriptions, and fails what waits.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        Connection? connection;
        lock (_gate) connection = _connection;
        if (connection is not null) await connection.CloseAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
    }

    private void Leave(Subscription subscription)
    {
        Connection? connection;
        lock (_gate)
        {
            if (_subscriptions.GetValueOrDefault(subscription.Channel) == subscription) _subscriptions.Remove(subscription.Channel);
            connection = _connection;
        }

        connection?.Channels.Unsubscribe(subscription);
    }

    // A caller whose items fail has no arguments to end with: the call is cancelled, and its enumeration fails with the reason.
    private static async Task SendAllAsync(
        OpenedCall call, IAsyncEnumerable<ReadOnlyMemory<byte>> items, CancellationToken cancellationToken)
    {
        try
        {
            await foreach (
                ReadOnlyMemory<byte> item in items.WithCancellation(cancellationToken).ConfigureAwait(false)) await call.SendAsync(
                    item, cancellationToken).ConfigureAwait(false);
            call.EndArguments();
        }
        catch (Exception failure)
        {
            call.Break(failure);
            throw;
        }
    }

    // The activity ends before the caller continues.
    private static async Task<T> TraceAsync<T>(Activity activity, Task<T> operation)
    {
        await TraceEndAsync(activity, operation).ConfigureAwait(false);
        return await operation.ConfigureAwait(false);
    }

    private static async Task TraceEndAsync(Activity activity, Task operation)
    {
        await operation.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        BrokerClientTelemetry.Stop(activity, operation.IsCanceled ? new OperationCanceledException() : operation.Exception?.InnerException);
    }

    private sealed class Corked : IDisposable
    {
        private Connection? _connection;

        public Corked(Connection connection)
        {
            _connection = connection;
            connection.Cork();
        }

        public void Dispose()
        {
            _connection?.Uncork();
            _connection = null;
        }
    }
}
