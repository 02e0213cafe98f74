using System.Runtime.CompilerServices;
using System.Text.Json;
using Broker.Core.Protocol.Messages;

namespace Broker.Client;

/// <summary>Where a client is.</summary>
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
/// when the hub says that there is no use in coming back. What waits for an answer when the connection is lost fails, since
/// nobody can say whether it happened; and what is begun without a connection fails at once. Subscriptions go on.
/// </remarks>
public sealed class BrokerClient : IAsyncDisposable
{
    private readonly BrokerClientOptions _options;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Subscription> _subscriptions = [];
    private Connection? _connection;
    private Ending _lastEnding = new() { Code = 1006, Text = "It has not been connected.", MayReconnect = true };
    private Task _running = Task.CompletedTask;

    private BrokerClient(BrokerClientOptions options) => _options = options;

    /// <summary>
    /// Heard after each change of <see cref="State"/>, one at a time; must not wait. What a listener throws goes to
    /// <see cref="TaskScheduler.UnobservedTaskException"/>, and the client goes on.
    /// </summary>
    public event Action<ClientState>? StateChanged;

    /// <summary>Where it is.</summary>
    public ClientState State { get; private set; }

    /// <summary>How the last connection ended.</summary>
    public Ending LastEnding
    {
        get
        {
            lock (_gate) return _lastEnding;
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

    /// <summary>Connects. This first attempt is not repeated; afterwards the client comes back by itself.</summary>
    /// <exception cref="ConnectionLostException">It could not connect.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A window is not over 0.</exception>
    public static async Task<BrokerClient> ConnectAsync(BrokerClientOptions options, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.StreamWindow);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.ItemsWindow);
        var client = new BrokerClient(options);
        (Connection first, _) = await client.OpenAsync(cancel).ConfigureAwait(false);
        client._running = client.RunAsync(first);
        return client;
    }

    /// <summary>Publishes, and waits until the publication has its place in the channel.</summary>
    /// <param name="channel">The channel.</param>
    /// <param name="data">Must not change before the answer. What is too long for a frame goes in chunks.</param>
    /// <param name="progress">Hears how much has been sent.</param>
    /// <param name="cancel">Stops waiting, and sending if it is still being sent. What has been sent may be published.</param>
    public Task<PublishReceipt> PublishAsync(
        string channel, ReadOnlyMemory<byte> data, IProgress<TransferProgress>? progress = null, CancellationToken cancel = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(channel);
        return Current().Channels.PublishAsync(channel, data, progress, cancel);
    }

