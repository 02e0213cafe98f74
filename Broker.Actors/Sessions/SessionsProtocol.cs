using Akka.Actor;
using Broker.Actors.Recent;

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

    /// <summary>So many clients were notified.</summary>
    internal sealed record Notified(int Clients) : INoSerializationVerificationNeeded;

    /// <summary>How does this client stand to this channel? Answered with <see cref="Described"/>.</summary>
    /// <param name="Client">The client's id.</param>
    /// <param name="Channel">The channel.</param>
    /// <param name="ReplyTo">Who is answered.</param>
    internal sealed record Describe(string Client, string Channel, IActorRef ReplyTo) : INoSerializationVerificationNeeded;

    /// <summary>What this loop knows of it.</summary>
    /// <param name="Live">The client, if it is connected here.</param>
    /// <param name="Ends">What has ended of the client and the channel, the oldest first.</param>
    /// <param name="DroppedBefore">Before this nothing is remembered; null where nothing was dropped.</param>
    internal sealed record Described(ClientDescription? Live, IReadOnlyList<RecentEnd> Ends, DateTimeOffset? DroppedBefore)
        : INoSerializationVerificationNeeded;

    /// <summary>How many clients are there? Answered with <see cref="Counted"/>.</summary>
    internal sealed record Count(IActorRef ReplyTo) : INoSerializationVerificationNeeded;

    /// <summary>Clients that have connected, and their users.</summary>
    internal sealed record Counted(int Clients, IReadOnlyCollection<string> Users) : INoSerializationVerificationNeeded;
}
