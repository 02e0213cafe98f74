using System.Text;
using Broker.Actors.Access;
using Broker.Actors.Model;
using Broker.Identity.Backend;
using Broker.Identity.Settings;
using Broker.Identity.Tokens;

namespace Broker.Identity.Access;

/// <summary>Decides about a connect.</summary>
internal sealed class ConnectAccess(IdentityAccess access)
{
    private const string Bearer = "Bearer ";

    internal ValueTask<AuthenticationResult> AuthenticateAsync(AuthenticationRequest request, CancellationToken cancellationToken)
    {
        ReadOnlyMemory<byte> token = TokenOf(request);
        if (!token.IsEmpty) return ByTokenAsync(request, token, cancellationToken);
        if (access.Backend is { Settings.Connect: not null } backend) return ByBackendAsync(backend, request, cancellationToken);
        return access.Rules.AuthenticateAsync(request, cancellationToken);
    }

    // In the connect command; else, for dialects and clients that cannot put it there, in the upgrade's Authorization or query.
    private static ReadOnlyMemory<byte> TokenOf(AuthenticationRequest request)
    {
        if (!request.Token.IsEmpty) return request.Token;
        if (request.UpgradeHeaders.TryGetValue("authorization", out string? header)
            && header.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase))
            return Encoding.UTF8.GetBytes(header[Bearer.Length..].Trim());
        int query = request.Target.IndexOf('?', StringComparison.Ordinal);
        if (query < 0) return default;
        foreach (Range part in request.Target.AsSpan(query + 1).Split('&'))
        {
            ReadOnlySpan<char> member = request.Target.AsSpan(query + 1)[part];
            if (member.StartsWith("token=")) return Encoding.UTF8.GetBytes(Uri.UnescapeDataString(member["token=".Length..]));
        }

