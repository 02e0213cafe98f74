using System.Text.Json;

namespace Broker.Tests.EndToEnd;

/// <summary>What a browser has written about its own network, by <c>--log-net-log</c>.</summary>
internal sealed class NetLog
{
    private readonly List<Http2Request> _requests = [];
    private readonly Dictionary<(long Connection, long Stream), IReadOnlyDictionary<string, string>> _answers = [];

    private NetLog(JsonElement root)
    {
        JsonElement types = root.GetProperty("constants").GetProperty("logEventTypes");
        int sent = types.GetProperty("HTTP2_SESSION_SEND_HEADERS").GetInt32(), received =
            types.GetProperty("HTTP2_SESSION_RECV_HEADERS").GetInt32();
        foreach (JsonElement each in root.GetProperty("events").EnumerateArray())
        {
            int type = each.GetProperty("type").GetInt32();
            if (type != sent && type != received) continue;
            long connection = each.GetProperty("source").GetProperty("id").GetInt64();
            JsonElement parameters = each.GetProperty("params");
            long stream = parameters.GetProperty("stream_id").GetInt64();
            Dictionary<string, string> fields = Read(parameters.GetProperty("headers"));
            if (type == sent) _requests.Add(new Http2Request(connection, stream, fields));
            else _answers[(connection, stream)] = fields;
        }
    }

    /// <summary>Every request that went out over HTTP/2, in order.</summary>
    public IReadOnlyList<Http2Request> Http2Requests => _requests;

    /// <summary>Reads a log that the browser has finished.</summary>
    public static NetLog Read(string file)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(file));
        return new NetLog(document.RootElement);
    }

    /// <summary>What a request was answered.</summary>
    public string StatusOf(Http2Request request) =>
        _answers.TryGetValue((request.Connection, request.Stream), out IReadOnlyDictionary<string, string>? fields) ? fields[":status"]
            : "nothing";

    // Each field is one text, "name: value"; the names of pseudo fields begin with a colon themselves.
    private static Dictionary<string, string> Read(JsonElement headers)
    {
        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (JsonElement each in headers.EnumerateArray())
        {
            string field = each.GetString()!;
            int colon = field.IndexOf(':', 1);
            fields[field[..colon]] = field[(colon + 1)..].Trim();
        }

        return fields;
    }
}

/// <summary>One request in a browser's log.</summary>
/// <param name="Connection">Names the connection that it went over, within the log.</param>
/// <param name="Stream">Names the stream within the connection.</param>
/// <param name="Fields">By name; those of HTTP/2 itself begin with a colon.</param>
internal sealed record Http2Request(long Connection, long Stream, IReadOnlyDictionary<string, string> Fields)
{
    /// <summary>What a field says; empty without one.</summary>
    public string this[string field] => Fields.GetValueOrDefault(field, "");
}
