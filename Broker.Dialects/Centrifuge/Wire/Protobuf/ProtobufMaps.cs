using System.Buffers;
using System.Text.Json;

namespace Broker.Dialects.Centrifuge.Wire.Protobuf;

/// <summary>
/// The maps of a connect command: what to recover, and headers. They become the JSON objects that <see cref="Command"/> has for both forms.
/// </summary>
/// <remarks>Allocates no more than a few times the bytes that are there, and nothing where there is no entry.</remarks>
internal struct ProtobufMaps
{
    private JsonObject _subs, _headers;

    /// <summary>An entry of subs: a channel and a SubscribeRequest.</summary>
    public void AddSub(scoped ref ProtobufReader fields)
    {
        if (!TryReadEntry(ref fields, "an entry of subs", isText: false, out ReadOnlySpan<byte> channel, out ReadOnlySpan<byte> request))
            return;
        bool recover = false;
        ulong offset = 0;
        ReadOnlySpan<byte> epoch = default, delta = default;
        var subscribe = new ProtobufReader(request);
        while (subscribe.Next(out int field))
        {
            switch (field)
            {
                case 3: recover = subscribe.Flag("recover"); break;
                case 6: epoch = subscribe.Text("epoch"); break;
                case 7: offset = subscribe.UInt64("offset"); break;
                case 12: delta = subscribe.Text("delta"); break;
                default: subscribe.Skip(); break;
            }
        }

        if (subscribe.Reason is { } reason)
        {
            fields.Refuse(reason);
            return;
        }

        Utf8JsonWriter json = _subs.Writer;
        json.WriteStartObject(channel);
        if (recover) json.WriteBoolean("recover"u8, recover);
        if (offset != 0) json.WriteNumber("offset"u8, offset);
        if (!epoch.IsEmpty) json.WriteString("epoch"u8, epoch);
        if (!delta.IsEmpty) json.WriteString("delta"u8, delta);
        json.WriteEndObject();
    }

    /// <summary>An entry of headers: a name and a value.</summary>
    public void AddHeader(scoped ref ProtobufReader fields)
    {
        if (TryReadEntry(ref fields, "an entry of headers", isText: true, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value))
            _headers.Writer.WriteString(name, value);
    }

    /// <summary>Gives the maps to their command.</summary>
    public void MoveTo(scoped ref Command command)
    {
        command.Subs = _subs.End();
        command.Headers = _headers.End();
    }

    private static bool TryReadEntry(
        scoped ref ProtobufReader fields, string name, bool isText, out ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value)
    {
        key = value = default;
        var entry = new ProtobufReader(fields.Bytes(name));
        while (entry.Next(out int field))
        {
            if (field == 1) key = entry.Text(name);
            else if (field == 2) value = isText ? entry.Text(name) : entry.Bytes(name);
            else entry.Skip();
        }

        if (entry.Reason is { } reason) fields.Refuse(reason);
        return fields.Reason is null;
    }

    // One JSON object in the making.
    private struct JsonObject
    {
        private ArrayBufferWriter<byte>? _bytes;
        private Utf8JsonWriter? _writer;

        public Utf8JsonWriter Writer
        {
            get
            {
                if (_writer is not null) return _writer;
                _writer = new Utf8JsonWriter(_bytes = new ArrayBufferWriter<byte>(), new JsonWriterOptions { SkipValidation = true });
                _writer.WriteStartObject();
                return _writer;
            }
        }

        public readonly ReadOnlySpan<byte> End()
        {
            if (_writer is null) return default;
            _writer.WriteEndObject();
            _writer.Flush();
            return _bytes!.WrittenSpan;
        }
    }
}
