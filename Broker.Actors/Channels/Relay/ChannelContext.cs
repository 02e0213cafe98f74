using Broker.Actors.Channels.Delivery;
using Akka.Actor;
using Broker.Actors.Channels.History;
using Broker.Actors.Channels.Home;
using Broker.Actors.Channels.Namespaces;
using Broker.Actors.Channels.Relay;

namespace Broker.Actors.Channels.Relay;

/// <summary>What all homes and relays of a node share.</summary>
/// <param name="FanOuts">The fan-out of each loop, at the place of its number.</param>
/// <param name="Formats">The formats of the hub.</param>
/// <param name="Settings">Bounds.</param>
public sealed record ChannelContext(IReadOnlyList<IActorRef> FanOuts, PublicationFormats Formats, ChannelSettings Settings) : IDisposable
{
    private readonly Dictionary<int, IHistoryStore> _stores = [];
    private HistoryBudget? _budget;     // Of all stores in memory.
    private readonly Dictionary<int, NamespaceCounters> _counters = [];

    /// <summary>The numbers of channels.</summary>
    public ChannelNumbers Numbers { get; } = new();

    /// <summary>What all homes share.</summary>
    public ChannelHomeContext Homes { get; init; } = new(ChannelNamespaces.Default, new HistorySettings(), TimeProvider.System);

    /// <summary>Makes the store of each home; in memory, where nothing else is sent.</summary>
    public IHistoryStoreFactory? Stores { get; init; }

    /// <summary>What the homes count by namespace.</summary>
    public IReadOnlyList<NamespaceCounters> Counters
    {
        get
        {
            lock (_counters) return [.. _counters.Values];
        }
    }

    /// <summary>What a home counts; the same if the home is restarted.</summary>
    internal NamespaceCounters CountersOf(int home)
    {
        lock (_counters)
        {
            if (!_counters.TryGetValue(home, out NamespaceCounters? known))
                _counters.Add(home, known = new NamespaceCounters(Homes.Namespaces));
            return known;
        }
    }

    /// <summary>Bytes that histories hold in memory.</summary>
    public long HistoryBytes => Volatile.Read(ref _budget)?.BytesUsed ?? 0;

    /// <summary>The store of a home; the same one if the home is restarted.</summary>
    internal IHistoryStore StoreOf(int home)
    {
        // Homes start at the same time, each on its loop.
        lock (_stores)
        {
            _budget ??= new HistoryBudget(Homes.Settings.BytesMax);
            if (_stores.TryGetValue(home, out IHistoryStore? known)) return known;
            IHistoryStore opened = Stores?.Open(home, FanOuts.Count) ?? new MemoryHistoryStore(Homes.Time, _budget);
            _stores.Add(home, opened);
            return opened;
        }
    }

    /// <summary>Closes the stores; after the homes have ended.</summary>
    public void Dispose()
    {
        foreach (IHistoryStore store in _stores.Values) store.Dispose();
    }
}
