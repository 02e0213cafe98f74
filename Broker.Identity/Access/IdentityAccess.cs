using Broker.Actors.Calls.Methods;
using Broker.Actors.Access;
using Broker.Actors.Channels.Namespaces;
using Broker.Actors.Model;
using Broker.Actors.Settings;
using Broker.Identity.Backend;
using Broker.Identity.Revocation;
using Broker.Identity.Settings;
using Broker.Identity.Tokens;
using Microsoft.Extensions.Logging;

namespace Broker.Identity.Access;

/// <summary>Decides by tokens, and by what the application's backend says; what neither grants, the hub's own rules decide.</summary>
/// <remarks>
/// <code>
///   connect     token given: the token, and no other component is asked
///               else the backend, where broker.proxy.connect is set
///               else the rules: anonymous clients come in or not
///   subscribe   token given: the token
///               else a channel limited to users: the rules
///               else the backend, in namespaces that say so
///               else the rules
///   publish     the backend, in namespaces that say so; else the rules
/// </code>
/// Safe for many threads. A token that is verified with a key at hand is answered at once.
/// </remarks>
public sealed class IdentityAccess : IHubAccess, IDisposable
{
    private const string AuthorizationHeader = "authorization";

    private readonly IdentitySettings _settings;
    private readonly IHubAccess _rules;
    private readonly IChannelPolicies _channels;
    private readonly ILogger _log;
    private readonly ConnectAccess _connect;
    private readonly SubscribeAccess _subscribe;
    private readonly RefreshAccess _refresh;
    private readonly TimeProvider _time;
    private Func<string, string, DisconnectReason, Task>? _disconnect;

    /// <summary>Makes the access of a hub.</summary>
    /// <param name="settings">Settings that have been checked.</param>
    /// <param name="rules">The hub's own rules.</param>
    /// <param name="channels">What namespaces say.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">Gets why a token is refused (at debug), and when keys or the backend cannot be reached.</param>
    public IdentityAccess(IdentitySettings settings, IHubAccess rules, IChannelPolicies channels, TimeProvider time, ILogger log)
    {
        ArgumentNullException.ThrowIfNull(settings);
        _settings = settings;
        _rules = rules;
        _channels = channels;
        _time = time;
        _log = log;
        Verifiers = TokenVerifiers.Create(settings, time, log);
        Revocations = new RevocationList(settings.Revocation.EntriesMax, time);
        Backend = settings.Proxy.Endpoints.Any() ? new BackendProxy(settings.Proxy, time, log) : null;
        _connect = new ConnectAccess(this);
        _subscribe = new SubscribeAccess(this);
        _refresh = new RefreshAccess(this);
        Revocations.Added += OnRevoked;
    }

    /// <summary>Makes the access of a hub with its own rules and namespaces.</summary>
    /// <param name="settings">Settings that have been checked; see <see cref="IsNeeded"/>.</param>
    /// <param name="hub">The hub's settings.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">As above.</param>
    public static IdentityAccess Create(IdentitySettings settings, HubSettings hub, TimeProvider time, ILogger log)
    {
        ArgumentNullException.ThrowIfNull(hub);
        var namespaces = new ChannelNamespaces(hub.Channels, hub.Namespaces);
        return new IdentityAccess(
            settings, new SettingsAccess(hub.Access, namespaces), new NamespacePolicies(namespaces, hub.Clients.ChannelsMax), time, log);
    }

    /// <summary>Completes a hub's settings with what access needs of its connections: headers of their requests.</summary>
    public HubSettings Complete(HubSettings hub)
    {
        ArgumentNullException.ThrowIfNull(hub);
        string[] headers = [.. _settings.Proxy.Headers.Append(AuthorizationHeader).Distinct(StringComparer.OrdinalIgnoreCase)];
        return hub with { Clients = hub.Clients with { UpgradeHeaders = headers } };
    }

    /// <summary>Whether settings ask for anything that the hub's own rules do not do.</summary>
    public static bool IsNeeded(IdentitySettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        return settings.Tokens.IsEnabled || settings.SubscriptionTokens is not null || settings.Proxy.Endpoints.Any();
    }

    /// <summary>What passes calls of unknown methods on to the backend; <c>null</c> without <c>broker.proxy.rpc</c>.</summary>
    public IMethodSource? Methods => Backend is { Settings.Rpc: not null } backend ? new RpcAccess(this, backend) : null;

    /// <summary>What is refused before its time.</summary>
    public RevocationList Revocations { get; }

    /// <summary>Connections that came in by a token or the backend.</summary>
    public LiveConnections Connections { get; } = new();

    internal IdentitySettings Settings => _settings;

    internal TokenVerifiers Verifiers { get; }

    internal BackendProxy? Backend { get; }

    internal IHubAccess Rules => _rules;

    internal IChannelPolicies Channels => _channels;

    internal TimeProvider Time => _time;

    internal ILogger Log => _log;

    /// <summary>
    /// Gives it what ends connections, once there is a hub: those whose tokens are revoked, and older ones of a user that may have one.
    /// </summary>
    /// <param name="disconnect">Ends a connection by its user, its id and a reason.</param>
    public void Attach(Func<string, string, DisconnectReason, Task> disconnect) => _disconnect = disconnect;

    /// <summary>Fetches the keys, so that the first client does not wait for them.</summary>
    public Task WarmAsync() => Verifiers.WarmAsync();

    /// <inheritdoc />
    public ValueTask<AuthenticationResult> AuthenticateAsync(AuthenticationRequest request, CancellationToken cancellationToken) =>
        _connect.AuthenticateAsync(request, cancellationToken);

    /// <inheritdoc />
    public ValueTask<AuthorizationResult> AuthorizeAsync(AuthorizationRequest request, CancellationToken cancellationToken) =>
        request.Action switch
    {
        HubAction.Subscribe => _subscribe.AuthorizeAsync(request, cancellationToken),
        HubAction.Publish when Backend is { Settings.Publish: not null } && _channels.UsesPublishProxy(request.Subject) =>
            PublishAccess.AuthorizeAsync(Backend, request, cancellationToken),
        _ => _rules.AuthorizeAsync(request, cancellationToken),
    };

    /// <inheritdoc />
    public ValueTask<RefreshResult> RefreshAsync(RefreshRequest request, CancellationToken cancellationToken) =>
        _refresh.RefreshAsync(request, cancellationToken);

    /// <inheritdoc />
    public void Dispose()
    {
        Revocations.Added -= OnRevoked;
        Verifiers.Dispose();
        Backend?.Dispose();
    }

    /// <summary>Ends a connection.</summary>
    internal void Disconnect(string user, string client, DisconnectReason reason)
    {
        if (_disconnect is { } disconnect) _ = LogFailureAsync(disconnect(user, client, reason));
    }

    private void OnRevoked(IReadOnlyList<Revoked> entries)
    {
        foreach (Revoked entry in entries)
        {
            DisconnectReason reason = entry.Kind == RevokedKind.User ? DisconnectReason.PermissionDenied : DisconnectReason.InvalidToken;
            foreach (LiveConnection connection in Connections.CoveredBy(entry)) Disconnect(connection.User, connection.Client, reason);
        }
    }

    private async Task LogFailureAsync(Task disconnect)
    {
        try
        {
            await disconnect.ConfigureAwait(false);
        }
#pragma warning disable CA1031 // No caller waits for it; the log has it.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            IdentityLog.DisconnectFailed(_log, failure);
        }
    }
}
