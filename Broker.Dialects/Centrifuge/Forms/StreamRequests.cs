using System.Text;
using System.Text.Unicode;
using Broker.Actors.Dialects;
using Broker.Core.Upgrade;
using Broker.Dialects.Centrifuge.Wire;

namespace Broker.Dialects.Centrifuge.Forms;

/// <summary>Reads the requests that open streams: with commands, or with a bare connect request where the client only listens.</summary>
internal static class StreamRequests
{
    internal const string BinaryType = "application/octet-stream";

    private const string LinesType = "application/x-ndjson";
    private const string EventsType = "text/event-stream; charset=utf-8";
    private const string ConnectMember = "cf_connect=";

    /// <summary>POST, with commands in the body.</summary>
    internal static UpgradeFault? ReadLines(in HttpStreamRequest request, out HttpStreamOpening opening)
    {
        bool isBinary = request.ContentType == BinaryType;
        opening = isBinary
            ? new HttpStreamOpening(CentrifugeProtocol.ProtobufSubprotocol, BinaryType, request.Body, IsBinary: true)
            : new HttpStreamOpening(CentrifugeProtocol.Subprotocol, LinesType, request.Body, IsBinary: false);
        return null;
    }

    /// <summary>GET, with commands in <c>cf_connect</c>; or POST, with commands in the body.</summary>
    internal static UpgradeFault? ReadEvents(in HttpStreamRequest request, out HttpStreamOpening opening)
    {
        ReadOnlyMemory<byte>? commands = request.Method == "GET" ? ConnectOf(request.Query) : request.Body;
        opening = new HttpStreamOpening(CentrifugeProtocol.Subprotocol, EventsType, commands ?? default, IsBinary: false);
        return commands is null ? new UpgradeFault(400, "cf_connect with the connect command is missing in the query.") : null;
    }

    /// <summary>POST, with a connect request in the body.</summary>
    internal static UpgradeFault? ReadPushLines(in HttpStreamRequest request, out HttpStreamOpening opening) =>
        ReadPushes(request, LinesType, out opening);

    /// <summary>GET, with a connect request in <c>cf_connect</c> or without one; or POST, with one in the body.</summary>
    internal static UpgradeFault? ReadPushEvents(in HttpStreamRequest request, out HttpStreamOpening opening) =>
        ReadPushes(request, EventsType, out opening);

    private static UpgradeFault? ReadPushes(in HttpStreamRequest request, string contentType, out HttpStreamOpening opening)
    {
        ReadOnlyMemory<byte> connect = request.Method == "GET" ? ConnectOf(request.Query) ?? default : request.Body;
        if (connect.IsEmpty) connect = "{}"u8.ToArray();
        opening = new HttpStreamOpening(CentrifugeProtocol.Subprotocol, contentType, connect, IsBinary: false);
        return IsObject(connect.Span) ? null : new UpgradeFault(400, "The connect request is not a JSON object.");
    }

    /// <summary>Whether this is one JSON object.</summary>
    internal static bool IsObject(ReadOnlySpan<byte> json) =>
        json.TrimStart(" \t\r\n"u8).StartsWith("{"u8) && Utf8.IsValid(json) && RawJson.IsValid(json);

    /// <summary>The client's first message as it stands in a query; null where it does not.</summary>
    /// <param name="query">As written, without its question mark.</param>
    internal static ReadOnlyMemory<byte>? ConnectOf(string query)
    {
        foreach (Range range in query.AsSpan().Split('&'))
        {
            ReadOnlySpan<char> member = query.AsSpan()[range];
            if (member.StartsWith(ConnectMember, StringComparison.Ordinal))
                return Encoding.UTF8.GetBytes(Uri.UnescapeDataString(member[ConnectMember.Length..].ToString().Replace('+', ' ')));
        }

        return null;
    }
}
