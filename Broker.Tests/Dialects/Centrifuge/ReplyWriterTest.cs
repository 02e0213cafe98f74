using System.Text;
using Broker.Dialects.Centrifuge.Wire;
using Broker.Tests.Support;
using Xunit;

namespace Broker.Tests.Dialects.Centrifuge;

/// <summary>Each reply and push, to the byte.</summary>
public class ReplyWriterTest
{
    private readonly ReplyWriter _writer = new();

    [Fact]
    public void The_connect_reply_has_id_version_and_ping_settings()
    {
        _writer.WriteConnect(1, new ConnectResult { Client = "c-1", Version = "0.1.0", PingSeconds = 25, Pong = true });

        Line("""{"id":1,"connect":{"client":"c-1","version":"0.1.0","ping":25,"pong":true}}""");
    }

    [Fact]
    public void Connect_with_every_field()
    {
        _writer.WriteConnect(uint.MaxValue, new ConnectResult
        {
            Client = "a\"b",
            Version = "1",
            Expires = true,
            TtlSeconds = 60,
            Data = "{\"a\": [1]}"u8,
            PingSeconds = 1,
            Pong = true,
        });

        Line("""{"id":4294967295,"connect":{"client":"a\"b","version":"1","expires":true,"ttl":60,"data":{"a": [1]},"ping":1,"pong":true}}""");
    }

    [Fact]
    public void The_connect_reply_has_server_side_subscriptions()
    {
        _writer.StartConnectWithSubscriptions(1, new ConnectResult { Client = "c", Pong = true });
        _writer.WriteConnectSubscription("a\"b"u8, new SubscribeResult());
        _writer.WriteConnectSubscription("news"u8, new SubscribeResult { Recoverable = true, Epoch = "x", Offset = 3, Positioned = true });
        _writer.EndConnect();
        _writer.WritePing();

        Line("""{"id":1,"connect":{"client":"c","pong":true,"subs":{"a\"b":{},"news":{"recoverable":true,"epoch":"x","offset":3,"positioned":true}}}}""" + "\n{}");
    }

    [Fact]
    public void Refreshed_connections_and_subscriptions()
    {
        _writer.WriteRefresh(3, isSubscription: false, expires: true, 60);
        _writer.WriteRefresh(4, isSubscription: true, expires: false, 0);
        _writer.PushRefresh(expires: true, 7);

        Line("""{"id":3,"refresh":{"expires":true,"ttl":60}}""" + "\n" + """{"id":4,"sub_refresh":{}}""" + "\n"
            + """{"push":{"refresh":{"expires":true,"ttl":7}}}""");
    }

    [Fact]
    public void Subscribe_without_fields_is_an_empty_object()
    {
        _writer.WriteSubscribe(2, new SubscribeResult());

        Line("""{"id":2,"subscribe":{}}""");
    }

    [Fact]
    public void Subscribe_with_every_field()
    {
        _writer.WriteSubscribe(2, new SubscribeResult
        {
            Expires = true,
            TtlSeconds = 5,
            Recoverable = true,
            Epoch = "xyz",
            Publications = new ReadOnlyMemory<byte>[] { "{\"data\":1,\"offset\":7}"u8.ToArray(), "{\"data\":2,\"offset\":8}"u8.ToArray() },
            Recovered = true,
            Offset = ulong.MaxValue,
            Positioned = true,
            Data = "null"u8,
            WasRecovering = true,
        });

        Line("""{"id":2,"subscribe":{"expires":true,"ttl":5,"recoverable":true,"epoch":"xyz","publications":[{"data":1,"offset":7},{"data":2,"offset":8}],"recovered":true,"offset":18446744073709551615,"positioned":true,"data":null,"was_recovering":true}}""");
    }

    [Fact]
    public void Unsubscribe_and_publish_are_empty_objects()
    {
        _writer.WriteUnsubscribe(3);
        _writer.WritePublish(4);

        Line("{\"id\":3,\"unsubscribe\":{}}\n{\"id\":4,\"publish\":{}}");
    }

    [Fact]
    public void Rpc_has_the_data_or_none()
    {
        _writer.WriteRpc(5, "{\"sum\":3}"u8);
        _writer.WriteRpc(6, []);

        Line("{\"id\":5,\"rpc\":{\"data\":{\"sum\":3}}}\n{\"id\":6,\"rpc\":{}}");
    }

