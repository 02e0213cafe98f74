using Akka.Actor;
using Akka.Event;

namespace Broker.Actors.Runtime;

/// <summary>A message to an actor that may have ended by then, which is no error: Akka logs no dead letter.</summary>
public interface IMayArriveLate : INoSerializationVerificationNeeded, IDeadLetterSuppression;
