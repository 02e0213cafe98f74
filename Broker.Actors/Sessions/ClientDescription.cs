using Broker.Actors.Channels.Delivery;

namespace Broker.Actors.Sessions;

/// <summary>How a connected client stands to one channel, for the one that explains it.</summary>
/// <param name="User">Its user.</param>
/// <param name="QueuedBytes">Bytes that wait for it to read.</param>
/// <param name="Subscription">Its subscription to the channel; null where it has none.</param>
internal sealed record ClientDescription(string User, long QueuedBytes, SubscriptionDescription? Subscription);
