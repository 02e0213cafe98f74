using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Broker.Actors.Dialects;
using Broker.Core.Upgrade;
using Broker.Dialects.Centrifuge.Wire.Protobuf;
using Broker.Reactor.Loops;

namespace Broker.Dialects.Centrifuge.Forms;

/// <summary>Takes commands that clients of streams post, and gives each message to its session.</summary>
/// <remarks>
/// <code>
///   {"session":"…","node":"…","data":"commands as they stand in one message, as a text"}
///   EmulationRequest { node = 1, session = 2, data = 3 }      where the content type is application/octet-stream
/// </code>
/// Whether there is such a session is not told: no one who does not know its id shall learn it.
/// </remarks>
/// <param name="sessions">The sessions.</param>
/// <param name="node">The node's id, as clients are told it.</param>
internal sealed class EmulationPost(SessionDirectory sessions, string node)
{
    /// <summary>Takes one message.</summary>
    /// <returns>
    /// 400 for what is no such request, 404 for another node, 429 where too much of the client's waits; <c>null</c> for all else.
    /// </returns>
    internal UpgradeFault? Post(string contentType, ReadOnlySpan<byte> body)
    {
        bool isBinary = contentType == StreamRequests.BinaryType;
        string? wrong = isBinary ? ReadMessage(body, out Request request) : ReadJson(body, out request);
        if (wrong is not null) return new UpgradeFault(400, wrong);
        if (request.Node != node) return new UpgradeFault(404, "There is no such node.");
        return sessions.Post(request.Session, request.Data, isBinary) == InboxAnswer.Full
            ? new UpgradeFault(429, "Too many commands of this client wait to be read.") { RetryAfter = TimeSpan.FromSeconds(1) }
            : null;
    }

    private static string? ReadJson(ReadOnlySpan<byte> body, out Request request)
    {
        request = new Request { Node = "", Session = "" };
        try
        {
            if (!Utf8.IsValid(body)) return "The body is not UTF-8.";
            var reader = new Utf8JsonReader(body);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return "The body is not a JSON object.";
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                bool isData = reader.ValueTextEquals("data"u8);
                bool isSession = reader.ValueTextEquals("session"u8), isNode = reader.ValueTextEquals("node"u8);
                reader.Read();
                if (!isData && !isSession && !isNode) reader.Skip();
                else if (reader.TokenType != JsonTokenType.String) return "session, node and data have to be texts.";
                else if (isData) request.Data = TextOf(reader);
                else if (isSession) request.Session = reader.GetString()!;
                else request.Node = reader.GetString()!;
            }

            return reader.Read() ? "More than one JSON object." : null;
        }
        catch (Exception broken) when (broken is JsonException or InvalidOperationException)
        {
            return "The body is not JSON.";     // Or a text in it has half a surrogate pair.
        }
    }

    // Escapes are never shorter than what they stand for.
    private static byte[] TextOf(in Utf8JsonReader reader)
    {
        byte[] text = new byte[reader.ValueSpan.Length];
        int length = reader.CopyString(text);
        return text[..length];
    }

    private static string? ReadMessage(ReadOnlySpan<byte> body, out Request request)
    {
        request = new Request { Node = "", Session = "" };
        var fields = new ProtobufReader(body);
        while (fields.Next(out int field))
        {
            switch (field)
            {
                case 1: request.Node = Encoding.UTF8.GetString(fields.Text("node")); break;
                case 2: request.Session = Encoding.UTF8.GetString(fields.Text("session")); break;
                case 3: request.Data = fields.Bytes("data"); break;
                default: fields.Skip(); break;
            }
        }

        return fields.Reason;
    }

    private ref struct Request
    {
        public string Node;
        public string Session;
        public ReadOnlySpan<byte> Data;
    }
}
