using Broker.Actors.Channels.Delivery;

namespace Broker.Dialects.Native;

/// <summary>A subscriber that is sent long publications by itself.</summary>
internal interface ILongDelivery
{
    /// <summary>A publication that is too long to be one piece for all subscribers.</summary>
    /// <param name="publication">Held by the caller until the return.</param>
    void DeliverLong(LongPublication publication);
}
