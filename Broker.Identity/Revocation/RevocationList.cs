using System.Collections.Concurrent;

namespace Broker.Identity.Revocation;

/// <summary>What is refused before its time: tokens by id, users, and users' tokens by age. Safe for many threads.</summary>
/// <remarks>
/// Entries of the file and of the server API stand beside each other; a change of the file does not touch the others. In a cluster those of
/// the server API are the same on all nodes: each tells the others of a change (<see cref="Changed"/>), and everything when they meet
/// (<see cref="Shared"/>), and takes what is later than what it knows (<see cref="Merge"/>). What was taken back is remembered for a day,
/// so that a node that has not heard of it does not bring it back.
/// </remarks>
/// <param name="entriesMax">Most entries.</param>
/// <param name="time">The clock.</param>
public sealed class RevocationList(int entriesMax, TimeProvider time)
{
    private readonly ConcurrentDictionary<(RevokedKind Kind, string Id), Revoked> _added = new();
    private static readonly TimeSpan s_remembered = TimeSpan.FromDays(1);
    private readonly ConcurrentDictionary<(RevokedKind Kind, string Id), Revoked> _takenBack = new();
    private readonly Lock _changing = new();
    private volatile Dictionary<(RevokedKind Kind, string Id), Revoked> _ofFile = [];

    /// <summary>Raised after an entry has been added, for those who have to close what has come in by it.</summary>
    public event Action<IReadOnlyList<Revoked>>? Added;

    /// <summary>Raised after the server API has added an entry or taken one back, for the other nodes of a cluster.</summary>
    public event Action<Revoked>? Changed;

    /// <summary>All that was added by the server API or taken back, on whichever node.</summary>
    public IReadOnlyList<Revoked> Shared => [.. _added.Values, .. _takenBack.Values];

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
        entry = entry with { ChangedAt = time.GetUtcNow(), IsTakenBack = false };
        if (!TryPut(entry)) return false;
        Added?.Invoke([entry]);
        Changed?.Invoke(entry);
        return true;
    }

    /// <summary>Takes an entry back that was added here; one of the file stays.</summary>
    public void Remove(RevokedKind kind, string id)
    {
        var entry = new Revoked(kind, id) { ChangedAt = time.GetUtcNow(), IsTakenBack = true };
        TryPut(entry);
        Changed?.Invoke(entry);
    }

    /// <summary>Takes what another node of the cluster knows; what is later than what is known here holds.</summary>
    /// <returns>How many entries there was no room for.</returns>
    public int Merge(IEnumerable<Revoked> entries)
    {
        ArgumentNullException.ThrowIfNull(entries);
        List<Revoked> added = [];
        int refused = 0;
        foreach (Revoked entry in entries)
        {
            if (string.IsNullOrEmpty(entry.Id) || entry.Until <= time.GetUtcNow() || !IsLater(entry)) continue;
            if (!TryPut(entry)) refused++;
            else if (!entry.IsTakenBack) added.Add(entry);
        }

        if (added.Count > 0) Added?.Invoke(added);
        return refused;
    }

    private bool IsLater(Revoked entry)
    {
        (RevokedKind, string) key = (entry.Kind, entry.Id);
        return !(_added.TryGetValue(key, out Revoked? known) && known.ChangedAt >= entry.ChangedAt)
            && !(_takenBack.TryGetValue(key, out known) && known.ChangedAt >= entry.ChangedAt);
    }

    private bool TryPut(Revoked entry)
    {
        (RevokedKind, string) key = (entry.Kind, entry.Id);
        lock (_changing)
        {
            if (entry.IsTakenBack)
            {
                _added.TryRemove(key, out _);
                if (_takenBack.Count >= entriesMax) DropPast();
                if (_takenBack.Count < entriesMax) _takenBack[key] = entry;
                return true;
            }

            if (!_added.ContainsKey(key) && Count >= entriesMax)
            {
                DropPast();
                if (Count >= entriesMax) return false;
            }

            _added[key] = entry;
            _takenBack.TryRemove(key, out _);
            return true;
        }
    }

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

        foreach (((RevokedKind, string) key, Revoked entry) in _takenBack)
        {
            if (entry.ChangedAt + s_remembered <= now) _takenBack.TryRemove(KeyValuePair.Create(key, entry));
        }
    }
}
