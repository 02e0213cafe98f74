using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Broker.Core.Protocol.Messages;
using Microsoft.Extensions.Logging;

namespace Broker.Client;

/// <content>The connection is made, and made again whenever it is lost.</content>
public sealed partial class BrokerClient
{
    private Connection Current()
    {
        lock (_gate) return _connection ?? throw new ConnectionLostException(_lastClose);
    }

    // With the subscriptions from before: what subscribes from now on does so on this connection by itself.
    private async Task<(Connection Connection, Subscription[] Before)> OpenAsync(CancellationToken cancellationToken)
    {
        (System.Net.WebSockets.ClientWebSocket socket, Agreement agreement) =
            await Handshake.ConnectAsync(_options, cancellationToken).ConfigureAwait(false);
        var connection = new Connection(socket, agreement, _options);
        Subscription[] before;
        lock (_gate)
        {
            _connection = connection;
            before = [.. _subscriptions.Values];
        }

        MessageBytesMax = connection.MessageBytesMax;
        ClientLog.Connected(_log, _options.Url, connection.ClientId);
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
            CloseInfo closeInfo;
            if (connection is not null)
            {
                long since = _options.Time.GetTimestamp();
                closeInfo = await connection.Ended.ConfigureAwait(false);

                // One that the hub took in and threw out at once is a failure like any other.
                if (_options.Time.GetElapsedTime(since) >= _options.BackoffMax) failures = 0;
            }
            else
            {
                (connection, closeInfo) = await TryOpenAsync().ConfigureAwait(false);
                if (connection is not null) continue;
            }

            connection = null;
            lock (_gate) (_connection, _lastClose) = (null, closeInfo);
            if (_stop.IsCancellationRequested) break;
            if (!closeInfo.MayReconnect)
            {
                ClientLog.ClosedByHub(_log, _options.Url, closeInfo.Code, closeInfo.Text);
                break;
            }

            ClientLog.ConnectionLost(_log, _options.Url, closeInfo.Code, closeInfo.Text);
            if (!await WaitAsync(closeInfo, failures++).ConfigureAwait(false)) break;
        }

        Finish();
    }

    private async Task<(Connection? Connection, CloseInfo CloseInfo)> TryOpenAsync()
    {
        Enter(ClientState.Connecting);
        try
        {
            (Connection connection, Subscription[] before) = await OpenAsync(_stop.Token).ConfigureAwait(false);
            if (_stop.IsCancellationRequested) await connection.CloseAsync().ConfigureAwait(false);
            foreach (Subscription subscription in before) _ = connection.Channels.ResubscribeAsync(subscription);
            return (connection, LastClose);
        }
        catch (ConnectionLostException lost)
        {
            return (null, lost.CloseInfo);
        }
        catch (OperationCanceledException)
        {
            return (null, LastClose);
        }
    }

    private async Task<bool> WaitAsync(CloseInfo closeInfo, int failures)
    {
        TimeSpan backoff = Backoff.Wait(failures, _options.BackoffMin, _options.BackoffMax, Random.Shared.NextDouble());
        Task wait = Task.Delay(closeInfo.RetryAfter ?? backoff, _options.Time, _stop.Token);
        ClientLog.WaitingToReconnect(_log, _options.Url, closeInfo.RetryAfter ?? backoff);
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
        CloseInfo closeInfo;
        lock (_gate)
        {
            subscriptions = [.. _subscriptions.Values];
            closeInfo = _lastClose;
            _subscriptions.Clear();
        }

        Exception? failure = _stop.IsCancellationRequested ? null : new ConnectionLostException(closeInfo);
        foreach (Subscription subscription in subscriptions) subscription.Queue.End(failure);
        Enter(ClientState.Closed);
    }

    private void Enter(ClientState state)
    {
        State = state;
        StateChanged.Notify(listener => listener(state));
    }
}
