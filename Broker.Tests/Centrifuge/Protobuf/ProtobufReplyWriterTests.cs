using System.Text;
using Broker.Dialects.Centrifuge.Wire;
using Broker.Dialects.Centrifuge.Wire.Protobuf;
using Broker.Tests.Support;
using Xunit;

namespace Broker.Tests.Centrifuge.Protobuf;

public sealed class ProtobufReplyWriterTests
{
    private const int LongBytes = 70_000;

    private delegate void Write(IReplyWriter writer, Func<string, ReadOnlyMemory<byte>> publication, ReadOnlyMemory<byte> info);

    private static readonly Dictionary<string, Write> s_replies = new()
    {
        ["connect"] = static (writer, _, _) =>
            writer.WriteConnect(
                1, new ConnectResult { Client = "c1", Version = "1.0", Expires = true, TtlSeconds = 300, Data = "{\"a\":1}"u8,
                    PingSeconds = 25, Pong = true }),
        ["connect plain"] = static (writer, _, _) => writer.WriteConnect(uint.MaxValue, new ConnectResult { Client = "c1" }),
        ["connect with channels"] = static (writer, publication, _) =>
        {
            writer.StartConnectWithSubscriptions(1, new ConnectResult { Client = "c1", PingSeconds = 25 });
            writer.WriteConnectSubscription(
                "a"u8, new SubscribeResult { Recoverable = true, Epoch = "e", Offset = 1, Publications = [publication("1")] });
            writer.WriteConnectSubscription("b"u8, default);
            writer.EndConnect();
        },
        ["subscribe"] = static (writer, publication, _) => writer.WriteSubscribe(2, new SubscribeResult
        {
            Expires = true, TtlSeconds = 5, Recoverable = true, Epoch = "e", Publications =
                [publication("1"), publication($"\"{new string('x', LongBytes)}\"")],
            Recovered = true, Offset = ulong.MaxValue, Positioned = true, Data = "[]"u8, WasRecovering = true, Delta = true,
        }),
        ["subscribe plain"] = static (writer, _, _) => writer.WriteSubscribe(2, default),
        ["unsubscribe"] = static (writer, _, _) => writer.WriteUnsubscribe(3),
        ["publish"] = static (writer, _, _) => writer.WritePublish(128),
        ["history"] = static (writer, publication, _) => writer.WriteHistory(5, [publication("1"), publication("2")], "e", 2),
        ["history none"] = static (writer, _, _) => writer.WriteHistory(5, [], "e", 7),
        ["presence"] = static (writer, _, info) =>
            writer.WritePresence(6, [KeyValuePair.Create("a", info), KeyValuePair.Create("b", info)]),
        ["presence none"] = static (writer, _, _) => writer.WritePresence(6, []),
        ["stats"] = static (writer, _, _) => writer.WritePresenceStats(7, 300, 2),
        ["stats none"] = static (writer, _, _) => writer.WritePresenceStats(7, 0, 0),
        ["rpc"] = static (writer, _, _) => writer.WriteRpc(8, "{\"x\":null}"u8),
        ["rpc none"] = static (writer, _, _) => writer.WriteRpc(8, default),
        ["refresh"] = static (writer, _, _) => writer.WriteRefresh(9, isSubscription: false, expires: true, 60),
        ["sub refresh"] = static (writer, _, _) => writer.WriteRefresh(9, isSubscription: true, expires: true, 60),
        ["error"] = static (writer, _, _) => writer.WriteError(10, CentrifugeError.TooManyRequests),
        ["push refresh"] = static (writer, _, _) => writer.PushRefresh(expires: true, 60),
        ["push unsubscribe"] = static (writer, _, _) => writer.PushUnsubscribe("ü:c"u8, Unsubscribed.InsufficientState),
        ["push subscribe"] = static (writer, _, _) =>
            writer.PushSubscribe(
                "c"u8, new SubscribeResult { Recoverable = true, Epoch = "e", Offset = 3, Positioned = true, Data = "1"u8 }),
        ["push gap"] = static (writer, _, _) => writer.PushGap("c"u8, 1, 500, 500),
        ["push message"] = static (writer, _, _) => writer.PushMessage("\"m\""u8),
        ["push disconnect"] = static (writer, _, _) => writer.PushDisconnect(Disconnect.Slow),
    };

    public static TheoryData<string> Replies => [.. s_replies.Keys];

