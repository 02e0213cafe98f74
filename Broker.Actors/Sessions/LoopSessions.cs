using Akka.Actor;

namespace Broker.Actors.Sessions;

/// <summary>The clients of one loop that have connected, by their users. For the loop's thread.</summary>
internal sealed class LoopSessions
{
    private readonly Dictionary<string, Dictionary<string, IActorRef>> _users = new(StringComparer.Ordinal);

    /// <summary>The users, each with its clients.</summary>
    internal IReadOnlyCollection<string> Users => _users.Keys;

    /// <summary>Clients.</summary>
    internal int Count { get; private set; }

    internal void Add(string user, string client, IActorRef session)
    {
        if (!_users.TryGetValue(user, out Dictionary<string, IActorRef>? clients))
            _users.Add(user, clients = new Dictionary<string, IActorRef>(StringComparer.Ordinal));
        if (clients.TryAdd(client, session)) Count++;
    }

    internal void Remove(string user, string client)
    {
        if (!_users.TryGetValue(user, out Dictionary<string, IActorRef>? clients) || !clients.Remove(client)) return;
        Count--;
        if (clients.Count == 0) _users.Remove(user);
    }

    /// <summary>The clients that a server names.</summary>
    internal IEnumerable<KeyValuePair<string, IActorRef>> Find(UserConnections target)
    {
        if (!_users.TryGetValue(target.User, out Dictionary<string, IActorRef>? clients)) return [];
        if (target.Client is not { } client) return clients;
        return clients.TryGetValue(client, out IActorRef? session) ? [KeyValuePair.Create(client, session)] : [];
    }
}