    [Fact]
    public void An_error_has_a_code_a_message_and_a_temporary_flag()
    {
        _writer.WriteError(7, CentrifugeError.PermissionDenied);
        _writer.WriteError(8, CentrifugeError.TooManyRequests);

        Line("{\"id\":7,\"error\":{\"code\":103,\"message\":\"permission denied\"}}\n"
            + "{\"id\":8,\"error\":{\"code\":111,\"message\":\"too many requests\",\"temporary\":true}}");
    }

    [Fact]
    public void A_ping_is_an_empty_object()
    {
        _writer.WritePing();

        Line("{}");
        Assert.Equal("{}"u8, CentrifugeProtocol.Ping.Span);
    }

    [Fact]
    public void A_publication_to_one_client_is_the_line_that_all_get()
    {
        byte[] prefix = PublicationEncoder.EncodePrefix("news"u8);

        _writer.WritePublish(1);
        _writer.PushPublication(prefix, new Publication { Data = "1"u8, Offset = 3 });
        _writer.WriteLine(PublicationEncoder.Encode(prefix, new Publication { Data = "1"u8, Offset = 3 }));

        const string line = """{"push":{"channel":"news","pub":{"data":1,"offset":3}}}""";
        Line($"{{\"id\":1,\"publish\":{{}}}}\n{line}\n{line}");
        Assert.Equal(3, _writer.Lines);
    }

    [Fact]
    public void An_unsubscribe_push_has_channel_and_reason()
    {
        _writer.PushUnsubscribe("a\"b\u0001"u8, Unsubscribed.InsufficientState);

        Line("""{"push":{"channel":"a\"b\u0001","unsubscribe":{"code":2500,"reason":"insufficient state"}}}""");
    }

    [Fact]
    public void A_message_push_has_data()
    {
        _writer.PushMessage("\"hi\""u8);

        Line("""{"push":{"message":{"data":"hi"}}}""");
    }

    [Fact]
    public void A_disconnect_push_has_the_reconnect_flag()
    {
        _writer.PushDisconnect(Disconnect.Shutdown);
        _writer.PushDisconnect(Disconnect.BadRequest);

        Line("{\"push\":{\"disconnect\":{\"code\":3001,\"reason\":\"shutdown\",\"reconnect\":true}}}\n"
            + "{\"push\":{\"disconnect\":{\"code\":3501,\"reason\":\"bad request\"}}}");
    }

    [Fact]
    public void Texts_are_escaped_and_what_is_not_text_becomes_a_replacement()
    {
        _writer.WriteError(1, new CentrifugeError(400, "no \"\\\n\r\t\u0000 😀 ä \ud83d!"));
        _writer.PushUnsubscribe([(byte)'a', 0xff, (byte)'b'], Unsubscribed.ByServer);

        string[] lines = Encoding.UTF8.GetString(_writer.Frame).Split('\n');
        Assert.Equal("no \"\\\n\r\t\u0000 😀 ä \ufffd!", Json.Get(lines[0], "error", "message"));
        Assert.Equal("a\ufffdb", Json.Get(lines[1], "push", "channel"));
    }

    [Fact]
    public void Pretty_printed_data_stays_on_its_line()
    {
        _writer.WriteRpc(1, "{\r\n  \"a\": \"x\\ny\",\n  \"b\": []\r\n}"u8);

        Line("""{"id":1,"rpc":{"data":{    "a": "x\ny",   "b": []  }}}""");
    }

    [Fact]
    public void A_cleared_writer_starts_a_frame_and_a_large_frame_is_not_kept()
    {
        _writer.WriteRpc(1, Encoding.UTF8.GetBytes($"\"{new string('x', 200_000)}\""));
        _writer.Clear();
        _writer.WritePublish(2);

        Line("""{"id":2,"publish":{}}""");
        Assert.Equal(1, _writer.Lines);
    }

    [Fact]
    public void Replies_are_written_without_allocating() => Assert.Equal(0, Allocations.Least(WriteSome));

    private void WriteSome()
    {
        _writer.Clear();
        _writer.WriteConnect(1, new ConnectResult { Client = "abc", Version = "1", PingSeconds = 25, Pong = true });
        _writer.WriteSubscribe(2, new SubscribeResult { Epoch = "e", Offset = 5 });
        _writer.WritePublish(3);
        _writer.WriteRpc(4, "{}"u8);
        _writer.WriteError(5, CentrifugeError.NotAvailable);
        _writer.PushUnsubscribe("c"u8, Unsubscribed.ByServer);
    }

    private void Line(string expected) => Assert.Equal(expected, Encoding.UTF8.GetString(_writer.Frame));
}
