using Broker.Actors.Model;
using Broker.Identity.Backend;

namespace Broker.Identity.Access;

/// <summary>Tells the backend which client it is.</summary>
internal static class BackendClients
{
    internal static BackendClient Of(Principal principal) =>
        principal.State is ConnectionIdentity identity ? identity.Client : new BackendClient(principal.Client, "websocket", "json", [])
            { User = principal.User };
}
