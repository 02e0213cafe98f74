namespace Broker.Dialects.Centrifuge.Forms;

/// <summary>How what the server sends stands in the bytes of a connection.</summary>
/// <param name="Framing">What is around and between.</param>
/// <param name="IsBinary">Whether it is Protobuf, whose replies have their length before them, or JSON.</param>
/// <param name="IsPush">Whether the client is sent bare pushes, in place of replies that have a push.</param>
internal readonly record struct ReplyForm(ReplyFraming Framing, bool IsBinary = false, bool IsPush = false);

/// <summary>What is around and between the replies of a turn.</summary>
internal enum ReplyFraming : byte
{
    /// <summary>One WebSocket message for all.</summary>
    Joined,

    /// <summary>A WebSocket message for each.</summary>
    Single,

    /// <summary>A line feed behind each; in Protobuf nothing.</summary>
    Lines,

    /// <summary>An event of a text/event-stream for each.</summary>
    Events,
}
