using System.Collections.Concurrent;

namespace Broker.Identity.Revocation;

/// <summary>What is refused before its time: tokens by id, users, and users' tokens by age. Safe for many threads.</summary>
/// <remarks>Entries of the file and of the server API stand beside each other; a change of the file does not touch the others.</remarks>
/// <param name="entriesMax">Most entries.</param>
/// <param name="time">The clock.</param>
public sealed class RevocationList(int entriesMax, TimeProvider time)
{
    private readonly ConcurrentDictionary<(RevokedKind Kind, string Id), Revoked> _added = new();
    private volatile Dictionary<(RevokedKind Kind, string Id), Revoked> _ofFile = [];

    /// <summary>Raised after an entry has been added, for those who have to close what has come in by it.</summary>
    public event Action<IReadOnlyList<Revoked>>? Added;

    /// <summary>Entries in force, those of the file included.</summary>
    public int Count => _added.Count + _ofFile.Count;

    /// <summary>Whether a connection or a token is refused.</summary>
    /// <param name="user">The user; an anonymous one is never refused as a user.</param>
    /// <param name="tokenId">The id of its token; empty for none.</param>
    /// <param name="issuedAt">When its token was issued; <c>null</c> if unknown.</param>
    public bool Covers(string user, string tokenId, DateTimeOffset? issuedAt)
    {
        if (_added.IsEmpty && _ofFile.Count == 0) return false;
        return (tokenId.Length > 0 && Covers((RevokedKind.Token, tokenId), user, tokenId, issuedAt))
            || (user.Length > 0
                && (Covers((RevokedKind.User, user), user, tokenId, issuedAt)
                || Covers((RevokedKind.UserTokens, user), user, tokenId, issuedAt)));
    }

    /// <summary>Adds an entry, or replaces the one for the same token or user.</summary>
    /// <returns>Whether there is room; entries whose time has passed make some.</returns>
    public bool Add(Revoked entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        ArgumentException.ThrowIfNullOrEmpty(entry.Id);
        if (!_added.ContainsKey((entry.Kind, entry.Id)) && Count >= entriesMax)
        {
            DropPast();
            if (Count >= entriesMax) return false;
        }

        _added[(entry.Kind, entry.Id)] = entry;
        Added?.Invoke([entry]);
        return true;
    }

    /// <summary>Takes an entry back that was added here; one of the file stays.</summary>
    public void Remove(RevokedKind kind, string id) => _added.TryRemove((kind, id), out _);

    /// <summary>Replaces the entries of the file.</summary>
    public void SetFile(IReadOnlyList<Revoked> entries)
    {
        ArgumentNullException.ThrowIfNull(entries);
        Dictionary<(RevokedKind, string), Revoked> before = _ofFile, now = [];
        foreach (Revoked entry in entries) now[(entry.Kind, entry.Id)] = entry;
        _ofFile = now;
        Revoked[] added =
            [.. now.Where(each => !before.TryGetValue(each.Key, out Revoked? known) || known != each.Value).Select(each => each.Value)];
        if (added.Length > 0) Added?.Invoke(added);
    }

    private bool Covers((RevokedKind, string) key, string user, string tokenId, DateTimeOffset? issuedAt)
    {
        DateTimeOffset now = time.GetUtcNow();
        return (_added.TryGetValue(key, out Revoked? entry) && !(entry.Until <= now) && entry.Covers(user, tokenId, issuedAt))
            || (_ofFile.TryGetValue(key, out entry) && !(entry.Until <= now) && entry.Covers(user, tokenId, issuedAt));
    }

    private void DropPast()
    {
        DateTimeOffset now = time.GetUtcNow();
        foreach (((RevokedKind, string) key, Revoked entry) in _added)
        {
            if (entry.Until <= now) _added.TryRemove(KeyValuePair.Create(key, entry));
        }
    }
}
