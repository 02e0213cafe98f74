using System.Buffers.Text;

namespace Broker.Dialects.Centrifuge.Forms;

/// <summary>The status of HTTP for a client that only listens, from the first message that it would be sent.</summary>
internal static class ConnectStatus
{
    private const int Ok = 200, Unmapped = 500;

    /// <summary>What reads the status; null where all are answered 200.</summary>
    /// <param name="statuses">By disconnect code.</param>
    internal static Func<ReadOnlyMemory<byte>, int>? Of(IReadOnlyList<KeyValuePair<int, int>> statuses)
    {
        if (statuses.Count == 0) return null;
        Dictionary<int, int> byCode = [];
        foreach ((int code, int status) in statuses) byCode[code] = status;
        return first => TryReadDisconnect(first.Span, out int code) ? byCode.GetValueOrDefault(code, Unmapped) : Ok;
    }

    // As the hub writes it: in front of it stands nothing but the name of an event's data.
    private static bool TryReadDisconnect(ReadOnlySpan<byte> message, out int code)
    {
        code = 0;
        if (message.StartsWith("data: "u8)) message = message["data: "u8.Length..];
        ReadOnlySpan<byte> start = "{\"disconnect\":{\"code\":"u8;
        return message.StartsWith(start) && Utf8Parser.TryParse(message[start.Length..], out code, out _);
    }
}
