using System.Collections.Concurrent;
using Broker.Identity.Revocation;

namespace Broker.Identity.Access;

/// <summary>
/// Connections that have come in by a token or the backend, by user, so that they can be counted and ended. Safe for many threads.
/// </summary>
public sealed class LiveConnections
{
    private readonly ConcurrentDictionary<string, UserEntry> _users = new(StringComparer.Ordinal);

    /// <summary>Users with a connection.</summary>
    public int Users => _users.Count;

    /// <summary>Adds a connection.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="perUserMax">Connections that its user may have; 0 for any number. An anonymous user may always have any number.</param>
    /// <returns>Whether there was room.</returns>
    internal bool TryAdd(LiveConnection connection, int perUserMax)
    {
        while (true)
        {
            UserEntry entry = _users.GetOrAdd(connection.User, static _ => new UserEntry());
            lock (entry)
            {
                if (entry.IsGone) continue; // Its last connection left between the two lines above.
                if (perUserMax > 0 && connection.User.Length > 0 && entry.Connections.Count >= perUserMax) return false;
                entry.Connections.Add(connection);
                return true;
            }
        }
    }

    /// <summary>A connection has ended.</summary>
    internal void Remove(LiveConnection connection)
    {
        if (!_users.TryGetValue(connection.User, out UserEntry? entry)) return;
        lock (entry)
        {
            entry.Connections.Remove(connection);
            if (entry.Connections.Count > 0 || entry.IsGone) return;
            entry.IsGone = true;
            _users.TryRemove(connection.User, out _);
        }
    }

    /// <summary>Connections of one user.</summary>
    internal IReadOnlyList<LiveConnection> Of(string user)
    {
        if (!_users.TryGetValue(user, out UserEntry? entry)) return [];
        lock (entry) return [.. entry.Connections];
    }

    /// <summary>Connections that a revocation ends.</summary>
    internal IReadOnlyList<LiveConnection> CoveredBy(Revoked entry) =>
    [
        .. (entry.Kind == RevokedKind.Token ? _users.Keys.SelectMany(Of) : Of(entry.Id))
            .Where(connection => entry.Covers(connection.User, connection.TokenId, connection.IssuedAt)),
    ];

    private sealed class UserEntry
    {
        internal HashSet<LiveConnection> Connections { get; } = new(ReferenceEqualityComparer.Instance);

        internal bool IsGone { get; set; }
    }
}

/// <summary>A connection, and by what it came in.</summary>
/// <param name="User">The user; empty for an anonymous one.</param>
/// <param name="Client">The connection's id.</param>
/// <param name="TokenId">The id of its token; empty for none.</param>
/// <param name="IssuedAt">When its token was issued; <c>null</c> if unknown.</param>
internal sealed record LiveConnection(string User, string Client, string TokenId, DateTimeOffset? IssuedAt);