    [Theory, MemberData(nameof(Replies))]
    public void Both_forms_carry_the_same(string name)
    {
        var json = new ReplyWriter();
        byte[] prefix = PublicationEncoder.EncodePrefix([]);
        s_replies[name](
            json,
            data => PublicationEncoder.BodyOf(
                PublicationEncoder.Encode(
                    prefix, new Publication { Data = Encoding.UTF8.GetBytes(data), Offset = 7, Tags = "{\"t\":\"v\"}"u8 }), prefix),
            PublicationEncoder.EncodeInfo("u", "c", "1"u8, "2"u8));
        var protobuf = new ProtobufReplyWriter();

        s_replies[name](
            protobuf,
            static data =>
                ProtobufPublicationEncoder.EncodeBody(
                    new Publication { Data = Encoding.UTF8.GetBytes(data), Offset = 7,
                        Tags = ProtobufPublicationEncoder.EncodeTags([KeyValuePair.Create("t", "v")]) }),
            ProtobufPublicationEncoder.EncodeInfo("u", "c", "1"u8, "2"u8));

        Assert.Equal(Encoding.UTF8.GetString(json.Frame), ProtobufTranscoder.Decode(protobuf.Frame.ToArray()));
        Assert.Equal(1, protobuf.Lines);
    }

    [Fact]
    public void Golden_bytes_are_written()
    {
        var writer = new ProtobufReplyWriter();
        writer.WritePing();
        writer.WriteUnsubscribe(3);
        writer.WriteError(4, CentrifugeError.PermissionDenied);
        writer.WriteSubscribe(300, new SubscribeResult { Positioned = true, Offset = 300 });

        Assert.Equal(
            Wire.Bytes("00 04 0803 3a00 19 0804 1215 0867 1211" + Convert.ToHexString("permission denied"u8)
                + "0a 08ac02 3205 48ac02 5001"), writer.Frame.ToArray());
        Assert.Equal(4, writer.Lines);
        writer.Clear();
        Assert.True(writer.Frame.IsEmpty);
    }

    [Fact]
    public void A_publication_is_one_delimited_push()
    {
        byte[] prefix = ProtobufPublicationEncoder.EncodePrefix("ch"u8), info =
            ProtobufPublicationEncoder.EncodeInfo("", "c", default, default);

        byte[] whole = ProtobufPublicationEncoder.Encode(prefix, new Publication
        {
            Data = [0, 255], Info = info, Offset = 300, Delta = true, Epoch = "e"u8, Version = 2, Tags =
                ProtobufPublicationEncoder.EncodeTags([KeyValuePair.Create("k", "v")]),
        });

        Assert.Equal(Wire.Bytes("24 2222 1202 6368 221c 2202 00ff 2a03 120163 30ac02 3a06 0a016b 120176 4001 720165 800102"), whole);
    }

    [Theory, InlineData(0), InlineData(1), InlineData(120), InlineData(127), InlineData(128), InlineData(16_383), InlineData(16_384),
        InlineData(3_000_000)]
    public void Lengths_of_any_size_fit(int bytes)
    {
        byte[] data = new byte[bytes];
        Array.Fill(data, (byte)'1');
        byte[] whole =
            ProtobufPublicationEncoder.Encode(ProtobufPublicationEncoder.EncodePrefix("c"u8), new Publication { Data = data, Offset = 1 });
        var writer = new ProtobufReplyWriter();
        writer.WriteRpc(1, data);
        writer.WriteEncoded(whole);

        string[] lines = ProtobufTranscoder.Decode(writer.Frame.ToArray()).Split('\n');

        Assert.Equal(2, lines.Length);
        Assert.All(lines, line => Assert.Equal(bytes, line.Count(static c => c == '1') - 1));
    }

    [Fact]
    public void Joins_and_leaves_carry_the_client()
    {
        byte[] prefix = ProtobufPublicationEncoder.EncodePrefix("c"u8), info =
            ProtobufPublicationEncoder.EncodeInfo("u", "id", default, default);

        string[] lines =
            ProtobufTranscoder.Decode(
                [.. ProtobufPublicationEncoder.EncodePresence(prefix, hasJoined: true, info),
                    .. ProtobufPublicationEncoder.EncodePresence(prefix, hasJoined: false, info)]).Split('\n');

        Assert.Equal(
            ["""{"push":{"channel":"c","join":{"info":{"user":"u","client":"id"}}}}""",
                """{"push":{"channel":"c","leave":{"info":{"user":"u","client":"id"}}}}"""], lines);
    }
}
