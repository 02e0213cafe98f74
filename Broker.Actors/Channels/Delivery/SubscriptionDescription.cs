using Broker.Actors.Channels.SlowConsumers;
using Broker.Core.Filters;

namespace Broker.Actors.Channels.Delivery;

/// <summary>Where a subscription stands, for the one that explains it.</summary>
/// <param name="Since">The offset that it began behind.</param>
/// <param name="UpTo">The offset of the last publication that came to it.</param>
internal sealed record SubscriptionDescription(ulong Since, ulong UpTo)
{
    /// <summary>The position that the client asked to recover from, where it could not; otherwise null.</summary>
    internal ulong? RecoverFrom { get; init; }

    /// <summary>Which publications it wants; null for all.</summary>
    internal TagsFilter? Filter { get; init; }

    /// <summary>How many publications wait for the client to read.</summary>
    internal int WaitingCount { get; init; }

    /// <summary>Their offsets.</summary>
    internal IReadOnlyCollection<ulong> Waiting { get; init; } = [];

    /// <summary>What was dropped, and the client has not been told yet.</summary>
    internal IReadOnlyList<Gap> Missed { get; init; } = [];
}
