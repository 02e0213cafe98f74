using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;

namespace Broker.Tests.Support;

/// <summary>
/// Commands of the JSON form as Protobuf, and Protobuf replies as the JSON form, by a table of the protocol's fields: a second
/// implementation, so that one test runs over both forms.
/// </summary>
internal static class ProtobufTranscoder
{
    private const int UnknownField = 100;

    // name:number:type in the order of the JSON form. u unsigned, i signed, b bool, s string, d data, []X a list, {}X a map; ! is written
    // always.
    private static readonly Dictionary<string, Field[]> s_messages = new Dictionary<string, string>
    {
        ["Command"] =
            "id:1:u connect:4:Connect subscribe:5:Subscribe unsubscribe:6:Channel publish:7:Publish presence:8:Channel "
                + "presence_stats:9:Channel history:10:History ping:11:Empty send:12:Data rpc:13:Rpc refresh:14:Token "
                + "sub_refresh:15:SubRefresh",
        ["Connect"] = "token:1:s data:2:d subs:3:{}Subscribe name:4:s version:5:s headers:6:{}s flag:7:i",
        ["Subscribe"] =
            "channel:1:s token:2:s recover:3:b epoch:6:s offset:7:u data:8:d positioned:9:b recoverable:10:b join_leave:11:b delta:12:s "
                + "tf:13:Filter flag:14:i type:15:i",
        ["Filter"] = "op:1:s key:2:s cmp:3:s val:4:s vals:5:[]s nodes:6:[]Filter",
        ["Channel"] = "channel:1:s",
        ["Publish"] = "channel:1:s data:2:d type:3:i",
        ["History"] = "channel:1:s limit:7:i since:8:Position reverse:9:b",
        ["Position"] = "offset:1:u epoch:2:s",
        ["Data"] = "data:1:d",
        ["Rpc"] = "data:1:d method:2:s",
        ["Token"] = "token:1:s",
        ["SubRefresh"] = "channel:1:s token:2:s type:3:i",
        ["Empty"] = "",
        ["Reply"] = "id:1:u error:2:Error push:4:Push connect:5:ConnectResult subscribe:6:SubscribeResult unsubscribe:7:Empty "
            + "publish:8:Empty presence:9:PresenceResult presence_stats:10:StatsResult history:11:HistoryResult rpc:13:Data "
            + "refresh:14:RefreshResult sub_refresh:15:SubRefreshResult",
        ["Error"] = "code:1:u message:2:s temporary:3:b",
        ["Push"] = "channel:2:s pub:4:Publication join:5:Presence leave:6:Presence unsubscribe:7:Unsubscribe message:8:Data "
            + "subscribe:9:SubscribePush disconnect:11:Disconnect refresh:12:SubRefreshResult",
        ["Publication"] = "data:4:d info:5:Info offset:6:u tags:7:{}s delta:8:b version:16:u epoch:14:s",
        ["Info"] = "user:1:s! client:2:s! conn_info:3:d chan_info:4:d",
        ["Presence"] = "info:1:Info",
        ["Unsubscribe"] = "code:2:u reason:3:s",
        ["SubscribePush"] = "recoverable:1:b epoch:4:s offset:5:u positioned:6:b data:7:d",
        ["Disconnect"] = "code:1:u reason:2:s reconnect:3:b",
        ["ConnectResult"] = "client:1:s version:2:s expires:3:b ttl:4:u data:5:d ping:7:u pong:8:b subs:6:{}SubscribeResult",
        ["SubscribeResult"] =
            "expires:1:b ttl:2:u recoverable:3:b epoch:6:s publications:7:[]Publication recovered:8:b offset:9:u positioned:10:b data:11:d "
                + "was_recovering:12:b delta:13:b",
        ["PresenceResult"] = "presence:1:{}Info!",
        ["StatsResult"] = "num_clients:1:u! num_users:2:u!",
        ["HistoryResult"] = "publications:1:[]Publication! epoch:2:s! offset:3:u!",
        ["RefreshResult"] = "expires:3:b ttl:4:u",
        ["SubRefreshResult"] = "expires:1:b ttl:2:u",
    }.ToDictionary(
        static each => each.Key, static each => each.Value.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Field.Parse).ToArray());

    private static readonly JsonWriterOptions s_relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Lines of commands as the payload of a frame; what is no line of JSON goes as it is.</summary>
    public static byte[] Encode(string lines)
    {
        try
        {
            return [.. lines.Split('\n').SelectMany(line => Delimited(JsonSerializer.Deserialize<JsonElement>(line)))];
        }
        catch (JsonException)
        {
            return Encoding.UTF8.GetBytes(lines);
        }
    }

    private static byte[] Delimited(JsonElement command)
    {
        byte[] message = Message("Command", command);
        return [.. Varint((ulong)message.Length), .. message];
    }

    /// <summary>Bytes of a field that is bytes.</summary>
    public static byte[] Bytes(int field, ReadOnlySpan<byte> value) =>
        [.. Varint(((ulong)field << 3) | 2), .. Varint((ulong)value.Length), .. value];

    /// <summary>Bytes of a number.</summary>
    public static byte[] Varint(ulong value)
    {
        var bytes = new List<byte>();
        for (; value >= 0x80; value >>= 7) bytes.Add((byte)(value | 0x80));
        bytes.Add((byte)value);
        return [.. bytes];
    }

    private static byte[] Message(string type, JsonElement json)
    {
        var bytes = new List<byte>();
        foreach (JsonProperty member in json.EnumerateObject())
        {
            Field? field = Array.Find(s_messages[type], each => each.Name == member.Name);
            if (member.Value.ValueKind == JsonValueKind.Null && field?.Type != "d") continue;
            bytes.AddRange(field is null ? Bytes(UnknownField, []) : Value(field, member.Value));
        }

        return [.. bytes];
    }

    private static IEnumerable<byte> Value(Field field, JsonElement json)
    {
        if (field.IsMap)
            return json.EnumerateObject()
                .SelectMany(entry =>
                Bytes(field.Number, [.. Bytes(1, Encoding.UTF8.GetBytes(entry.Name)), .. One(field.Type, 2, entry.Value)]));
        return field.IsList ? json.EnumerateArray().SelectMany(item => One(field.Type, field.Number, item))
            : One(field.Type, field.Number, json);
    }

    private static byte[] One(string type, int number, JsonElement json) => type switch
    {
        "u" => [.. Varint((ulong)number << 3), .. Varint(json.GetUInt64())],
        "i" => [.. Varint((ulong)number << 3), .. Varint((ulong)json.GetInt64())],
        "b" => [.. Varint((ulong)number << 3), .. Varint(json.GetBoolean() ? 1UL : 0)],
        "s" => Bytes(number, Encoding.UTF8.GetBytes(json.GetString()!)),
        "d" => Bytes(number, Encoding.UTF8.GetBytes(json.GetRawText())),
        _ => Bytes(number, Message(type, json)),
    };

    /// <summary>The payload of a frame as lines of replies, with a line feed between two.</summary>
    public static string Decode(byte[] payload)
    {
        var lines = new List<string>();
        for (int at = 0; at < payload.Length;)
        {
            int length = (int)TakeVarint(payload, ref at);
            var buffer = new ArrayBufferWriter<byte>();
            using (var writer = new Utf8JsonWriter(buffer, s_relaxed)) Write("Reply", payload.AsSpan(at, length).ToArray(), writer);
            lines.Add(Encoding.UTF8.GetString(buffer.WrittenSpan));
            at += length;
        }

        return string.Join('\n', lines);
    }

    private static ulong TakeVarint(byte[] bytes, ref int at)
    {
        ulong value = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte next = bytes[at++];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80) return value;
        }
    }

    private static List<(int Number, ulong Scalar, byte[] Bytes)> Parse(byte[] message)
    {
        var fields = new List<(int, ulong, byte[])>();
        for (int at = 0; at < message.Length;)
        {
            ulong tag = TakeVarint(message, ref at), value = TakeVarint(message, ref at);
            if ((tag & 7) == 0)
            {
                fields.Add(((int)(tag >> 3), value, []));
                continue;
            }

            if ((tag & 7) != 2) throw new InvalidOperationException("A server writes no other wire type.");
            fields.Add(((int)(tag >> 3), 0, message.AsSpan(at, (int)value).ToArray()));
            at += (int)value;
        }

        return fields;
    }

    private static void Write(string type, byte[] message, Utf8JsonWriter json)
    {
        List<(int Number, ulong Scalar, byte[] Bytes)> all = Parse(message);
        foreach ((int number, _, _) in all)
        {
            if (!Array.Exists(s_messages[type], each => each.Number == number))
                throw new InvalidOperationException($"{type} has no field {number}.");
        }

        json.WriteStartObject();
        foreach (Field field in s_messages[type])
        {
            List<(int Number, ulong Scalar, byte[] Bytes)> values = all.FindAll(each => each.Number == field.Number);
            if (values.Count == 0 && !field.IsAlways) continue;
            json.WritePropertyName(field.Name);
            if (field.IsList)
            {
                json.WriteStartArray();
                foreach ((_, ulong scalar, byte[] bytes) in values) WriteOne(field.Type, scalar, bytes, json);
                json.WriteEndArray();
            }
            else if (field.IsMap) WriteMap(field, values, json);
            else WriteOne(field.Type, values.LastOrDefault().Scalar, values.LastOrDefault().Bytes ?? [], json);
        }

        json.WriteEndObject();
    }

    private static void WriteMap(Field field, List<(int Number, ulong Scalar, byte[] Bytes)> entries, Utf8JsonWriter json)
    {
        json.WriteStartObject();
        foreach ((_, _, byte[] entry) in entries)
        {
            List<(int Number, ulong Scalar, byte[] Bytes)> parts = Parse(entry);
            json.WritePropertyName(parts.Find(static part => part.Number == 1).Bytes ?? []);
            WriteOne(field.Type, 0, parts.Find(static part => part.Number == 2).Bytes ?? [], json);
        }

        json.WriteEndObject();
    }

    private static void WriteOne(string type, ulong scalar, byte[] bytes, Utf8JsonWriter json)
    {
        switch (type)
        {
            case "u": json.WriteNumberValue(scalar); break;
            case "i": json.WriteNumberValue((long)scalar); break;
            case "b": json.WriteBooleanValue(scalar != 0); break;
            case "s": json.WriteStringValue(bytes); break;
            case "d" when IsJson(bytes): json.WriteRawValue(bytes); break;
            case "d" when Utf8.IsValid(bytes): json.WriteStringValue(bytes); break;
            case "d": json.WriteBase64StringValue(bytes); break;
            default: Write(type, bytes, json); break;
        }
    }

    private static bool IsJson(byte[] bytes)
    {
        try
        {
            using (JsonDocument.Parse(bytes)) return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private sealed record Field(string Name, int Number, string Type, bool IsList, bool IsMap, bool IsAlways)
    {
        public static Field Parse(string text)
        {
            string[] parts = text.TrimEnd('!').Split(':');
            string type = parts[2];
            bool isList = type.StartsWith("[]", StringComparison.Ordinal), isMap = type.StartsWith("{}", StringComparison.Ordinal);
            return new Field(
                parts[0], int.Parse(parts[1], System.Globalization.CultureInfo.InvariantCulture), isList || isMap ? type[2..] : type,
                    isList, isMap, text.EndsWith('!'));
        }
    }
}