        return default;
    }

    private ValueTask<AuthenticationResult> ByTokenAsync(
        AuthenticationRequest request, ReadOnlyMemory<byte> token, CancellationToken cancellationToken)
    {
        if (access.Verifiers.Connections is not { } verifier)
            return new(Refuse(request, TokenResult.Invalid("no key is set, so no token can be verified")));
        ValueTask<TokenResult> verification = verifier.VerifyAsync(token, cancellationToken);
        return verification.IsCompletedSuccessfully ? new(Judge(request, verification.Result, cancellationToken))
            : AwaitAsync(verification);

        async ValueTask<AuthenticationResult> AwaitAsync(ValueTask<TokenResult> pending) =>
            Judge(request, await pending.ConfigureAwait(false), cancellationToken);
    }

    private AuthenticationResult Judge(AuthenticationRequest request, TokenResult result, CancellationToken cancellationToken)
    {
        if (result.Claims is not { } claims) return Refuse(request, result);
        if (claims.Channel is not null) return Refuse(request, TokenResult.Invalid("it is a subscription token"));
        if (access.Revocations.Covers(claims.User, claims.TokenId, claims.IssuedAt))
            return Refuse(request, TokenResult.Invalid("it is revoked, or its user is blocked"));
        var subscriptions = new List<ServerSubscription>(claims.Subscriptions.Select(ToServer));
        var identity =
            new ConnectionIdentity(ClientOf(request, claims.User, claims.Meta))
                { Channels = [.. claims.Subscriptions.Select(each => each.Channel).Order(StringComparer.Ordinal)] };
        return Admit(
            AuthenticationResult.Admit(claims.User) with { ExpiresAt = claims.GrantEndsAt, ConnectionInfo = claims.Info, State = identity },
            subscriptions,
            new LiveConnection(claims.User, request.Client, claims.TokenId, claims.IssuedAt),
            cancellationToken);
    }

    private AuthenticationResult Refuse(AuthenticationRequest request, TokenResult result)
    {
        IdentityLog.Refused(access.Log, "connection", request.Client, request.Remote.ToString(), result.Reason);
        return result.Status switch
        {
            TokenStatus.Expired => AuthenticationResult.Reject(HubError.TokenExpired),
            TokenStatus.KeysUnavailable => AuthenticationResult.Reject(HubError.Internal),
            _ => AuthenticationResult.Reject(DisconnectReason.InvalidToken),
        };
    }

    private async ValueTask<AuthenticationResult> ByBackendAsync(
        BackendProxy backend, AuthenticationRequest request, CancellationToken cancellationToken)
    {
        BackendClient client = ClientOf(request, "", default);
        BackendAnswer<ConnectBackendResult> answer =
            await backend.ConnectAsync(client, request.Data, request.Name, request.Version, request.Channels, cancellationToken)
                .ConfigureAwait(false);
        if (answer.Disconnect is { } reason) return AuthenticationResult.Reject(reason);
        if (answer.Error is { } error) return AuthenticationResult.Reject(error);

        // "Not authenticated": it comes in if anonymous clients do.
        if (answer.Result is not { } result) return await access.Rules.AuthenticateAsync(request, cancellationToken).ConfigureAwait(false);
        string user = result.User ?? "";
        if (access.Revocations.Covers(user, "", null)) return AuthenticationResult.Reject(DisconnectReason.PermissionDenied);
        var identity =
            new ConnectionIdentity(client with { User = user, Meta = BackendResults.BytesOf(result.Meta, null) }) { IsByBackend = true };
        IEnumerable<ServerSubscription> subscriptions = result.Subs is { Count: > 0 } subs
            ? subs.Select(each => ToServer(each.Key, each.Value))
            : (result.Channels ?? []).Select(channel => new ServerSubscription(channel));
        return Admit(
            AuthenticationResult.Admit(user) with
            {
                ExpiresAt = BackendResults.TimeOf(result.ExpireAt),
                ClientRefreshes = backend.Settings.Refresh is null,
                ConnectionInfo = BackendResults.BytesOf(result.Info, result.BinaryInfo),
                GrantsWantedChannels = false,
                Data = BackendResults.BytesOf(result.Data, result.BinaryData),
                State = identity,
            },
            [.. subscriptions],
            new LiveConnection(user, request.Client, "", null),
            cancellationToken);
    }

    private AuthenticationResult Admit(
        AuthenticationResult result, List<ServerSubscription> subscriptions, LiveConnection connection, CancellationToken cancellationToken)
    {
        PersonalChannelSettings personal = access.Settings.PersonalChannel;
        if (personal.Enabled && result.User.Length > 0)
        {
            string channel = personal.Namespace.Length == 0 ? $"#{result.User}" : $"{personal.Namespace}:#{result.User}";
            if (!subscriptions.Exists(each => each.Channel == channel)) subscriptions.Add(new ServerSubscription(channel));
        }

        if (subscriptions.Count > access.Channels.ChannelsMax) return AuthenticationResult.Reject(DisconnectReason.ChannelLimit);
        foreach (ServerSubscription subscription in subscriptions)
        {
            if (access.Channels.Check(subscription.Channel) is { } error) return AuthenticationResult.Reject(error);
        }

        bool isSingle = personal is { Enabled: true, SingleConnection: true } && result.User.Length > 0;
        IReadOnlyList<LiveConnection> older = isSingle ? access.Connections.Of(result.User) : [];
        if (!access.Connections.TryAdd(connection, isSingle ? 0 : access.Settings.UserConnectionsMax))
            return AuthenticationResult.Reject(DisconnectReason.ConnectionLimit);
        foreach (LiveConnection each in older) access.Disconnect(each.User, each.Client, DisconnectReason.ConnectionLimit);

        // The token is cancelled when the client goes, so nothing is left of it here.
        cancellationToken.UnsafeRegister(static state => ((Departure)state!).Invoke(), new Departure(access.Connections, connection));
        return result with { Subscriptions = subscriptions };
    }

    private BackendClient ClientOf(AuthenticationRequest request, string user, ReadOnlyMemory<byte> meta)
    {
        ProxySettings proxy = access.Settings.Proxy;
        var headers = new List<KeyValuePair<string, string>>();
        foreach (string name in proxy.Headers)
        {
            // What carried the client stands over what the client wrote into its command.
            if (request.UpgradeHeaders.TryGetValue(name.ToLowerInvariant(), out string? value))
                headers.Add(KeyValuePair.Create(name, value));
        }

        foreach (string name in proxy.EmulatedHeaders)
        {
            if (headers.Exists(each => each.Key.Equals(name, StringComparison.OrdinalIgnoreCase))) continue;
            string? value = request.Headers.FirstOrDefault(each => each.Key.Equals(name, StringComparison.OrdinalIgnoreCase)).Value;
            if (value is not null && !value.Any(char.IsControl)) headers.Add(KeyValuePair.Create(name, value));
        }

        string protocol = request.Dialect switch
        {
            "centrifuge" => "json",
            "centrifuge-protobuf" => "protobuf",
            var dialect => dialect,
        };
        return new BackendClient(request.Client, request.Transport, protocol, headers) { User = user, Meta = meta };
    }

    private static ServerSubscription ToServer(TokenSubscription subscription) => new(subscription.Channel)
    {
        ChannelInfo = subscription.Info,
        Data = subscription.Data,
        Presence = subscription.Override.Presence,
        JoinLeave = subscription.Override.JoinLeave,
        Recoverable = subscription.Override.ForceRecovery,
        Positioned = subscription.Override.ForcePositioning,
    };

    private static ServerSubscription ToServer(string channel, SubscribeBackendResult result)
    {
        SubscriptionOverride options = result.Override?.ToOverride() ?? default;
        return new ServerSubscription(channel)
        {
            ChannelInfo = BackendResults.BytesOf(result.Info, result.BinaryInfo),
            Data = BackendResults.BytesOf(result.Data, result.BinaryData),
            Presence = options.Presence,
            JoinLeave = options.JoinLeave,
            Recoverable = options.ForceRecovery,
            Positioned = options.ForcePositioning,
        };
    }

    private sealed record Departure(LiveConnections Connections, LiveConnection Connection)
    {
        internal void Invoke() => Connections.Remove(Connection);
    }
}
