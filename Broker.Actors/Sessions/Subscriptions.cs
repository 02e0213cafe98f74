using Broker.Actors.Channels.Delivery;
using System.Diagnostics.CodeAnalysis;

namespace Broker.Actors.Sessions;

/// <summary>The subscriptions of one client by their keys. Of the first it keeps no table: most clients have one or none.</summary>
internal struct Subscriptions
{
    private Subscription? _only;
    private Dictionary<string, Subscription>? _several;      // From the second on; then the only one is none.

    /// <summary>How many there are.</summary>
    internal readonly int Count => _several?.Count ?? (_only is null ? 0 : 1);

    /// <summary>All of them, to be walked while nothing is added or removed.</summary>
    internal readonly IEnumerable<Subscription> All => _several?.Values ?? (_only is null ? [] : (IEnumerable<Subscription>)[_only]);

    /// <summary>Finds the subscription with a key.</summary>
    internal readonly bool TryGet(string key, [NotNullWhen(true)] out Subscription? subscription)
    {
        if (_several is not null) return _several.TryGetValue(key, out subscription);
        subscription = _only is not null && string.Equals(_only.Key, key, StringComparison.Ordinal) ? _only : null;
        return subscription is not null;
    }

    /// <summary>Adds one whose key is new.</summary>
    internal void Add(Subscription subscription)
    {
        if (_several is null && _only is null)
        {
            _only = subscription;
            return;
        }

        _several ??= new Dictionary<string, Subscription>(StringComparer.Ordinal) { { _only!.Key, _only } };
        _several.Add(subscription.Key, subscription);
        _only = null;
    }

    /// <summary>Takes the one with a key out.</summary>
    internal bool Remove(string key, [NotNullWhen(true)] out Subscription? subscription)
    {
        if (_several is not null) return _several.Remove(key, out subscription);
        if (!TryGet(key, out subscription)) return false;
        _only = null;
        return true;
    }

    /// <summary>Drops all.</summary>
    internal void Clear() => this = default;
}