    /// <summary>Subscribes a channel, and waits until the hub has confirmed. A channel is subscribed once per client.</summary>
    /// <param name="channel">The channel.</param>
    /// <param name="token">What shows that the client may; sent again after each reconnect.</param>
    /// <param name="cancel">Stops waiting, and gives the subscription up.</param>
    public async Task<Subscription> SubscribeAsync(string channel, ReadOnlyMemory<byte> token = default, CancellationToken cancel = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(channel);
        var subscription = new Subscription(this, channel, token, _options.SubscriptionBytesMax);
        Connection connection;
        lock (_gate)
        {
            connection = Current();
            if (!_subscriptions.TryAdd(channel, subscription)) throw new InvalidOperationException($"The channel {channel} is subscribed already.");
        }

        try
        {
            await connection.Channels.SubscribeAsync(subscription, cancel).ConfigureAwait(false);
            return subscription;
        }
        catch
        {
            await subscription.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Asks the hub whether it is there, between whatever else is being sent.</summary>
    /// <returns>How long the answer took.</returns>
    public Task<TimeSpan> PingAsync(CancellationToken cancel = default) => Current().Pings.PingAsync(cancel);

    /// <summary>Calls a method of the hub.</summary>
    /// <param name="method">Its name.</param>
    /// <param name="arguments">Must not change before the answer. What is too long for a frame goes in chunks.</param>
    /// <param name="settings">Deadline and progress.</param>
    /// <param name="cancel">Stops waiting, and tells the hub that the result is wanted no longer.</param>
    /// <exception cref="CallFailedException">The method failed, is unknown, or its time is over.</exception>
    public Task<ReadOnlyMemory<byte>> CallAsync(
        string method, ReadOnlyMemory<byte> arguments, CallSettings settings = default, CancellationToken cancel = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(method);
        return Current().Calls.CallAsync(method, arguments, settings, cancel);
    }

    /// <summary>Calls a method whose arguments and result are JSON.</summary>
    public async Task<TResult?> CallAsync<TArguments, TResult>(
        string method, TArguments arguments, CallSettings settings = default, CancellationToken cancel = default)
    {
        byte[] bytes = JsonSerializer.SerializeToUtf8Bytes(arguments, JsonSerializerOptions.Web);
        ReadOnlyMemory<byte> result = await CallAsync(method, bytes, settings, cancel).ConfigureAwait(false);
        return JsonSerializer.Deserialize<TResult>(result.Span, JsonSerializerOptions.Web);
    }

    /// <summary>A method whose arguments and result are JSON, as a delegate.</summary>
    public Func<TArguments, CancellationToken, Task<TResult?>> Method<TArguments, TResult>(string method, CallSettings settings = default) =>
        (arguments, cancel) => CallAsync<TArguments, TResult>(method, arguments, settings, cancel);

    /// <summary>Begins a call with items: arguments that follow, results before the last one, or both.</summary>
    /// <param name="method">Its name.</param>
    /// <param name="arguments">Those that come first, in a frame if others follow; must not change before they are sent.</param>
    /// <param name="saysItems">Whether further arguments follow: <see cref="OpenedCall.SayAsync"/>, and then <see cref="OpenedCall.EndArguments"/>.</param>
    /// <param name="settings">Deadline of the whole call, and progress.</param>
    /// <param name="cancel">Cancels the call.</param>
    public OpenedCall OpenCall(
        string method, ReadOnlyMemory<byte> arguments = default, bool saysItems = false, CallSettings settings = default, CancellationToken cancel = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(method);
        return Current().Calls.Open(method, arguments, saysItems ? CallOptions.MoreArguments : CallOptions.None, settings, cancel);
    }

    /// <summary>Calls a method that has several results, and enumerates them. Leaving the enumeration cancels the call.</summary>
    /// <param name="method">Its name.</param>
    /// <param name="arguments">Those that come first.</param>
    /// <param name="items">
    /// Further arguments, said as fast as the hub takes them. Their token is cancelled when the call is over, and this ends when their
    /// enumeration has; what it throws before fails the call.
    /// </param>
    /// <param name="settings">Deadline of the whole call, and progress.</param>
    /// <param name="cancel">Cancels the call.</param>
    /// <exception cref="CallFailedException">The method failed, is unknown, or its time is over: after the items that came before.</exception>
    public async IAsyncEnumerable<ReadOnlyMemory<byte>> StreamAsync(
        string method,
        ReadOnlyMemory<byte> arguments = default,
        IAsyncEnumerable<ReadOnlyMemory<byte>>? items = null,
        CallSettings settings = default,
        [EnumeratorCancellation] CancellationToken cancel = default)
    {
        await using OpenedCall call = OpenCall(method, arguments, saysItems: items is not null, settings, cancel);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        Task saying = items is null ? Task.CompletedTask : SayAllAsync(call, items, over.Token);
        try
        {
            await foreach (ReadOnlyMemory<byte> item in call.WithCancellation(cancel).ConfigureAwait(false)) yield return item;
            await call.Result.ConfigureAwait(false);
        }
        finally
        {
            // Nothing of the caller's items is used behind the end of this.
            await over.CancelAsync().ConfigureAwait(false);
            await call.DisposeAsync().ConfigureAwait(false);
            await saying.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>A method whose arguments and results are JSON, and which has several results, as a delegate.</summary>
    public Func<TArguments, CancellationToken, IAsyncEnumerable<TItem?>> StreamMethod<TArguments, TItem>(string method, CallSettings settings = default)
    {
        return Stream;

        async IAsyncEnumerable<TItem?> Stream(TArguments arguments, [EnumeratorCancellation] CancellationToken cancel)
        {
            byte[] bytes = JsonSerializer.SerializeToUtf8Bytes(arguments, JsonSerializerOptions.Web);
            await foreach (ReadOnlyMemory<byte> item in StreamAsync(method, bytes, settings: settings, cancel: cancel).ConfigureAwait(false))
            {
                yield return JsonSerializer.Deserialize<TItem>(item.Span, JsonSerializerOptions.Web);
            }
        }
    }

    /// <summary>
    /// Holds frames back until the answer is disposed of, so that everything that is said in between leaves in as few frames
    /// as the cap allows. Without it, whatever is said while a frame is being sent leaves together in the next.
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

    internal void Leave(Subscription subscription)
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
    private static async Task SayAllAsync(OpenedCall call, IAsyncEnumerable<ReadOnlyMemory<byte>> items, CancellationToken cancel)
    {
        try
        {
            await foreach (ReadOnlyMemory<byte> item in items.WithCancellation(cancel).ConfigureAwait(false)) await call.SayAsync(item, cancel).ConfigureAwait(false);
            call.EndArguments();
        }
        catch (Exception failure)
        {
            call.Break(failure);
            throw;
        }
    }

    private Connection Current()
    {
        lock (_gate) return _connection ?? throw new ConnectionLostException(_lastEnding);
    }

    // With the subscriptions from before: what subscribes from now on does so on this connection by itself.
    private async Task<(Connection Connection, Subscription[] Before)> OpenAsync(CancellationToken cancel)
    {
        (System.Net.WebSockets.ClientWebSocket socket, Agreement agreement) = await Handshake.ConnectAsync(_options, cancel).ConfigureAwait(false);
        var connection = new Connection(socket, agreement, _options);
        Subscription[] before;
        lock (_gate)
        {
            _connection = connection;
            before = [.. _subscriptions.Values];
        }

        connection.Start();
        Enter(ClientState.Connected);
        return (connection, before);
    }

    private async Task RunAsync(Connection first)
    {
        Connection? connection = first;
        int failures = 0;
        while (true)
        {
            Ending ending;
            if (connection is not null)
            {
                long since = _options.Time.GetTimestamp();
                ending = await connection.Ended.ConfigureAwait(false);

                // One that the hub took in and threw out at once is a failure like any other.
                if (_options.Time.GetElapsedTime(since) >= _options.BackoffMax) failures = 0;
            }
            else
            {
                (connection, ending) = await TryOpenAsync().ConfigureAwait(false);
                if (connection is not null) continue;
            }

            connection = null;
            lock (_gate) (_connection, _lastEnding) = (null, ending);
            if (_stop.IsCancellationRequested || !ending.MayReconnect) break;
            if (!await WaitAsync(ending, failures++).ConfigureAwait(false)) break;
        }

        Finish();
    }

    private async Task<(Connection? Connection, Ending Ending)> TryOpenAsync()
    {
        Enter(ClientState.Connecting);
        try
        {
            (Connection connection, Subscription[] before) = await OpenAsync(_stop.Token).ConfigureAwait(false);
            if (_stop.IsCancellationRequested) await connection.CloseAsync().ConfigureAwait(false);
            foreach (Subscription subscription in before) _ = connection.Channels.ResubscribeAsync(subscription);
            return (connection, LastEnding);
        }
        catch (ConnectionLostException lost)
        {
            return (null, lost.Ending);
        }
        catch (OperationCanceledException)
        {
            return (null, LastEnding);
        }
    }

    private async Task<bool> WaitAsync(Ending ending, int failures)
    {
        TimeSpan backoff = Backoff.Wait(failures, _options.BackoffMin, _options.BackoffMax, Random.Shared.NextDouble());
        Task wait = Task.Delay(ending.RetryAfter ?? backoff, _options.Time, _stop.Token);
        Enter(ClientState.Waiting);
        try
        {
            await wait.ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private void Finish()
    {
        Subscription[] subscriptions;
        Ending ending;
        lock (_gate)
        {
            subscriptions = [.. _subscriptions.Values];
            ending = _lastEnding;
            _subscriptions.Clear();
        }

        Exception? failure = _stop.IsCancellationRequested ? null : new ConnectionLostException(ending);
        foreach (Subscription subscription in subscriptions) subscription.Queue.End(failure);
        Enter(ClientState.Closed);
    }

    private void Enter(ClientState state)
    {
        State = state;
        StateChanged.Tell(listener => listener(state));
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
