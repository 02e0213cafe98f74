using System.Buffers;
using System.Text.Json;

namespace Broker.Dialects.Centrifuge.Wire.Protobuf;

/// <summary>A filter over tags in the Protobuf form, as the JSON object that it is in the other one.</summary>
internal static class ProtobufFilter
{
    // Each level is an object and an array in JSON, where the command and its method are two levels more.
    private const int DepthMax = (CentrifugeProtocol.DepthMax - 2) / 2;

    /// <summary>Makes JSON of a FilterNode. What the nodes say is not judged here.</summary>
    /// <param name="node">The message. Borrowed.</param>
    /// <param name="json">A JSON object, a few times as long as the message at most; empty if something is wrong.</param>
    /// <returns>What is wrong, or null.</returns>
    public static string? ToJson(ReadOnlySpan<byte> node, out byte[] json)
    {
        var bytes = new ArrayBufferWriter<byte>();
        using var writer = new Utf8JsonWriter(bytes, new JsonWriterOptions { SkipValidation = true });
        string? reason = Write(node, writer, depth: 1);
        writer.Flush();
        json = reason is null ? bytes.WrittenSpan.ToArray() : [];
        return reason;
    }

    // Lists are gathered by walking the message once for each, as the items of a repeated field may stand anywhere.
    private static string? Write(ReadOnlySpan<byte> node, Utf8JsonWriter writer, int depth)
    {
        if (depth > DepthMax) return "A filter is nested too deep.";
        ReadOnlySpan<byte> op = default, key = default, comparison = default, value = default;
        bool hasValues = false, hasNodes = false;
        var fields = new ProtobufReader(node);
        while (fields.Next(out int field))
        {
            switch (field)
            {
                case 1: op = fields.Text("op"); break;
                case 2: key = fields.Text("key"); break;
                case 3: comparison = fields.Text("cmp"); break;
                case 4: value = fields.Text("val"); break;
                case 5: fields.Text("vals"); hasValues = true; break;
                case 6: fields.Bytes("nodes"); hasNodes = true; break;
                default: fields.Skip(); break;
            }
        }

        if (fields.Reason is not null) return fields.Reason;
        writer.WriteStartObject();
        WriteText(writer, "op"u8, op);
        WriteText(writer, "key"u8, key);
        WriteText(writer, "cmp"u8, comparison);
        WriteText(writer, "val"u8, value);
        if (hasValues) WriteValues(node, writer);
        string? reason = hasNodes ? WriteNodes(node, writer, depth) : null;
        writer.WriteEndObject();
        return reason;
    }

    private static void WriteText(Utf8JsonWriter writer, ReadOnlySpan<byte> name, ReadOnlySpan<byte> text)
    {
        if (!text.IsEmpty) writer.WriteString(name, text);
    }

    private static void WriteValues(ReadOnlySpan<byte> node, Utf8JsonWriter writer)
    {
        writer.WriteStartArray("vals"u8);
        var fields = new ProtobufReader(node);
        while (fields.Next(out int field))
        {
            if (field == 5) writer.WriteStringValue(fields.Text("vals"));
            else fields.Skip();
        }

        writer.WriteEndArray();
    }

    private static string? WriteNodes(ReadOnlySpan<byte> node, Utf8JsonWriter writer, int depth)
    {
        writer.WriteStartArray("nodes"u8);
        string? reason = null;
        var fields = new ProtobufReader(node);
        while (reason is null && fields.Next(out int field))
        {
            if (field == 6) reason = Write(fields.Bytes("nodes"), writer, depth + 1);
            else fields.Skip();
        }

        writer.WriteEndArray();
        return reason;
    }
}
