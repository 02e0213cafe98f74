using System.Collections.Concurrent;
using System.Security.Cryptography;
using Broker.Reactor.Loops;

namespace Broker.Actors.Dialects;

/// <summary>Connections whose clients post their messages, by the ids that only those clients are told. For all threads.</summary>
/// <remarks>
/// The one that knows an id may use for its client: an id has 128 random bits, and one that ended looks like one that never was.
/// </remarks>
public sealed class SessionDirectory
{
    private const int IdBytes = 16;

    private readonly ConcurrentDictionary<string, MessageInbox> _inboxes = new(StringComparer.Ordinal);

    /// <summary>Sessions.</summary>
    public int Count => _inboxes.Count;

    /// <summary>Makes an id that no one can guess.</summary>
    public static string CreateId() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(IdBytes));

    /// <summary>Makes a session known.</summary>
    /// <param name="inbox">Where its messages go.</param>
    /// <returns>Its id; to be removed when its connection ends.</returns>
    public string Add(MessageInbox inbox)
    {
        ArgumentNullException.ThrowIfNull(inbox);
        string id = CreateId();
        _inboxes[id] = inbox;
        inbox.SessionId = id;
        return id;
    }

    /// <summary>Drops a session.</summary>
    public void Remove(string id) => _inboxes.TryRemove(id, out _);

    /// <summary>Gives a message to a session.</summary>
    /// <param name="id">As the client writes it.</param>
    /// <param name="message">Copied.</param>
    /// <param name="isBinary">Whether it is data or a text.</param>
    /// <returns><see cref="InboxAnswer.Ended"/> where there is no such session, or none any more.</returns>
    public InboxAnswer Post(string id, ReadOnlySpan<byte> message, bool isBinary) =>
        _inboxes.TryGetValue(id, out MessageInbox? inbox) ? inbox.Post(message, isBinary) : InboxAnswer.Ended;
}
