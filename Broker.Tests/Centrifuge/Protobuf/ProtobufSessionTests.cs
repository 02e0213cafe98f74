using Broker.Dialects.Centrifuge;
using Broker.Dialects;
using Broker.Actors.Settings;
using Broker.Dialects.Centrifuge.Wire;
using Broker.Tests.Support;
using Xunit;

namespace Broker.Tests.Centrifuge.Protobuf;

/// <summary>What is only so in the Protobuf form, and where both forms meet in a channel.</summary>
public sealed class ProtobufSessionTests
{
    private static readonly byte[] s_listen = ProtobufTranscoder.Encode("""{"id":2,"subscribe":{"channel":"c"}}""");

    [Theory]
    [InlineData("format=protobuf")]
    [InlineData("cf_protocol_version=v2&cf_protocol=protobuf")]
    public void The_query_of_the_url_asks_for_the_form(string query)
    {
        using var hub = new HubHarness();
        HubClient client = hub.Dial(path: $"{CentrifugeProtocol.Path}?{query}");

        client.SendRaw(HubClient.BinaryFrame(ProtobufTranscoder.Encode("""{"id":1,"connect":{}}""")));

        Assert.StartsWith("""{"id":1,"connect":{"client":""", ProtobufTranscoder.Decode(client.NextPayload()), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("format=json", null)]
    [InlineData("xformat=protobuf", null)]
    [InlineData("format=protobuf", CentrifugeProtocol.Subprotocol)]
    public void Any_other_query_and_a_subprotocol_leave_json(string query, string? subprotocol)
    {
        using var hub = new HubHarness();
        HubClient client = hub.Dial(path: $"{CentrifugeProtocol.Path}?{query}", subprotocol: subprotocol);

        client.Send("""{"id":1,"connect":{}}""");

        Assert.StartsWith("""{"id":1,"connect":{"client":""", client.NextLine(), StringComparison.Ordinal);
    }

    [Fact]
    public void Data_is_bytes_and_json_clients_get_base64_where_it_is_no_json()
    {
        using var hub = new HubHarness { IsProtobuf = true };
        HubClient binary = hub.Connect();
        HubClient json = hub.Dial(path: CentrifugeProtocol.Path);
        json.Send("""{"id":1,"connect":{}}""", """{"id":2,"subscribe":{"channel":"c"}}""");
        json.NextLines(2);
        binary.SendRaw(HubClient.BinaryFrame(s_listen));
        binary.NextLine();

        byte[] publish =
            [0x08, 3, .. ProtobufTranscoder.Bytes(
                7, [.. ProtobufTranscoder.Bytes(1, "c"u8), .. ProtobufTranscoder.Bytes(2, [0, 255, (byte)'\n'])])];
        binary.SendRaw(
            HubClient.BinaryFrame(
                [(byte)publish.Length, .. publish,
                    .. ProtobufTranscoder.Encode("""{"id":4,"publish":{"channel":"c","data":{"text":1}}}""")]));
        Assert.Contains("\"data\":\"AP8K\"", json.NextLine(), StringComparison.Ordinal);
        Assert.Contains("\"data\":{\"text\":1}", json.NextLine(), StringComparison.Ordinal);
        json.Send("""{"id":3,"publish":{"channel":"c","data":[ "three" ]}}""");

        var seen = new List<string>();
        while (seen.Count < 3)
        {
            string line = binary.NextLine();
            if (line.Contains("\"pub\"", StringComparison.Ordinal)) seen.Add(line);
        }

        // The bytes; the test shows what is no text as base64.
        Assert.Contains("\"data\":\"AP8K\"", seen[0], StringComparison.Ordinal);
        Assert.DoesNotContain("tags", seen[0], StringComparison.Ordinal);
        Assert.Contains("\"data\":{\"text\":1}", seen[1], StringComparison.Ordinal);
        Assert.Contains("\"data\":[ \"three\" ]", seen[2], StringComparison.Ordinal);
    }

    [Fact]
    public void Several_publications_of_a_turn_share_a_frame()
    {
        using var hub = new HubHarness { IsProtobuf = true };
        HubClient reader = hub.Connect(), writer = hub.Connect();
        reader.SendRaw(HubClient.BinaryFrame(s_listen));
        reader.NextLine();

        writer.Send([.. Enumerable.Range(2, 5).Select(static id => $$$"""{"id":{{{id}}},"publish":{"channel":"c","data":{{{id}}}}}""")]);

        string[] lines = ProtobufTranscoder.Decode(reader.NextPayload()).Split('\n');
        Assert.Equal(5, lines.Length);
        Assert.Contains("\"data\":6", lines[4], StringComparison.Ordinal);
    }

    [Fact]
    public void A_ping_is_a_single_zero_and_so_is_its_answer()
    {
        using var hub = new HubHarness { IsProtobuf = true };
        HubClient client = hub.Connect();
        for (int i = 0; i < 3; i++)
        {
            byte[][] pings = [];
            for (int step = 0; step < 60 && pings.Length == 0; step++)
            {
                hub.Advance(TimeSpan.FromSeconds(1));
                pings = client.PayloadsWithin(1);
            }

            Assert.Equal(new byte[] { 0 }, Assert.Single(pings));
            client.SendRaw(HubClient.BinaryFrame([0]));
        }

        Assert.Null(client.Close);
    }

    [Fact]
    public void Accepts_a_long_message_that_resumes_many_channels()
    {
        using var hub =
            new HubHarness(new StandardSettings { Centrifuge = new CentrifugeSettings { MessageBytesMax = 4096 } }) { IsProtobuf = true };
        HubClient client = hub.Connect();
        string[] commands =
            [.. Enumerable.Range(2, 60)
                .Select(static id => $$$"""{"id":{{{id}}},"subscribe":{"channel":"{{{new string('c', 90)}}}{{{id}}}"}}""")];

        client.Send(commands);

        Assert.Equal(commands.Length, client.NextLines(commands.Length).Length);
    }

    [Fact]
    public void A_long_message_of_another_kind_is_too_long()
    {
        using var hub =
            new HubHarness(new StandardSettings { Centrifuge = new CentrifugeSettings { MessageBytesMax = 4096 } }) { IsProtobuf = true };
        HubClient client = hub.Connect();

        client.Send($$$"""{"id":2,"publish":{"channel":"c","data":"{{{new string('x', 5000)}}}"}}""");

        Assert.Equal(1009, client.NextClose().Code);
    }

    [Fact]
    public void Binary_results_of_calls_come_as_they_are()
    {
        using var hub = new HubHarness { IsProtobuf = true };
        hub.Methods.Add("bytes", static (_, _) => new((ReadOnlyMemory<byte>)new byte[] { 0, 255 }));
        HubClient client = hub.Connect();

        client.Send("""{"id":2,"rpc":{"method":"bytes"}}""");

        Assert.Equal("""{"id":2,"rpc":{"data":"AP8="}}""", client.NextLine());
    }
}
