using Akka.Actor;

namespace Broker.Actors.Sessions;

/// <summary>What a server asks of the sessions of one loop together.</summary>
internal static class SessionsProtocol
{
    /// <summary>Pass this on to the sessions of some clients. Answered with <see cref="Notified"/> once it is in their mailboxes.</summary>
    /// <param name="Target">Which clients.</param>
    /// <param name="Except">But not these.</param>
    /// <param name="Message">One of <see cref="SessionProtocol"/>.</param>
    /// <param name="ReplyTo">Who is answered.</param>
    internal sealed record NotifyClients(UserConnections Target, IReadOnlyCollection<string> Except, object Message, IActorRef ReplyTo)
        : INoSerializationVerificationNeeded;

    /// <summary>So many clients were told.</summary>
    internal sealed record Notified(int Clients) : INoSerializationVerificationNeeded;

    /// <summary>How many clients are there? Answered with <see cref="Counted"/>.</summary>
    internal sealed record Count(IActorRef ReplyTo) : INoSerializationVerificationNeeded;

    /// <summary>Clients that have connected, and their users.</summary>
    internal sealed record Counted(int Clients, IReadOnlyCollection<string> Users) : INoSerializationVerificationNeeded;
}
