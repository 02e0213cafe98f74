using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Broker.Dialects.Centrifuge.Wire;
using CsCheck;
using Xunit;

namespace Broker.Tests.Dialects.Centrifuge;

/// <summary>What is written reads back, and no bytes make a reader throw.</summary>
public class CentrifugePropertyTest
{
    private static readonly string[] Frames =
    [
        """{"connect":{"token":"abc","data":{"room": 1},"name":"js","version":"5.7.1","subs":{"a":{"recover":true,"offset":7,"epoch":"x"}}},"id":1}""",
        """{"subscribe":{"channel":"n\u0000ews","recover":true,"epoch":"e1","offset":12,"positioned":true,"recoverable":true,"join_leave":true,"delta":"fossil","tf":{"key":"k"},"flag":3},"id":2}""",
        "{\"publish\":{\"channel\":\"n\\ud83d\\ude00\",\"data\":[1,-2.5e3,\"\\\"\",null,true]},\"id\":3}\n{\"send\":{\"data\":1}}\n{}",
        """{"history":{"channel":"c","limit":-1,"since":{"offset":9,"epoch":"e"},"reverse":true},"id":4}""",
        """{"rpc":{"method":"sum","data":[1,2]},"id":5}""",
    ];

    private static readonly string[] Pieces =
        ["{", "}", "[", "]", ":", ",", "\"", "\\", "\\u", "\\ud800", "\n", "\r", " ", "0", "-", "1e9", "null", "true", "\"id\"",
            "\"publish\"", "\"data\"", "\0", "\u00ff", "😀"];

    // Any JSON value, pretty-printed or not, as another writer writes it.
    private static readonly Gen<string> Values = Gen.Recursive<JsonNode?>((depth, value) =>
    {
        Gen<JsonNode?> leaf = Gen.OneOf(
            Gen.String.Select(text => (JsonNode?)JsonValue.Create(text)),
            Gen.Double.Where(double.IsFinite).Select(number => (JsonNode?)JsonValue.Create(number)),
            Gen.Bool.Select(flag => (JsonNode?)JsonValue.Create(flag)),
            Gen.Const((JsonNode?)null));
        return depth > 4
            ? leaf
            : Gen.OneOf(
                leaf,
                value.Array[0, 3].Select(items => (JsonNode?)new JsonArray([.. items.Select(item => item?.DeepClone())])),
                Gen.Select(Gen.String, value).Array[0, 3].Select(members => (JsonNode?)new JsonObject(
                    members.DistinctBy(member => member.Item1)
                        .Select(member => KeyValuePair.Create(member.Item1, member.Item2?.DeepClone())))));
    }).SelectMany(node => Gen.Bool.Select(pretty => Print(node, pretty)));

    // Change, put in or take out; where; and which byte, often one that means something.
    private static readonly Gen<(int Kind, int Where, byte Value)> Changes = Gen.Select(
        Gen.Int[0, 2], Gen.Int[0, 1000], Gen.OneOf(Gen.Byte, AnyOf("{}[]\"\\:,0-\n"u8.ToArray())));

    [Fact]
    public void A_publish_reads_back_whatever_its_channel_and_data_are() =>
        Gen.Select(Gen.String, Values, Gen.UInt.Where(id => id > 0)).Sample((channel, data, id) =>
        {
            string name = JsonSerializer.Serialize(channel);
            string line = $$$"""{"publish":{"channel":{{{name}}},"data":{{{data.ReplaceLineEndings(" ")}}}},"id":{{{id}}}}""";
            var reader = new CommandReader(Encoding.UTF8.GetBytes(line));

            Assert.Equal(OperationStatus.Done, reader.Read(out Command command));
            Assert.Equal(id, command.Id);
            Assert.Equal(JsonNode.Parse(name)!.GetValue<string>(), Command.Keep(command.Channel));
            Assert.Equal(data.ReplaceLineEndings(" "), Command.Keep(command.Data));
        }, iter: 2000);

