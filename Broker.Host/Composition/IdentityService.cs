using Broker.Actors.Api;
using Broker.Actors.Calls.Methods;
using Broker.Actors.Sessions;
using Broker.Actors.Access;
using Broker.Actors.Channels.Namespaces;
using Broker.Dialects;
using Broker.AspNetCore.Api;
using Broker.Host.Reloading;
using Broker.Host.Settings;
using Broker.Identity.Access;
using Broker.Identity.Revocation;
using Broker.Identity.Settings;
using Microsoft.Extensions.Logging;

namespace Broker.Host.Composition;

/// <summary>Tokens, revocations, the backend and the server API of the process.</summary>
/// <remarks>
/// Without a key or a backend in the settings the hub's own rules decide, and nothing of this costs a connection anything.
/// </remarks>
internal sealed class IdentityService : IDisposable
{
    private readonly IdentitySettings _settings;
    private readonly ILoggerFactory _logs;
    private readonly IdentityAccess? _access;
    private readonly RevocationFile? _revocations;
    private readonly ApiKeys _keys;

    /// <summary>Opens what the settings ask for.</summary>
    /// <exception cref="InvalidDataException">The file of revocations cannot be read.</exception>
    internal IdentityService(HostSettings settings, ILoggerFactory logs, TimeProvider time)
    {
        _settings = settings.Identity;
        _keys = new ApiKeys(_settings.Api.Keys);
        _logs = logs;
        if (!IdentityAccess.IsNeeded(_settings)) return;
        ILogger log = logs.CreateLogger("Broker.Identity");
        _access = IdentityAccess.Create(_settings, settings.Hub.Hub, time, log);
        try
        {
            if (_settings.Revocation.File.Length > 0)
                _revocations =
                    new RevocationFile(_settings.Revocation.File, _settings.Revocation.EntriesMax, _access.Revocations, time, log);
        }
        catch
        {
            _access.Dispose();
            throw;
        }
    }

    /// <summary>Decides who may do what; <c>null</c> for the hub's own rules.</summary>
    internal IHubAccess? Access => _access;

    /// <summary>What answers calls of methods that the hub does not have.</summary>
    internal IEnumerable<IMethodSource> Methods => _access?.Methods is { } methods ? [methods] : [];

    /// <summary>What takes changed settings while the process runs.</summary>
    internal ReloadPart KeysPart => new(["broker.api.keys"], static _ => null, next => _keys.Apply(next.Identity.Api.Keys));

    /// <summary>The hub's settings, with what access needs of its connections.</summary>
    internal StandardSettings Complete(StandardSettings settings) =>
        _access is null ? settings : settings with { Hub = _access.Complete(settings.Hub) };

    /// <summary>Takes the hub, once there is one.</summary>
    /// <param name="hub">The hub.</param>
    /// <param name="cluster">The cluster that it is in; null for none.</param>
    /// <returns>The server API; <c>null</c> of a hub that has none.</returns>
    internal ApiRoute? Attach(IHubApi? hub, IClusterControl? cluster = null)
    {
        if (hub is null) return null;
        _access?.Attach((user, client, reason) => hub.DisconnectAsync(new UserConnections(user, client), reason));
        _ = _access?.WarmAsync();
        return new ApiRoute(
            new ApiMethods(hub, _access?.Revocations, Environment.MachineName)
                { Cluster = cluster }, _keys, _settings.Api, _logs.CreateLogger("Broker.Api"));
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _revocations?.Dispose();
        _access?.Dispose();
    }
}
