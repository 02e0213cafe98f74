using Broker.Actors.Model;

namespace Broker.Actors.Channels.Presence;

/// <summary>A client has joined a channel, or left it.</summary>
/// <param name="Member">The client.</param>
/// <param name="HasJoined">Or left.</param>
public readonly record struct PresenceChange(ClientInfo Member, bool HasJoined);

/// <summary>
/// Decides when the members of a channel are told who joined and left: at once, or in a very large channel together, once an interval,
/// without those who came and went in between. Pure: the caller passes the time.
/// </summary>
/// <remarks>
/// For one thread. A client that leaves and comes back under the same id within an interval is told as both, in that order.
/// </remarks>
public sealed class PresenceChanges
{
    private readonly List<PresenceChange?> _waiting = [];
    private readonly Dictionary<string, int> _joins = new(StringComparer.Ordinal);  // Where a client's join stands among those waiting.
    private int _cancelled;

    /// <summary>Changes that wait to be told.</summary>
    public int Count => _waiting.Count - _cancelled;

    /// <summary>Whether a change of a channel of this size waits.</summary>
    /// <param name="members">Members of the channel.</param>
    /// <param name="coalesceAbove">The namespace's bound.</param>
    public bool MustWait(int members, int coalesceAbove) => members > coalesceAbove || _waiting.Count > 0;

    /// <summary>Adds a change to those that wait.</summary>
    public void Add(in PresenceChange change)
    {
        if (change.HasJoined)
        {
            _joins[change.Member.Client] = _waiting.Count;
            _waiting.Add(change);
        }
        else if (_joins.Remove(change.Member.Client, out int join))
        {
            _waiting[join] = null;
            _cancelled++;
        }
        else
        {
            _waiting.Add(change);
        }
    }

    /// <summary>The interval is over: takes all that wait, in their order.</summary>
    public IReadOnlyList<PresenceChange> Take()
    {
        List<PresenceChange> taken = [.. _waiting.Where(static change => change is not null).Select(static change => change!.Value)];
        _waiting.Clear();
        _joins.Clear();
        _cancelled = 0;
        return taken;
    }
}
