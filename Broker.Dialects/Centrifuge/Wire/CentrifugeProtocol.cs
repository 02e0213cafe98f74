namespace Broker.Dialects.Centrifuge.Wire;

/// <summary>The fixed facts of the Centrifuge protocol, version 2, over WebSocket.</summary>
public static class CentrifugeProtocol
{
    /// <summary>The subprotocol. centrifuge-js offers none for JSON, so none means this dialect too.</summary>
    public const string Subprotocol = "centrifuge-json";

    /// <summary>The subprotocol of the Protobuf form.</summary>
    public const string ProtobufSubprotocol = "centrifuge-protobuf";

    /// <summary>The path that the official clients are told to use.</summary>
    public const string Path = "/connection/websocket";

    /// <summary>Levels of nesting a command may have, its own two (the command and its method) among them.</summary>
    public const int DepthMax = 64;

    /// <summary>Lines that the official server puts in one frame at most, unless configured otherwise.</summary>
    public const int LinesPerFrameMax = 16;

    /// <summary>Bytes of a channel's name at most, as the official server has it by default; longer is error 107.</summary>
    public const int ChannelBytesMax = 255;

    /// <summary>Channels of one connection at most, as the official server has it by default; more is error 106.</summary>
    public const int ChannelsMax = 128;

    /// <summary>
    /// The form that a client asks for by the query of its URL, <c>format=protobuf</c> or <c>cf_protocol=protobuf</c>, where it offers no
    /// subprotocol.
    /// </summary>
    /// <param name="query">As written, without its question mark.</param>
    /// <returns><see cref="ProtobufSubprotocol"/>, or null where the query does not ask for it.</returns>
    public static string? SubprotocolOf(string query)
    {
        ArgumentNullException.ThrowIfNull(query);
        foreach (Range range in query.AsSpan().Split('&'))
        {
            if (query.AsSpan()[range] is "format=protobuf" or "cf_protocol=protobuf") return ProtobufSubprotocol;
        }

        return null;
    }

    /// <summary>A server's ping, as one text frame. The client answers with the same two bytes.</summary>
    public static ReadOnlyMemory<byte> Ping { get; } = "{}"u8.ToArray();
}
