using Broker.Actors.Channels.Delivery;
using System.Diagnostics.CodeAnalysis;

namespace Broker.Actors.Sessions;

/// <summary>The subscriptions of one client by their keys. Of the first it keeps no table: most clients have one or none.</summary>
internal struct Subscriptions
{
    private object? _held;      // The only one, or a dictionary by key from the second on.

    /// <summary>How many there are.</summary>
    internal readonly int Count => _held switch
    {
        null => 0,
        Dictionary<string, Subscription> several => several.Count,
        _ => 1,
    };

    /// <summary>All of them, to be walked while nothing is added or removed.</summary>
    internal readonly IEnumerable<Subscription> All => _held switch
    {
        null => [],
        Dictionary<string, Subscription> several => several.Values,
        _ => [(Subscription)_held],
    };

    /// <summary>Finds the subscription with a key.</summary>
    internal readonly bool TryGet(string key, [NotNullWhen(true)] out Subscription? subscription)
    {
        if (_held is Dictionary<string, Subscription> several) return several.TryGetValue(key, out subscription);
        subscription = _held is Subscription only && string.Equals(only.Key, key, StringComparison.Ordinal) ? only : null;
        return subscription is not null;
    }

    /// <summary>Adds one whose key is new.</summary>
    internal void Add(Subscription subscription)
    {
        switch (_held)
        {
            case null: _held = subscription; break;
            case Subscription only:
                _held = new Dictionary<string, Subscription>(StringComparer.Ordinal)
                    { { only.Key, only }, { subscription.Key, subscription } };
                break;
            default: ((Dictionary<string, Subscription>)_held).Add(subscription.Key, subscription); break;
        }
    }

    /// <summary>Takes the one with a key out.</summary>
    internal bool Remove(string key, [NotNullWhen(true)] out Subscription? subscription)
    {
        if (_held is Dictionary<string, Subscription> several) return several.Remove(key, out subscription);
        if (!TryGet(key, out subscription)) return false;
        _held = null;
        return true;
    }

    /// <summary>Drops all.</summary>
    internal void Clear() => this = default;
}