    [Fact]
    public void A_publication_is_one_line_and_reads_back_whatever_its_channel_and_data_are() =>
        Gen.Select(Gen.String, Values, Gen.String, Gen.ULong).Sample((channel, data, user, offset) =>
        {
            byte[] prefix = PublicationEncoder.EncodePrefix(Encoding.UTF8.GetBytes(channel));
            byte[] bytes = PublicationEncoder.Encode(prefix, new Publication
            {
                Data = Encoding.UTF8.GetBytes(data),
                Info = PublicationEncoder.EncodeInfo(user, "c"),
                Offset = offset,
            });
            string line = Encoding.UTF8.GetString(bytes);

            Assert.Equal(-1, bytes.AsSpan().IndexOfAny((byte)'\n', (byte)'\r'));
            Assert.True(RawJson.IsValid(bytes));
            Assert.Equal(WellFormed(channel), Json.Get(line, "push", "channel"));
            Assert.True(JsonNode.DeepEquals(JsonNode.Parse(data), Json.At(line, "push", "pub", "data")));
            Assert.Equal(WellFormed(user), Json.Get(line, "push", "pub", "info", "user") ?? "");
            Assert.Equal(offset, (ulong?)Json.At(line, "push", "pub", "offset") ?? 0);
        }, iter: 2000);

    [Fact]
    public void Replies_of_one_frame_are_one_line_each_and_read_back() =>
        Gen.Select(Gen.UInt.Where(id => id > 0), Values, Gen.String).Array[1, 20].Sample(replies =>
        {
            var writer = new ReplyWriter();
            foreach ((uint id, string data, string text) in replies)
            {
                writer.WriteRpc(id, Encoding.UTF8.GetBytes(data));
                writer.WriteError(id, new CentrifugeError(400, text));
            }

            string[] lines = Encoding.UTF8.GetString(writer.Frame).Split('\n');
            Assert.Equal(replies.Length * 2, lines.Length);
            Assert.Equal(lines.Length, writer.Lines);
            for (int i = 0; i < replies.Length; i++)
            {
                (uint id, string data, string text) = replies[i];
                Assert.Equal(id, (uint)Json.At(lines[2 * i], "id")!);
                Assert.True(JsonNode.DeepEquals(JsonNode.Parse(data), Json.At(lines[2 * i], "rpc", "data")));
                Assert.Equal(WellFormed(text), Json.Get(lines[(2 * i) + 1], "error", "message") ?? "");
            }
        }, iter: 500);

    [Fact]
    public void Random_bytes_never_throw() =>
        Gen.Byte.Array[0, 200].Sample(frame => ReadAll(frame), iter: 20_000);

    [Fact]
    public void Random_pieces_of_json_never_throw() =>
        AnyOf(Pieces).Array[0, 40].Sample(pieces => ReadAll(Encoding.UTF8.GetBytes(string.Concat(pieces))), iter: 20_000);

    [Fact]
    public void Valid_frames_with_bytes_changed_cut_and_put_in_never_throw() =>
        Gen.Select(AnyOf(Frames), Changes.Array[1, 4]).Sample((frame, changes) =>
        {
            List<byte> bytes = [.. Encoding.UTF8.GetBytes(frame)];
            foreach ((int kind, int where, byte value) in changes)
            {
                int at = where % bytes.Count;
                if (kind == 0) bytes[at] = value;
                else if (kind == 1) bytes.Insert(at, value);
                else bytes.RemoveAt(at);
            }
            ReadAll([.. bytes]);
        }, iter: 20_000);

    [Fact]
    public void A_valid_frame_cut_anywhere_never_throws()
    {
        foreach (string frame in Frames)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(frame);
            for (int cut = 0; cut <= bytes.Length; cut++) ReadAll(bytes[..cut]);
        }
    }

    private static Gen<T> AnyOf<T>(T[] items) => Gen.Int[0, items.Length - 1].Select(i => items[i]);

    // All that a session would do with a frame; what is refused has a reason, and what is read has well-formed data.
    private static void ReadAll(byte[] frame)
    {
        var reader = new CommandReader(frame);
        OperationStatus status;
        while ((status = reader.Read(out Command command)) == OperationStatus.Done)
        {
            Command.Keep(command.Channel);
            if (!command.Data.IsEmpty) Assert.True(RawJson.IsValid(command.Data));
            Assert.Equal(-1, command.Data.IndexOf((byte)'\n'));
            var recoveries = new RecoveryReader(command.Subs);
            while (recoveries.Read(out Recovery recovery)) Command.Keep(recovery.Channel);
            Assert.Null(recoveries.Reason);
        }
        Assert.Equal(status == OperationStatus.InvalidData, reader.Reason is not null);
    }

    private static string Print(JsonNode? node, bool pretty) =>
        node is null ? "null" : node.ToJsonString(new JsonSerializerOptions { WriteIndented = pretty });

    // Half a surrogate pair has no UTF-8, so it is U+FFFD wherever a string becomes bytes.
    private static string WellFormed(string text) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
}
