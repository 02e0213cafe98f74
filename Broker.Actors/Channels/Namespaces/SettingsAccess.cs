using Broker.Actors.Access;
using Broker.Actors.Channels.Namespaces;
using Broker.Actors.Model;

namespace Broker.Actors.Channels.Namespaces;

/// <summary>The rules that hold where an application brings none: switches in the settings, and no tokens. It answers at once.</summary>
/// <param name="settings">The switches, which hold for all channels.</param>
/// <param name="namespaces">
/// The rules of each channel's namespace, which hold where the switches let it; without any every channel is open.
/// </param>
public sealed class SettingsAccess(AccessSettings settings, ChannelNamespaces? namespaces = null) : IHubAccess
{
    private readonly ChannelNamespaces _namespaces = namespaces ?? ChannelNamespaces.Default;

    /// <inheritdoc />
    public ValueTask<AuthenticationResult> AuthenticateAsync(AuthenticationRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);

        // Tokens cannot be verified here, and one that is not verified is no proof.
        AuthenticationResult result = request.Token.Length > 0 ? AuthenticationResult.Reject(DisconnectReason.InvalidToken)
            : settings.Anonymous ? AuthenticationResult.Anonymous
            : AuthenticationResult.Reject(DisconnectReason.PermissionDenied);
        return new ValueTask<AuthenticationResult>(result);
    }

    /// <inheritdoc />
    public ValueTask<AuthorizationResult> AuthorizeAsync(AuthorizationRequest request, CancellationToken cancellationToken) =>
        new(Check(request));

    private AuthorizationResult Check(in AuthorizationRequest request) => request.Action switch
    {
        _ when request.Subject.Length == 0 => AuthorizationResult.Reject(HubError.BadRequest),
        _ when request.Token.Length > 0 => AuthorizationResult.Reject(HubError.NotAvailable),
        HubAction.Call => AuthorizationResult.Allowed,
        HubAction.Publish when settings.Publish => CheckNamespace(request),
        HubAction.Subscribe or HubAction.History or HubAction.Presence when settings.Subscribe => CheckNamespace(request),
        _ => AuthorizationResult.Reject(HubError.PermissionDenied),
    };

    private AuthorizationResult CheckNamespace(in AuthorizationRequest request)
    {
        if (!_namespaces.TryResolve(request.Subject, out ChannelNamespace? options, out HubError unknown))
            return AuthorizationResult.Reject(unknown);
        HubError? rejected = ChannelRules.Check(request.Action, request.Subject, options, request.Principal.User, request.IsSubscribed);
        return rejected is { } error ? AuthorizationResult.Reject(error) : AuthorizationResult.Allowed;
    }
}

/// <summary>What clients may do where an application brings no rules of its own.</summary>
public sealed record AccessSettings
{
    /// <summary>Whether a client without a token may connect.</summary>
    public bool Anonymous { get; init; } = true;

    /// <summary>Whether clients may subscribe to channels by themselves.</summary>
    public bool Subscribe { get; init; } = true;

    /// <summary>Whether clients may publish.</summary>
    public bool Publish { get; init; } = true;
}
