using Akka.Event;
using Broker.Actors.Channels.Delivery;
using Broker.Reactor.Loops;

namespace Broker.Actors.Channels.FanOut;

/// <summary>What becomes of a client that cannot be written to: it is lost, and no other component with it.</summary>
/// <param name="log">Where that is said.</param>
internal sealed class SubscriberErrors(ILoggingAdapter log)
{
    /// <summary>Ends the client's connection; its session learns of the end and unsubscribes.</summary>
    internal void CutOff(Subscription subscription, Exception failure)
    {
        Connection connection = subscription.Subscriber.Connection;
        log.Error(failure, "{0} could not be answered and is cut off.", connection.Id);
        connection.Abort(ClosureCause.SessionFailed, failure.Message);
    }
}
