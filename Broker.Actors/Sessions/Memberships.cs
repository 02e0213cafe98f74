using System.Diagnostics.CodeAnalysis;
using Broker.Actors.Routing;

namespace Broker.Actors.Sessions;

/// <summary>The memberships of one client by the names of their channels. Of the first it keeps no table: most clients have one or none.</summary>
internal struct Memberships
{
    private Membership? _only;
    private Dictionary<string, Membership>? _several;      // From the second on; then the only one is none.

    /// <summary>How many there are.</summary>
    internal readonly int Count => _several?.Count ?? (_only is null ? 0 : 1);

    /// <summary>All of them, to be walked while nothing is added or removed.</summary>
    internal readonly IEnumerable<Membership> All => _several?.Values ?? (_only is null ? [] : (IEnumerable<Membership>)[_only]);

    /// <summary>Finds the membership in a channel.</summary>
    internal readonly bool TryGet(string channel, [NotNullWhen(true)] out Membership? member)
    {
        if (_several is not null) return _several.TryGetValue(channel, out member);
        member = _only is not null && string.Equals(_only.Channel, channel, StringComparison.Ordinal) ? _only : null;
        return member is not null;
    }

    /// <summary>Adds one in a channel that has none.</summary>
    internal void Add(Membership member)
    {
        if (_several is null && _only is null)
        {
            _only = member;
            return;
        }

        _several ??= new Dictionary<string, Membership>(StringComparer.Ordinal) { { _only!.Channel, _only } };
        _several.Add(member.Channel, member);
        _only = null;
    }

    /// <summary>Takes the one in a channel out.</summary>
    internal bool Remove(string channel, [NotNullWhen(true)] out Membership? member)
    {
        if (_several is not null) return _several.Remove(channel, out member);
        if (!TryGet(channel, out member)) return false;
        _only = null;
        return true;
    }

    /// <summary>Forgets all.</summary>
    internal void Clear() => this = default;
}
