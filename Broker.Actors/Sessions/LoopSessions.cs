using Akka.Actor;
using Broker.Actors.Model;

namespace Broker.Actors.Sessions;

/// <summary>The clients of one loop that have connected, by their ids and by their users. For the loop's thread.</summary>
/// <remarks>Anonymous clients are not indexed by their user, which all of them share: what names them all looks at every client.</remarks>
internal sealed class LoopSessions
{
    private readonly ClientTable _clients = new();
    private readonly Dictionary<string, ClientIds> _users = new(StringComparer.Ordinal);    // Without the anonymous ones.
    private int _anonymous;

    // Most users have one client.
    private readonly record struct ClientIds(string Only, HashSet<string>? Several);

    /// <summary>The users that have a client.</summary>
    internal IEnumerable<string> Users => _anonymous == 0 ? _users.Keys : _users.Keys.Append("");

    /// <summary>Clients.</summary>
    internal int Count => _clients.Count;

    internal void Add(Principal principal, IActorRef session)
    {
        if (!_clients.TryAdd(principal, session)) return;
        (string user, string client) = (principal.User, principal.Client);
        if (user.Length == 0) _anonymous++;
        else if (!_users.TryGetValue(user, out ClientIds ids)) _users.Add(user, new ClientIds(client, Several: null));
        else if (ids.Several is { } several) several.Add(client);
        else _users[user] = new ClientIds("", new HashSet<string>(StringComparer.Ordinal) { ids.Only, client });
    }

    internal void Remove(Principal principal)
    {
        if (!_clients.Remove(principal.Client)) return;
        if (principal.User.Length == 0)
        {
            _anonymous--;
            return;
        }

        HashSet<string>? several = _users[principal.User].Several;
        several?.Remove(principal.Client);
        if (several is null or { Count: 0 }) _users.Remove(principal.User);
    }

    /// <summary>The session of a client of any user.</summary>
    internal IActorRef? Find(string client) => _clients.Find(client)?.Session;

    /// <summary>The clients that a server names.</summary>
    internal IEnumerable<(string Client, IActorRef Session)> Find(UserConnections target)
    {
        if (target.Client is { } client)
        {
            return _clients.Find(client) is { } found && string.Equals(found.Principal.User, target.User, StringComparison.Ordinal)
                ? [(client, found.Session)] : [];
        }

        if (target.User.Length == 0)
            return from each in _clients.All where each.Principal.User.Length == 0 select (each.Principal.Client, each.Session);
        if (!_users.TryGetValue(target.User, out ClientIds ids)) return [];
        IEnumerable<string> clients = ids.Several is { } several ? several : [ids.Only];
        return clients.Select(each => (each, _clients.Find(each)!.Value.Session));
    }
}
