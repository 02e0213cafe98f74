using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Broker.Identity.Settings;
using Broker.Actors.Model;
using Microsoft.Extensions.Logging;

namespace Broker.Identity.Backend;

/// <summary>What the backend says to one event.</summary>
/// <typeparam name="T">Its result.</typeparam>
/// <param name="Result">The result, or <c>null</c> if it gave none, or there is an error or a disconnect.</param>
/// <param name="Error">The command fails with this error; <see cref="HubError.Internal"/> if the backend gave no answer.</param>
/// <param name="Disconnect">The connection ends with this reason.</param>
/// <param name="HasFailed">Whether the backend gave no answer.</param>
public readonly record struct BackendAnswer<T>(T? Result, HubError? Error, DisconnectReason? Disconnect, bool HasFailed)
    where T : class;

/// <summary>Asks the application's backend about events of clients, by HTTP, as Centrifugo does. Safe for many threads.</summary>
public sealed class BackendProxy : IDisposable
{
    private readonly ProxySettings _settings;
    private readonly HttpClient _client;
    private readonly BackendMeter _meter = new();
    private readonly BackendEndpoint? _connect, _refresh, _subscribe, _publish, _subRefresh, _rpc;

    /// <summary>Makes a proxy; nothing is connected before the first event.</summary>
    public BackendProxy(ProxySettings settings, TimeProvider time, ILogger log)
    {
        ArgumentNullException.ThrowIfNull(settings);
        _settings = settings;
        _client = BackendEndpoint.CreateClient(settings);
        BackendEndpoint? Open(string name, Uri? url) =>
            url is null ? null : new BackendEndpoint(name, url, _client, settings, time, _meter, log);
        _connect = Open("connect", settings.Connect);
        _refresh = Open("refresh", settings.Refresh);
        _subscribe = Open("subscribe", settings.Subscribe);
        _publish = Open("publish", settings.Publish);
        _subRefresh = Open("sub_refresh", settings.SubRefresh);
        _rpc = Open("rpc", settings.Rpc);
    }

    /// <summary>What is set.</summary>
    public ProxySettings Settings => _settings;

    /// <summary>Asks whether a client without a token may connect.</summary>
    /// <param name="client">Who.</param>
    /// <param name="data">Data of its connect command.</param>
    /// <param name="name">The name of its software.</param>
    /// <param name="version">The version of its software.</param>
    /// <param name="channels">Channels that it wants to be subscribed to.</param>
    /// <param name="cancellationToken">Cancelled when the client goes.</param>
    /// <returns>No result: the backend does not know the client.</returns>
    public ValueTask<BackendAnswer<ConnectBackendResult>> ConnectAsync(
        BackendClient client, ReadOnlyMemory<byte> data, string name, string version, IReadOnlyList<string> channels,
            CancellationToken cancellationToken) =>
        AskAsync(
            _connect,
            client,
            Begin(client).Data(data.Span).TextIfAny("name"u8, name).TextIfAny("version"u8, version).Texts("channels"u8, channels).End(),
            BackendJson.Default.ConnectBackendResult,
            cancellationToken);

    /// <summary>Asks whether a connection that the backend admitted may stay.</summary>
    /// <returns>No result, or an error that the backend gave: it may not.</returns>
    public ValueTask<BackendAnswer<RefreshBackendResult>> RefreshAsync(BackendClient client, CancellationToken cancellationToken) =>
        AskAsync(_refresh, client, WithUser(client).End(), BackendJson.Default.RefreshBackendResult, cancellationToken);

    /// <summary>Asks whether a client may subscribe.</summary>
    /// <returns>No result: it may, by the options of the namespace.</returns>
    public ValueTask<BackendAnswer<SubscribeBackendResult>> SubscribeAsync(
        BackendClient client, string channel, ReadOnlyMemory<byte> data, CancellationToken cancellationToken) =>
        AskAsync(_subscribe, client, WithUser(client).Text("channel"u8, channel).Data(data.Span).End(),
            BackendJson.Default.SubscribeBackendResult, cancellationToken);

    /// <summary>Asks whether a client may publish, and what.</summary>
    /// <returns>No result: it may, and what it said.</returns>
    public ValueTask<BackendAnswer<PublishBackendResult>> PublishAsync(
        BackendClient client, string channel, ReadOnlyMemory<byte> data, CancellationToken cancellationToken) =>
        AskAsync(_publish, client, WithUser(client).Text("channel"u8, channel).Data(data.Span).End(),
            BackendJson.Default.PublishBackendResult, cancellationToken);

    /// <summary>Asks whether a subscription that the backend granted may stay.</summary>
    /// <returns>No result, or an error that the backend gave: it may not.</returns>
    public ValueTask<BackendAnswer<RefreshBackendResult>> SubRefreshAsync(
        BackendClient client, string channel, CancellationToken cancellationToken) =>
        AskAsync(_subRefresh, client, WithUser(client).Text("channel"u8, channel).End(), BackendJson.Default.RefreshBackendResult,
            cancellationToken);

    /// <summary>Calls a method of the backend.</summary>
    public ValueTask<BackendAnswer<RpcBackendResult>> RpcAsync(
        BackendClient client, string method, ReadOnlyMemory<byte> data, CancellationToken cancellationToken) =>
        AskAsync(_rpc, client, WithUser(client).TextIfAny("method"u8, method).Data(data.Span).End(), BackendJson.Default.RpcBackendResult,
            cancellationToken);

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (BackendEndpoint? endpoint in (ReadOnlySpan<BackendEndpoint?>)[_connect, _refresh, _subscribe, _publish, _subRefresh, _rpc])
            endpoint?.Dispose();
        _client.Dispose();
        _meter.Dispose();
    }

    private BackendRequest Begin(BackendClient client)
    {
        BackendRequest request = BackendRequest.Begin(client, _settings.Binary);
        return _settings.IncludeMeta ? request.Json("meta"u8, client.Meta.Span) : request;
    }

    private BackendRequest WithUser(BackendClient client) => Begin(client).Text("user"u8, client.User);

    private static async ValueTask<BackendAnswer<T>> AskAsync<T>(
        BackendEndpoint? endpoint, BackendClient client, ReadOnlyMemory<byte> body, JsonTypeInfo<T> type,
            CancellationToken cancellationToken)
        where T : class
    {
        if (endpoint is null) return new BackendAnswer<T>(null, HubError.NotAvailable, null, HasFailed: false);
        BackendReply reply = await endpoint.AskAsync(body, client.Headers, cancellationToken).ConfigureAwait(false);
        if (reply.Result is not { } result) return new BackendAnswer<T>(null, reply.Error, reply.Disconnect, reply.HasFailed);
        try
        {
            return new BackendAnswer<T>(result.Deserialize(type), null, null, HasFailed: false);
        }
        catch (JsonException)
        {
            return new BackendAnswer<T>(null, HubError.Internal, null, HasFailed: true);
        }
    }
}
