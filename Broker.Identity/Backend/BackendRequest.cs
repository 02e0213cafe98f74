using System.Buffers;
using System.Text.Json;

namespace Broker.Identity.Backend;

/// <summary>Writes the JSON of a request to the backend.</summary>
/// <remarks>Data goes as the JSON that it is, or as base64 under <c>b64data</c> where the settings say so or it is no JSON.</remarks>
internal ref struct BackendRequest
{
    private readonly ArrayBufferWriter<byte> _buffer;
    private readonly Utf8JsonWriter _writer;
    private readonly bool _binary;

    private BackendRequest(bool binary)
    {
        _binary = binary;
        _buffer = new ArrayBufferWriter<byte>(512);
        _writer = new Utf8JsonWriter(_buffer, new JsonWriterOptions { SkipValidation = true });
    }

    /// <summary>Begins with what every request has.</summary>
    internal static BackendRequest Begin(BackendClient client, bool binary)
    {
        var request = new BackendRequest(binary);
        Utf8JsonWriter writer = request._writer;
        writer.WriteStartObject();
        writer.WriteString("client"u8, client.Client);
        writer.WriteString("transport"u8, client.Transport);
        writer.WriteString("protocol"u8, client.Protocol);
        writer.WriteString("encoding"u8, binary ? "binary"u8 : "json"u8);
        return request;
    }

    internal readonly BackendRequest Text(ReadOnlySpan<byte> name, string value)
    {
        _writer.WriteString(name, value);
        return this;
    }

    internal readonly BackendRequest TextIfAny(ReadOnlySpan<byte> name, string value) => value.Length == 0 ? this : Text(name, value);

    /// <summary>JSON that is passed on as it is, if it is any.</summary>
    internal readonly BackendRequest Json(ReadOnlySpan<byte> name, ReadOnlySpan<byte> json)
    {
        if (json.IsEmpty) return this;
        _writer.WritePropertyName(name);
        _writer.WriteRawValue(json, skipInputValidation: true);
        return this;
    }

    /// <summary>Data of a client.</summary>
    internal readonly BackendRequest Data(ReadOnlySpan<byte> data)
    {
        if (data.IsEmpty) return this;

        // A native client may send anything, which would end this object early and begin another.
        if (!_binary && JsonText.IsValue(data)) return Json("data"u8, data);
        _writer.WriteBase64String("b64data"u8, data);
        return this;
    }

    internal readonly BackendRequest Texts(ReadOnlySpan<byte> name, IReadOnlyList<string> values)
    {
        if (values.Count == 0) return this;
        _writer.WriteStartArray(name);
        foreach (string value in values) _writer.WriteStringValue(value);
        _writer.WriteEndArray();
        return this;
    }

    internal readonly ReadOnlyMemory<byte> End()
    {
        _writer.WriteEndObject();
        _writer.Flush();
        return _buffer.WrittenMemory;
    }
}

/// <summary>Which client the backend is asked about.</summary>
/// <param name="Client">The connection's id.</param>
/// <param name="Transport">What carries it, such as <c>websocket</c>.</param>
/// <param name="Protocol">What it uses: <c>json</c> or <c>protobuf</c> of Centrifuge, or <c>native</c>.</param>
/// <param name="Headers">Headers that the backend is given, by the settings.</param>
public sealed record BackendClient(string Client, string Transport, string Protocol, IReadOnlyList<KeyValuePair<string, string>> Headers)
{
    /// <summary>The user; empty for an anonymous client, and before it has connected.</summary>
    public string User { get; init; } = "";

    /// <summary>What its token or the backend says about the connection, for the backend alone: JSON, or empty.</summary>
    public ReadOnlyMemory<byte> Meta { get; init; }
}
