using Broker.Actors.Model;

namespace Broker.Actors.Channels.Presence;

/// <summary>Who is in a channel: the clients by their ids, and how many users they are. For one thread.</summary>
/// <remarks>
/// Up to a few members it is a list; then a table. A member costs a reference to what its session holds anyway, about 60 bytes in the table
/// and, as each further user, about 60 in the other. Counts cost no walk.
/// </remarks>
public sealed class PresenceTable
{
    private const int ListMax = 8;

    /// <summary>No one.</summary>
    internal static PresenceTable Empty { get; } = new();

    private readonly List<ClientInfo> _few = [];
    private Dictionary<string, ClientInfo>? _members;   // By client, from the ninth on.
    private Dictionary<string, int>? _users;            // Clients of each.

    /// <summary>Clients, and distinct users among them.</summary>
    public PresenceCounts Counts =>
        _members is null ? new PresenceCounts(_few.Count, CountUsers()) : new PresenceCounts(_members.Count, _users!.Count);

    /// <summary>Clients.</summary>
    public int Count => _members?.Count ?? _few.Count;

    /// <summary>All clients, as they are now; the one that keeps them copies.</summary>
    public IReadOnlyCollection<ClientInfo> Members => _members is null ? _few : _members.Values;

    /// <summary>Adds a client, or replaces what is known about it.</summary>
    /// <returns>Whether it was not there before.</returns>
    public bool Add(ClientInfo member)
    {
        ArgumentNullException.ThrowIfNull(member);
        if (_members is null)
        {
            int index = IndexOf(member.Client);
            if (index >= 0)
            {
                _few[index] = member;
                return false;
            }

            if (_few.Count < ListMax)
            {
                _few.Add(member);
                return true;
            }

            Expand();
        }

        bool isReplaced = _members!.Remove(member.Client, out ClientInfo? former);
        if (former is not null) RemoveUser(former.User);
        _members.Add(member.Client, member);
        _users![member.User] = _users.GetValueOrDefault(member.User) + 1;
        return !isReplaced;
    }

    /// <summary>Removes a client.</summary>
    /// <returns>What was known about it, or null if it was not there.</returns>
    public ClientInfo? Remove(string client)
    {
        ClientInfo? member;
        if (_members is null)
        {
            int index = IndexOf(client);
            if (index < 0) return null;
            member = _few[index];
            _few.RemoveAt(index);
            return member;
        }

        if (!_members.Remove(client, out member)) return null;
        RemoveUser(member.User);
        if (_members.Count <= ListMax / 2) Shrink();
        return member;
    }

    private int IndexOf(string client) => _few.FindIndex(each => string.Equals(each.Client, client, StringComparison.Ordinal));

    private int CountUsers()
    {
        int users = 0;
        for (int i = 0; i < _few.Count; i++)
        {
            int first = _few.FindIndex(each => string.Equals(each.User, _few[i].User, StringComparison.Ordinal));
            if (first == i) users++;
        }

        return users;
    }

    private void RemoveUser(string user)
    {
        if (--System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrNullRef(_users!, user) == 0) _users!.Remove(user);
    }

    private void Expand()
    {
        _members = new Dictionary<string, ClientInfo>(StringComparer.Ordinal);
        _users = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (ClientInfo member in _few)
        {
            _members.Add(member.Client, member);
            _users[member.User] = _users.GetValueOrDefault(member.User) + 1;
        }

        _few.Clear();
    }

    private void Shrink()
    {
        _few.AddRange(_members!.Values);
        _members = null;
        _users = null;
    }
}
