using System.Text;

namespace Broker.Core.Deflate;

/// <summary>What one connection has agreed on for permessage-deflate. RFC 7692 section 7.1.</summary>
/// <param name="ServerWindowBits">The window that the server compresses with, 8 to 15.</param>
/// <param name="ClientWindowBits">The window that the client compresses with, 8 to 15.</param>
/// <param name="ServerContext">Whether the server's messages may refer to earlier ones.</param>
/// <param name="ClientContext">Whether the client's messages may refer to earlier ones.</param>
public sealed record DeflateTerms(int ServerWindowBits, int ClientWindowBits, bool ServerContext, bool ClientContext)
{
    /// <summary>Bytes that the connection may come to hold between two messages.</summary>
    public int ContextBytes => (ServerContext ? Deflater.BytesOf(ServerWindowBits) : 0) + (ClientContext ? Inflater.Bytes : 0);

    /// <summary>The value of Sec-WebSocket-Extensions in the response to an offer that these terms keep to.</summary>
    public string AnswerTo(DeflateOffer offer)
    {
        ArgumentNullException.ThrowIfNull(offer);
        var answer = new StringBuilder(DeflateOffer.Extension);
        if (!ServerContext) answer.Append("; server_no_context_takeover");
        if (!ClientContext) answer.Append("; client_no_context_takeover");

        // A limit that was asked for is confirmed, even if it is none.
        if (offer.ServerWindowBits is not null || ServerWindowBits < DeflateOffer.WindowBitsMax)
            answer.Append("; server_max_window_bits=").Append(ServerWindowBits);
        if (ClientWindowBits < DeflateOffer.WindowBitsMax) answer.Append("; client_max_window_bits=").Append(ClientWindowBits);
        return answer.ToString();
    }
}
